/** Labelled strings for conditions about structure; `__tests__/fixtures/corpus/README.md` says what the labels mean. */

import { readFileSync } from "node:fs";

/** One string and what is known about it. */
export interface Labelled {
  readonly id: string;
  readonly input: string;
  readonly intent: string;
  /** `dangerous`: a rule for the intent must fire. `benign`: it must not. `opaque`: nobody can tell from the text. */
  readonly class: "dangerous" | "benign" | "opaque";
  /** Strings with one intent behind different spellings. */
  readonly family?: string;
  readonly root?: string;
  readonly platform?: "posix" | "win32";
  readonly dialect?: string;
  readonly kinds?: readonly string[];
}

/** The strings of one file. */
export function corpus(name: "path" | "shell" | "sql" | "url"): readonly Labelled[] {
  return JSON.parse(readFileSync(`__tests__/fixtures/corpus/${name}.json`, "utf8")) as readonly Labelled[];
}

/** Prints figures where those who run the tests see them. */
export function report(line: string): void {
  process.stdout.write(`corpus: ${line}\n`);
}
