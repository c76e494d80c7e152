/** What a command that runs other commands tells the reader of a script. */

import type { Input } from "./input.ts";
import type { Word } from "./word.ts";

/** A command as it is called, its name already looked up. */
export interface Call {
  /** The name by which tables know the program. */
  readonly name: string;
  /** Program and arguments. */
  readonly words: readonly Word[];
  readonly input: Input;
}

/** Takes what a call runs in turn. */
export interface Launches {
  /** A command. */
  run(words: readonly Word[], via: string, input?: Input): void;
  /** Shell code. */
  code(text: Word, via: string): void;
  /** Text that may be shell code, or may not: what is found in it is a guess, and what is wrong with it does not matter. */
  guess(text: Word, via: string): void;
  /** Something that can't be seen, so that anything may run. */
  unseen(why: string): void;
  /** Whether the script sets variables of its own, which expansions may then hold. */
  readonly setsVariables: boolean;
}

/** What is known of a call once what it launches is taken out. */
export interface OwnPart {
  /** The words that are the program's own. */
  readonly words: readonly Word[];
  /** Why it can't be told what it does. */
  readonly opaque?: readonly string[] | undefined;
  /** Variables that it sets for what it launches. */
  readonly assignments?: readonly Word[] | undefined;
  /** Whether other arguments may be commands all the same. */
  readonly mayRunArguments?: boolean | undefined;
}

/** Reads what a call launches. */
export type Launcher = (call: Call, launches: Launches) => OwnPart;
