/** Regular expressions in linear time (RE2): compiled at load, and asked only about texts of bounded length. */

import { RE2JS, RE2JSException } from "re2js";

import type { Answer } from "../answer.ts";
import { compatible } from "../matching/payload-text.ts";

/**
 * Most UTF-16 code units that one expression looks at for one event. The worst of expressions take a few microseconds for
 * each of them.
 */
export const MAX_EXAMINED = 32_768;

/** An expression, ready to search. */
export interface Expression {
  readonly source: string;
  /** Whether `text` has a match anywhere. */
  finds(text: string): boolean;
}

/** What is used by other engines and takes more than linear time here, so that RE2 does without it. */
const UNSUPPORTED: readonly (readonly [RegExp, string])[] = [
  [/\(\?<?[=!]/, "look-around is not supported; write two rules, one for what must be there and one for what must not"],
  [/\\[1-9]|\\k[<{']|\(\?P=/, "backreferences are not supported"],
  [/\(\?>|[*+?}]\+/, "atomic groups and possessive repetitions are not supported, nor needed in linear time"],
];

/** Compiles `source`; answers the problem, as the rest of a sentence about it, when it is no expression of RE2. */
export function compileExpression(source: string): Expression | string {
  try {
    const compiled = RE2JS.compile(source);
    return { source, finds: (text) => compiled.test(text) };
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    const known = UNSUPPORTED.find(([syntax]) => syntax.test(source));
    const detail = error.message.replace(/^error parsing regexp: /, "");
    return `is not a regular expression of RE2: ${known?.[1] ?? detail}`;
  }
}

const ASCII = /^[\0-\x7f]*$/;

/**
 * Whether any of `expressions` matches any of `texts`; `maybe` when one matches only what compatibility forms of a text's
 * characters stand for: a no-break space for a space, full-width letters for letters. Texts beyond {@link MAX_EXAMINED} in
 * all are not searched, for a match in a part of a text says nothing about the whole: then `maybe`, unless another matches.
 */
export function search(expressions: readonly Expression[], texts: readonly string[]): Answer {
  let left = MAX_EXAMINED;
  let uncertain = false;
  for (const text of texts) {
    if (text.length > left) {
      uncertain = true;
      continue;
    }
    left -= text.length;
    if (finds(expressions, text)) return "yes";
    if (!uncertain && !ASCII.test(text)) uncertain = finds(expressions, compatible(text));
  }
  return uncertain ? "maybe" : "no";
}

function finds(expressions: readonly Expression[], text: string): boolean {
  for (const expression of expressions) if (expression.finds(text)) return true;
  return false;
}
