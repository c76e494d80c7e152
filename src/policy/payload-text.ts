/** The text of a payload, as conditions search it: built once per event and only when a rule asks. */

import type { Json, JsonObject } from "../snapshot.ts";

/**
 * Put between leaves that are searched together. Neither payloads nor policies can hold a lone surrogate, so no text
 * searched for can reach across it.
 */
const BETWEEN_LEAVES = "\uD800";

const IGNORABLE = /\p{Default_Ignorable_Code_Point}+/gu;
/** Unicode's White_Space; `\s` alone lacks NEL. */
const WHITE_SPACE = /[\s\u0085]+/gu;
const CAPITAL_SIGMA = "\u03A3";
const SMALL_SIGMA = "\u03C3";

/** A payload's text leaves and the forms of them that conditions search. */
export class PayloadText {
  readonly #payload: JsonObject;
  #leaves: readonly string[] | undefined;
  #folded: string | undefined;
  #normalised: string | undefined;

  constructor(payload: JsonObject) {
    this.#payload = payload;
  }

  /** Every string, number and boolean among the values at any depth, in RFC 8785 key order. Numbers as JSON writes them. */
  get leaves(): readonly string[] {
    this.#leaves ??= collectLeaves(this.#payload);
    return this.#leaves;
  }

  /** All leaves in lower case, in every form {@link caseForms} gives, none of them touching another. */
  get folded(): string {
    this.#folded ??= this.leaves.flatMap(caseForms).join(BETWEEN_LEAVES);
    return this.#folded;
  }

  /** All leaves joined by a space and normalised as {@link normalise} does. */
  get normalised(): string {
    this.#normalised ??= normalise(this.leaves.join(" "));
    return this.#normalised;
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
  const compatible = text.replace(IGNORABLE, "").normalize("NFKC").replaceAll(CAPITAL_SIGMA, SMALL_SIGMA);
  return compatible.toLowerCase().normalize("NFKC").replace(WHITE_SPACE, " ");
}

function collectLeaves(payload: JsonObject): string[] {
  const leaves: string[] = [];
  const visit = (value: Json): void => {
    if (typeof value === "string") leaves.push(value);
    else if (typeof value === "number" || typeof value === "boolean") leaves.push(String(value));
    else if (isList(value)) value.forEach(visit);
    else if (value !== null) {
      // RFC 8785, 3.2.3: keys by UTF-16 code units, which is how JavaScript compares strings.
      for (const key of Object.keys(value).toSorted()) visit(value[key] ?? null);
    }
  };
  visit(payload);
  return leaves;
}

/** `Array.isArray` does not narrow read-only arrays. */
function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
