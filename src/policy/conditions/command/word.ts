/** Words of a command, as far as the text tells what the shell will make of them. */

import type { DoubleQuotedChild, Word as ParsedWord, WordPart } from "unbash";

/** Stands in a {@link Word}'s shape for whatever only the running shell knows. A script with a NUL of its own is not read. */
export const HOLE = "\0";

/** One word of a command. */
export interface Word {
  /** As it is written. */
  readonly text: string;
  /** What the program is given: quotes and escapes removed, {@link HOLE} for every part that the text does not tell. */
  readonly shape: string;
  /** Whether it may become several words, or none. */
  readonly splits: boolean;
}

/** A word that is exactly `value`. */
export function literalWord(value: string): Word {
  return { text: value, shape: value, splits: false };
}

/** A word, or any number of words, of which nothing is known. */
export function unknownWords(text: string): Word {
  return { text, shape: HOLE, splits: true };
}

/** What the program is given, when the text tells. */
export function literalOf({ shape, splits }: Word): string | undefined {
  return splits || shape.includes(HOLE) ? undefined : shape;
}

/** Whether the word can come to begin with `-`, and so be an option where none is written. */
export function mayBecomeFlag({ shape, splits }: Word): boolean {
  if (splits) return true;
  if (!shape.startsWith(HOLE)) return false;
  // What follows is there in any case, and a slash or a dot is in the name of no option.
  return !/[^\w=\0-]/.test(shape);
}

/** Variables that hold an absolute path in every shell, unless the script itself says otherwise. */
const DIRECTORIES: ReadonlySet<string> = new Set(["HOME", "PWD"]);

/** Whether a script leaves the variables alone that hold an absolute path in every shell. */
export function leavesDirectoriesAlone(script: string): boolean {
  return !/(?<![$\w{])(?:HOME|PWD)\b/.test(script);
}

/** Reads a parsed word. `trusted` says whether the variables that hold an absolute path in every shell do so here. */
export function readWord(word: ParsedWord, trusted: boolean): Word {
  const { parts } = word;
  if (parts === undefined) return { text: word.text, shape: word.value, splits: false };
  const reading = new PartReader(trusted);
  for (const part of parts) reading.part(part, false);
  return { text: word.text, shape: reading.shape, splits: reading.splits };
}

/** Puts the parts of one word together. */
class PartReader {
  shape = "";
  splits = false;
  readonly #trusted: boolean;

  constructor(trusted: boolean) {
    this.#trusted = trusted;
  }

  part(part: WordPart | DoubleQuotedChild, quoted: boolean): void {
    switch (part.type) {
      case "Literal":
      case "SingleQuoted":
      case "AnsiCQuoted":
        this.shape += part.value;
        return;
      case "DoubleQuoted":
      case "LocaleString":
        for (const child of part.parts) this.part(child, true);
        return;
      case "Glob":
        this.shape += quoted ? part.value : HOLE;
        return;
      case "SimpleExpansion":
        this.#variable(part.text.slice(1), quoted);
        return;
      case "ParameterExpansion":
        if (part.operation === undefined && part.prefix === undefined && part.index === undefined) {
          this.#variable(part.parameter, quoted);
        } else {
          this.shape += HOLE;
          this.splits ||= !quoted || /[@*]/.test(part.text);
        }
        return;
      case "CommandExpansion":
        this.shape += HOLE;
        this.splits ||= !quoted;
        return;
      case "ProcessSubstitution":
        // The path of a pipe.
        this.shape += `/dev/fd/${HOLE}`;
        return;
      case "BraceExpansion":
        // Every word it makes has what stands before and after it. An empty word goes away.
        this.shape += HOLE;
        return;
      case "ArithmeticExpansion":
      case "ExtendedGlob":
        this.shape += HOLE;
    }
  }

  #variable(name: string, quoted: boolean): void {
    if (this.shape === "" && this.#trusted && DIRECTORIES.has(name)) {
      this.shape += `/${HOLE}`;
      return;
    }
    this.shape += HOLE;
    // A number or a single character of the shell's own never splits.
    this.splits ||= name === "@" || (!quoted && !/^[#?$!-]$/.test(name));
  }
}
