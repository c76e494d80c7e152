/** `printf`: the shell's own assigns variables. */

import { literalOf, type Word } from "./word.ts";

/** A conversion `n`, whatever flags, width, precision and length stand before it. */
const ASSIGNS = /%[^a-zA-Z%]*[hjlLqtwz]*n/;
/** `%` as an escape, which some shells undo before they read the format. */
const ESCAPED_PERCENT = /\\(?:x25|0?45|u(?:00)?25|U(?:0{6})?25)/g;

/**
 * Why it can't be told what a `printf` does; empty when it only prints. `%n` puts a number into the variable that the argument
 * names: after `printf 'x%n' PATH` other programs run by the same names.
 */
export function assignmentsOf(words: readonly Word[]): readonly string[] {
  const format = words[formatAt(words)];
  if (format === undefined) return [];
  const text = literalOf(format);
  if (text === undefined) return ["printf's format is not in the text"];
  const forms = [text, text.replace(ESCAPED_PERCENT, "%")];
  return forms.some((form) => ASSIGNS.test(form.replaceAll("%%", ""))) ? ["printf sets a variable"] : [];
}

/** The words that may be names of variables: all but a format that cannot come to be `-v` and a name. */
export function namesGivenTo(words: readonly Word[]): readonly Word[] {
  const at = formatAt(words);
  return words.filter((word, index) => index !== at || word.splits || /^[-\0]/.test(word.shape));
}

function formatAt(words: readonly Word[]): number {
  return words[1]?.shape === "--" ? 2 : 1;
}
