/** The text of a payload, as conditions search it: built once per event and only when a rule asks. */

import type { Json, JsonObject } from "../snapshot.ts";

/** Put between leaves that are searched together. A text that holds it itself is searched for in each leaf alone. */
const BETWEEN_LEAVES = "\0";

const ASCII = /^[\0-\x7f]*$/;
const IGNORABLE = /\p{Default_Ignorable_Code_Point}+/gu;
/** Unicode's White_Space; `\s` alone lacks NEL. */
const WHITE_SPACE = /[\s\u0085]+/gu;
/** White space that is no single space. Without it, collapsing changes nothing. */
const UNEVEN = /[\t-\r]|  /;
const CAPITAL_SIGMA = "\u03A3";
const SMALL_SIGMA = "\u03C3";

/** A payload's text leaves and the forms of them that conditions search. */
export class PayloadText {
  readonly #payload: JsonObject;
  #leaves: readonly string[] | undefined;
  #folded: string | undefined;
  #normalised: string | undefined;
  #compatible: readonly string[] | undefined;

  constructor(payload: JsonObject) {
    this.#payload = payload;
  }

  /** Every string, number and boolean among the values at any depth, in RFC 8785 key order. Numbers as JSON writes them. */
  get leaves(): readonly string[] {
    if (this.#leaves === undefined) {
      const leaves: string[] = [];
      collectLeaves(this.#payload, leaves);
      this.#leaves = leaves;
    }
    return this.#leaves;
  }

  /** All leaves in lower case, in every form {@link caseForms} gives, with a NUL between one and the next. */
  get folded(): string {
    this.#folded ??= fold(this.leaves);
    return this.#folded;
  }

  /** All leaves joined by a space and normalised as {@link normalise} does. */
  get normalised(): string {
    if (this.#normalised === undefined) {
      const { folded, leaves } = this;
      // One leaf is what it was, when it has nothing to normalise.
      const same = leaves.length === 1 && !UNEVEN.test(folded) && ASCII.test(folded);
      this.#normalised = same ? folded : normalise(leaves.join(" "));
    }
    return this.#normalised;
  }

  /** The leaves one by one, in lower case and with compatibility forms of characters read as what they stand for. */
  get compatible(): readonly string[] {
    this.#compatible ??= this.leaves.flatMap((leaf) => caseForms(compatible(leaf)));
    return this.#compatible;
  }

  /** Whether every match in a leaf is one in {@link normalised} too: no character has other forms than its case. */
  get isAscii(): boolean {
    return ASCII.test(this.normalised) && ASCII.test(this.folded);
  }

  /** Whether a leaf has `form`, a text in lower case. */
  has(form: string): boolean {
    if (!form.includes(BETWEEN_LEAVES)) return this.folded.includes(form);
    return this.leaves.some((leaf) => caseForms(leaf).some((each) => each.includes(form)));
  }
}

/**
 * The lower-case forms of `text`: one, or two when it has a capital sigma. `toLowerCase` writes that letter differently at
 * the end of a word, so a text would not be found inside a longer word that contains it.
 */
export function caseForms(text: string): string[] {
  const lower = text.toLowerCase();
  return text.includes(CAPITAL_SIGMA) ? [lower, text.replaceAll(CAPITAL_SIGMA, SMALL_SIGMA).toLowerCase()] : [lower];
}

/**
 * `text` without default-ignorable characters (zero-width, soft hyphen, variation selectors), in Unicode NFKC and lower
 * case, every run of white space a single space.
 */
export function normalise(text: string): string {
  if (ASCII.test(text)) {
    const lower = text.toLowerCase();
    return UNEVEN.test(lower) ? lower.replace(WHITE_SPACE, " ") : lower;
  }
  const lower = compatible(text).replaceAll(CAPITAL_SIGMA, SMALL_SIGMA).toLowerCase();
  return lower.normalize("NFKC").replace(WHITE_SPACE, " ");
}

/** `text` in Unicode NFKC, without default-ignorable characters. */
export function compatible(text: string): string {
  return text.replace(IGNORABLE, "").normalize("NFKC");
}

function fold(leaves: readonly string[]): string {
  const joined = leaves.length === 1 ? (leaves[0] ?? "") : leaves.join(BETWEEN_LEAVES);
  // Lower case of one leaf depends on another only where there is a sigma.
  return joined.includes(CAPITAL_SIGMA) ? leaves.flatMap(caseForms).join(BETWEEN_LEAVES) : joined.toLowerCase();
}

function collectLeaves(value: Json, leaves: string[]): void {
  if (typeof value === "string") leaves.push(value);
  else if (typeof value === "number" || typeof value === "boolean") leaves.push(String(value));
  else if (isList(value)) for (const item of value) collectLeaves(item, leaves);
  else if (value !== null) for (const key of sortedKeys(value)) collectLeaves(value[key] ?? null, leaves);
}

/** RFC 8785, 3.2.3: keys by UTF-16 code units, which is how JavaScript compares strings. */
function sortedKeys(value: JsonObject): string[] {
  const keys = Object.keys(value);
  return keys.length < 2 ? keys : keys.toSorted();
}

/** `Array.isArray` does not narrow read-only arrays. */
function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
