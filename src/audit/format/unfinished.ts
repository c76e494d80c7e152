/** What may follow a tail's last line feed: nothing but the beginning of a line, as a crash or a power loss leaves it. */

import { parseTailLine } from "./tail.ts";

/** The hash, the space, and the beginning of an object in which, as in all JSON text, no control character stands. */
// oxlint-disable-next-line no-control-regex
const BEGINNING = /^(?:[0-9a-f]{0,64}|[0-9a-f]{64} (?:\{[^\x00-\x1f]*)?)$/;

/**
 * What is wrong with these bytes as an unfinished write; `undefined` when a crash can have left them. Space that a power
 * loss left unwritten reads as zeros, and only at the end: what was written behind it would show that somebody else put
 * the zeros there.
 */
export function unfinishedProblem(rest: Buffer): string | undefined {
  const end = rest.findLastIndex((byte) => byte !== 0) + 1;
  const written = rest.subarray(0, end);
  const text = written.toString("latin1");
  if (!BEGINNING.test(text)) return "what follows its last line in the tail is not the beginning of one";
  const whole = wholeObject(text);
  if (whole === undefined) return undefined;
  // A single zero is where the line feed was.
  const isLineFeedMissing = whole === text.length && parseTailLine(written) !== undefined && rest.length !== end + 1;
  return isLineFeedMissing ? undefined : "the end of its line in the tail was changed";
}

/** Where the first JSON object in `text` ends; `undefined` when it doesn't. */
function wholeObject(text: string): number | undefined {
  let depth = 0;
  let isQuoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at];
    if (isQuoted) {
      if (letter === "\\") at += 1;
      else if (letter === '"') isQuoted = false;
    } else if (letter === '"') isQuoted = true;
    else if (letter === "{") depth += 1;
    else if (letter === "}") {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return undefined;
}
