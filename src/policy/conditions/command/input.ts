/** What a command reads from its standard input, where the script says so. */

import type { Redirection as ParsedRedirection } from "unbash";

import type { Redirection } from "./command.ts";
import type { Input } from "./launching.ts";
import { HOLE, literalWord } from "./word.ts";

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
