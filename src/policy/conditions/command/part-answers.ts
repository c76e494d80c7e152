/** What rules of all sections answer about the parts of a command, and what they take for a path. */

import { both, type Answer } from "../../answer.ts";

/** What each part of a rule answers about a command. */
export type PartAnswers = readonly (readonly [part: string, answer: Answer])[];

/** What all parts say together. */
export function allOf(parts: PartAnswers): Answer {
  return parts.reduce<Answer>((all, [, answer]) => both(all, answer), "yes");
}

/** The path a word is, and those that may stand in it: `if=/dev/sda`, `@/etc/passwd`, `host:/srv`. */
export function pathsIn(shape: string): readonly string[] {
  const inner = shape.split(/[=@:,]/).slice(1);
  return [shape, ...inner.filter((part) => part !== "")];
}
