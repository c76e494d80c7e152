/** JSON that a model wrote, as a person is shown it: unmistakable, and cut where it is long. */

import type { Json, JsonObject } from "../snapshot.ts";
import { unmistakable } from "./terminal.ts";

/** Characters of one text that are shown, also where the whole value is on one line; of such a line; and lines of one value. */
const MAX_TEXT = 400;
const MAX_SHORT_TEXT = 40;
const MAX_LINE = 160;
const MAX_LINES = 200;

/** Levels that are shown: a call that is nested more deeply can't be recorded, so somebody has made it up. */
const MAX_LEVELS = 100;
const TOO_DEEP = `… (more than ${MAX_LEVELS} levels)`;

/** The value over several lines, indented by two spaces a level. */
export function jsonLines(value: Json): readonly string[] {
  const lines = [...linesOf(value, "", "", 1)];
  if (lines.length <= MAX_LINES) return lines;
  return [...lines.slice(0, MAX_LINES), `… (${lines.length - MAX_LINES} more lines are not shown)`];
}

/** The value on one line. */
export function jsonOnOneLine(value: Json): string {
  const text = shortOf(value, 1);
  return text.length <= MAX_LINE ? text : `${cut(text, MAX_LINE)}… (${text.length} characters)`;
}

function shortOf(value: Json, level: number): string {
  if (typeof value !== "object" || value === null) return scalar(value, MAX_SHORT_TEXT);
  if (level > MAX_LEVELS) return TOO_DEEP;
  if (Array.isArray(value)) return `[${value.map((each: Json) => shortOf(each, level + 1)).join(",")}]`;
  const members = Object.entries(value as JsonObject).map(
    ([name, member]) => `${scalar(name)}:${shortOf(member, level + 1)}`,
  );
  return `{${members.join(",")}}`;
}

function* linesOf(value: Json, before: string, after: string, level: number): Generator<string> {
  if (typeof value !== "object" || value === null) {
    yield `${before}${scalar(value)}${after}`;
    return;
  }
  if (level > MAX_LEVELS) {
    yield `${before}${TOO_DEEP}${after}`;
    return;
  }
  const isList = Array.isArray(value);
  const [opening, closing] = isList ? "[]" : "{}";
  const members = Object.entries(value);
  if (members.length === 0) {
    yield `${before}${opening}${closing}${after}`;
    return;
  }
  const indent = /^ */.exec(before)?.[0] ?? "";
  yield `${before}${opening}`;
  for (const [index, [name, member]] of members.entries()) {
    const label = isList ? "" : `${scalar(name)}: `;
    yield* linesOf(member, `${indent}  ${label}`, index === members.length - 1 ? "" : ",", level + 1);
  }
  yield `${indent}${closing}${after}`;
}

function scalar(value: null | boolean | number | string, max = MAX_TEXT): string {
  const text = unmistakable(JSON.stringify(value));
  if (text.length <= max) return text;
  return `${cut(text, max)}…" (${String(value).length} characters)`;
}

/** The beginning of `text`, not ending inside an escape. */
function cut(text: string, length: number): string {
  return text.slice(0, length).replace(/\\(?:u(?:\{[0-9a-f]*|[0-9a-f]{0,3})?)?$/, "");
}
