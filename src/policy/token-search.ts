/** Tells quickly that a text is not in a payload, by the parts of it that white space cannot change. */

/** Shortest token that is looked for: shorter ones are everywhere. */
const MIN_TOKEN = 2;

/** Characters from the most to the least common in prose, paths and source; others are rarer. */
const COMMON = "etaoinsrhldcumfpgybw.,v/k-_01:=\"'23456789();x{}jqz";

/** What to look for instead of a normalised text: it is in an ASCII payload only if all of these are in a single value. */
export interface Tokens {
  /**
   * The end of a token that begins with the rarest character of all tokens. The engine finds the first character of what it
   * looks for many at a time, and each place where that stands costs.
   */
  readonly probe: string;
  /** The tokens: the text's parts between white space. */
  readonly all: readonly string[];
}

const ASCII = /^[\0-\x7f]*$/;

/** The tokens of a normalised text; `undefined` when it is not ASCII or has none that is long enough. */
export function tokensOf(normalised: string): Tokens | undefined {
  if (!ASCII.test(normalised)) return undefined;
  const all = normalised.split(" ").filter((token) => token !== "");
  let probe = "";
  for (const token of all) {
    for (let at = 0; at <= token.length - MIN_TOKEN; at += 1) {
      const end = token.slice(at);
      if (probe === "" || rarity(end) > rarity(probe)) probe = end;
    }
  }
  return probe === "" ? undefined : { probe, all };
}

/** Whether all tokens are in `lower`, an ASCII payload's values in lower case. */
export function haveTokens({ probe, all }: Tokens, lower: string): boolean {
  return lower.includes(probe) && all.every((token) => lower.includes(token));
}

function rarity(end: string): number {
  const place = COMMON.indexOf(end.charAt(0));
  return place < 0 ? COMMON.length : place;
}
