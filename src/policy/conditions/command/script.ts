/** What a script runs: its commands, those inside others included, and what could not be told. */

import type { Word } from "./word.ts";

/** A redirection of a command. */
export interface Redirection {
  readonly operator: string;
  /** The file descriptor that is named, if one is. */
  readonly descriptor: number | undefined;
  /** `undefined` for a here-document, whose text is part of the script. */
  readonly target: Word | undefined;
}

/** A variable that is set for a command, or for the rest of the script. */
export interface Assignment {
  readonly name: string;
  readonly value: Word;
}

/** One command. A command that runs another one ends where that begins. */
export interface Command {
  /** The program and its arguments; empty when the command only assigns or redirects. */
  readonly words: readonly Word[];
  readonly assignments: readonly Assignment[];
  readonly redirects: readonly Redirection[];
  /** How it came to be found, when not as a command of the script itself: `sudo`, `find -delete`. */
  readonly via: string | undefined;
  /** Whether it surely is a command, and not just text that looks like one. */
  readonly certain: boolean;
  /** Whether its arguments may hold another command, as nothing is known of the program. */
  readonly mayRunArguments: boolean;
  /** Why it can't be told what this command does; empty when it can. */
  readonly opaque: readonly string[];
}

/** A script, understood as far as its text allows. */
export interface Script {
  readonly text: string;
  readonly commands: readonly Command[];
  /** Why more than these commands may run; empty when nothing else can. */
  readonly unseen: readonly string[];
  /** Texts that may be code or not, and in which more may run than was found. */
  readonly guesses: readonly string[];
  /** Why an allow rule must not allow it, besides what is unseen or opaque in its commands. */
  readonly undecidable: readonly string[];
}
