/** What a command reads from its standard input, where the script says so. */

import type { Redirection as ParsedRedirection } from "unbash";

import type { Redirection } from "./script.ts";
import { HOLE, literalWord, type Word } from "./word.ts";

/** What a command reads from its standard input. */
export type Input =
  | { readonly kind: "unknown" }
  /** Text that stands in the script. */
  | { readonly kind: "text"; readonly text: Word }
  /** Paths that `find` has found: none of them begins with a dash. */
  | { readonly kind: "paths" };

/** What is not in the script. */
export const UNKNOWN_INPUT: Input = { kind: "unknown" };

/** What a redirection gives a command to read; `undefined` when it gives nothing. */
export function inputFrom(parsed: ParsedRedirection, { target }: Redirection): Input | undefined {
  if (parsed.type === "HereString") return target === undefined ? UNKNOWN_INPUT : { kind: "text", text: target };
  if (parsed.type === "HereDoc") {
    const { text, parts } = parsed.body;
    const isPlain = parsed.delimiter?.quoted === true || parts === undefined || !/[$`\\]/.test(text);
    return isPlain
      ? { kind: "text", text: literalWord(text) }
      : { kind: "text", text: { text, shape: expanded(text), splits: false } };
  }
  return parsed.operator.startsWith("<") ? UNKNOWN_INPUT : undefined;
}

/** A here-document whose expansions are not known: what is not part of one is still read. */
function expanded(text: string): string {
  return `${HOLE}\n${text}`;
}
