/** `date`: it shows the time, or sets the clock. */

import { readArguments } from "./arguments.ts";
import type { Launcher } from "./launching.ts";
import { knowledgeOf } from "./programs.ts";
import { literalOf } from "./word.ts";

/** `date` shows what `+` asks for, and sets the clock to what anything else says. */
export const date: Launcher = ({ words }) => {
  const { operands } = readArguments(words.slice(1), knowledgeOf("date"));
  const sets = operands.some((word) => literalOf(word)?.startsWith("+") !== true);
  return { words, opaque: sets ? ["date sets the clock"] : [] };
};
