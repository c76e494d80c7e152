/** The text of a payload, as conditions search it: built once per event and only when a rule asks. */

// Read from the global object, it would be read by way of a getter each time.
import { Buffer } from "node:buffer";

import type { Json, JsonObject } from "../../snapshot.ts";
import { isInOneString, isList, joinStrings } from "./payload-strings.ts";

/** Put between leaves that are searched together. A text that holds it itself is searched for in each leaf alone. */
const BETWEEN_LEAVES = "\0";

const IGNORABLE = /\p{Default_Ignorable_Code_Point}+/gu;
/** Unicode's White_Space other than a single space; `\s` alone lacks NEL. */
const UNEVEN_WHITE_SPACE = /[^\S ][\s\u0085]*|\u0085[\s\u0085]*| [\s\u0085]+/g;
/** ASCII white space other than a single space, which stays what it is. */
const UNEVEN = /[\t-\r][\t-\r ]*| [\t-\r ]+/g;
const CAPITAL_SIGMA = "\u03A3";
const SMALL_SIGMA = "\u03C3";

/** A payload's text leaves and the forms of them that conditions search. */
export class PayloadText {
  readonly #payload: JsonObject;
  #isAscii: boolean | undefined;
  #lower: string | undefined;
  #leaves: readonly string[] | undefined;
  #folded: string | undefined;
  #normalised: string | undefined;
  #uncomposed: string | undefined;
  #searched: readonly string[] | undefined;
  #compatibleLeaves: readonly string[] | undefined;
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

  /**
   * The strings among the leaves in lower case, one right after the other in no particular order. What is not in here is in
   * none of them; what is may reach from one into the next.
   */
  get lower(): string {
    this.#lower ??= joinStrings(this.#payload, "").toLowerCase();
    return this.#lower;
  }

  /** All leaves in lower case, in every form {@link caseForms} gives, with a NUL between one and the next. */
  get folded(): string {
    this.#folded ??= fold(this.leaves);
    return this.#folded;
  }

  /** All leaves joined by a space and normalised as {@link normalise} does. */
  get normalised(): string {
    this.#normalised ??= this.isAscii ? normalise(this.leaves.join(" ")) : compose(this.uncomposed);
    return this.#normalised;
  }

  /** As {@link normalised}, in the form that {@link uncompose} gives. */
  get uncomposed(): string {
    // Nothing composes with a space, nor moves past it, so that leaves may be joined before or after.
    this.#uncomposed ??= caseFold(this.#eachCompatible.join(" "));
    return this.#uncomposed;
  }

  /**
   * Every form in which conditions search the payload for a text without NUL, each once. In a payload that {@link isAscii},
   * what is in any of them is in {@link normalised} too, once it is normalised itself.
   */
  get searched(): readonly string[] {
    if (this.#searched === undefined) {
      const forms = [this.normalised, this.uncomposed, this.folded, this.compatible.join(BETWEEN_LEAVES)];
      this.#searched = [...new Set(forms)];
    }
    return this.#searched;
  }

  /** The leaves one by one, in lower case and with compatibility forms of characters read as what they stand for. */
  get compatible(): readonly string[] {
    this.#compatible ??= this.#eachCompatible.flatMap(caseForms);
    return this.#compatible;
  }

  get #eachCompatible(): readonly string[] {
    this.#compatibleLeaves ??= this.leaves.map(compatible);
    return this.#compatibleLeaves;
  }

  /**
   * Whether {@link lower} is ASCII. Then no character has other forms than its case: the only other one whose lower case is
   * ASCII is the sign for kelvin, and its lower case is the `k` that it stands for in every form.
   */
  get isAscii(): boolean {
    this.#isAscii ??= isAllAscii(this.lower);
    return this.#isAscii;
  }

  /** Whether a leaf has `form`, a text in lower case. */
  has(form: string): boolean {
    if (form.includes(BETWEEN_LEAVES))
      return this.leaves.some((leaf) => caseForms(leaf).some((each) => each.includes(form)));
    return this.folded.includes(form);
  }

  /** As {@link has}, quicker, for what {@link isOnlyInStrings}. */
  hasInString(form: string): boolean {
    return this.isAscii ? this.isInString(form, this.lower.indexOf(form)) : this.folded.includes(form);
  }

  /** As {@link hasInString} for ASCII, when the first place of `form` in {@link lower} is known: `at`, or less than 0. */
  isInString(form: string, at: number): boolean {
    return isInOneString(form, this.lower, at, this.#payload);
  }
}

/** Whether only a string can have `form`, a text in lower case, and a leaf has it wherever all leaves together do. */
export function isOnlyInStrings(form: string): boolean {
  return !form.includes(BETWEEN_LEAVES) && !isInNumbers(form);
}

const NUMBER_PART = /^[\d.e+-]*$/;

/** Whether `form`, a text in lower case, may be part of a number as JSON writes it, or is part of `true` or `false`. */
export function isInNumbers(form: string): boolean {
  return NUMBER_PART.test(form) || "true".includes(form) || "false".includes(form);
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
 * `text` without default-ignorable characters (zero-width, soft hyphen, variation selectors), in Unicode NFKC and in full
 * case folding (`ß` is `ss`), every run of white space a single space.
 */
export function normalise(text: string): string {
  if (isAllAscii(text)) return collapse(text.toLowerCase());
  return compose(uncompose(text));
}

/**
 * As {@link normalise}, but as case folding leaves it. In `ß` with an accent, NFKC puts that accent on the last `s` of `ss`,
 * so that no `ss` is left. Here it still is, for every character is folded by itself: what is in a text after NFKC is in it
 * when both are folded.
 */
export function uncompose(text: string): string {
  return caseFold(compatible(text));
}

/** What {@link uncompose} makes of a text, from what {@link compatible} does. */
function caseFold(text: string): string {
  // By way of capitals: there ß becomes SS, and the two small sigmas become one.
  const capitals = text.toLowerCase().toUpperCase();
  return capitals.replaceAll(CAPITAL_SIGMA, SMALL_SIGMA).toLowerCase().replace(UNEVEN_WHITE_SPACE, " ");
}

/** What {@link normalise} makes of a text, from what {@link uncompose} does. */
function compose(uncomposed: string): string {
  return uncomposed.normalize("NFKC").replace(UNEVEN_WHITE_SPACE, " ");
}

/** `text` in Unicode NFKC, without default-ignorable characters. */
export function compatible(text: string): string {
  return isAllAscii(text) ? text : text.replace(IGNORABLE, "").normalize("NFKC");
}

/** Only ASCII takes one byte a character. Counting bytes is many times quicker than any regular expression. */
function isAllAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length;
}

/** ASCII text with every run of white space a single space. */
function collapse(ascii: string): string {
  return ascii.replace(UNEVEN, " ");
}

function fold(leaves: readonly string[]): string {
  const joined = leaves.join(BETWEEN_LEAVES);
  // Lower case of one leaf depends on another only where there is a sigma.
  return joined.includes(CAPITAL_SIGMA) ? leaves.flatMap(caseForms).join(BETWEEN_LEAVES) : joined.toLowerCase();
}

function collectLeaves(value: Json, leaves: string[]): void {
  if (typeof value === "string") leaves.push(value);
  else if (typeof value === "number" || typeof value === "boolean") leaves.push(String(value));
  else if (isList(value)) for (const item of value) collectLeaves(item, leaves);
  else if (value !== null) for (const key of sortedKeys(value)) collectLeaves(value[key] ?? null, leaves);
}

/** Most keys that are put in order by insertion, which is several times quicker than sorting for a few. */
const FEW_KEYS = 16;

/** RFC 8785, 3.2.3: keys by UTF-16 code units, which is how JavaScript compares strings. */
function sortedKeys(value: JsonObject): string[] {
  const keys = Object.keys(value);
  if (keys.length > FEW_KEYS) return keys.toSorted();
  for (let next = 1; next < keys.length; next += 1) {
    const key = keys[next] ?? "";
    let at = next - 1;
    for (; at >= 0 && (keys[at] ?? "") > key; at -= 1) keys[at + 1] = keys[at] ?? "";
    keys[at + 1] = key;
  }
  return keys;
}
