/** Tells quickly that a text is not in a payload, by the parts of it that white space cannot change. */

import { isInNumbers } from "./payload-text.ts";

/** Fewest characters of a token that are looked for, if it has as many: fewer are everywhere. */
const MIN_PART = 4;

/** Most: to find more, the engine first makes a table for what it looks for, and six characters are rare enough. */
const MAX_PART = 6;

/** Characters from the most to the least common in prose, paths and source; others are rarer. */
const COMMON = "etaoinsrhldcumfpgybw.,v/k-_01:=\"'23456789();x{}jqz";

/** What to look for instead of a normalised text: it is in an ASCII payload only if all of this is. */
export interface Tokens {
  /**
   * A few characters of each token, that of the rarest token first. Tokens are the text's parts between white space. Each of
   * these begins with the rarest character it can: the engine finds the first character of what it looks for many at a time,
   * and each place where that stands costs. Tokens that may stand in a number are left out if there are others.
   */
  readonly parts: readonly string[];
  /** Whether these may be in a number or a boolean, and not only in a string. */
  readonly inNumbers: boolean;
}

const ASCII = /^[\0-\x7f]*$/;
const WORD = /^[a-z]+$/;

/** The tokens of a normalised text; `undefined` when it is not ASCII or has none. */
export function tokensOf(normalised: string): Tokens | undefined {
  if (!ASCII.test(normalised)) return undefined;
  const tokens = normalised.split(" ").filter((token) => token !== "");
  if (tokens.length === 0) return undefined;
  const inStrings = tokens.filter((token) => !isInNumbers(token));
  const inNumbers = inStrings.length === 0;
  const parts = (inNumbers ? tokens : inStrings).map((token) => ({
    part: rarestPart(token),
    isWord: WORD.test(token),
    length: token.length,
  }));
  // What is no word is rarer than any word, and long words are rarer than short ones.
  parts.sort(
    (left, right) =>
      Number(left.isWord) - Number(right.isWord) ||
      right.length - left.length ||
      rarity(right.part) - rarity(left.part),
  );
  return { parts: parts.map(({ part }) => part), inNumbers };
}

function rarestPart(token: string): string {
  let rarest = token.slice(0, MAX_PART);
  for (let at = 1; at <= token.length - MIN_PART; at += 1) {
    const part = token.slice(at, at + MAX_PART);
    if (rarity(part) > rarity(rarest)) rarest = part;
  }
  return rarest;
}

function rarity(part: string): number {
  const place = COMMON.indexOf(part.charAt(0));
  return place < 0 ? COMMON.length : place;
}
