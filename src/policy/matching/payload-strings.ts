/** The strings of a payload one after the other, without a list of them: what most searches need, and the quickest to make. */

import type { Json, JsonObject } from "../../snapshot.ts";

// oxlint-disable-next-line typescript/unbound-method -- called with the object it is asked about
const { hasOwnProperty } = Object.prototype;

/**
 * Adds every string at any depth to `text`. Strings are added one to the next, since the engine keeps a sum as a tree of its
 * parts until it is searched, which takes half the time of a list that is joined. It drops the test for an own property
 * where it knows that a loop names no others, and knows that of `hasOwnProperty` only; `Object.keys` would make a list.
 */
export function joinStrings(container: JsonObject | readonly Json[], text: string): string {
  let joined = text;
  if (isList(container)) {
    for (let index = 0; index < container.length; index += 1) joined = joinValue(container[index], joined);
    return joined;
  }
  for (const key in container) {
    if (hasOwnProperty.call(container, key)) joined = joinValue(container[key], joined);
  }
  return joined;
}

function joinValue(value: Json | undefined, text: string): string {
  if (typeof value === "string") return text + value;
  return typeof value === "object" && value !== null ? joinStrings(value, text) : text;
}

/**
 * Whether one string at any depth has `form`, and not only several of them together. `sum` is what {@link joinStrings} makes
 * of the container, in lower case, and no string may have changed its length on the way. `at` is the first place of `form` in
 * it, or less than 0.
 */
export function isInOneString(form: string, sum: string, at: number, container: JsonObject): boolean {
  return at >= 0 && new Occurrences(form, sum, at).areWithin(container);
}

/** The places of a text in the sum of a payload's strings, which are walked once to see where each begins. */
class Occurrences {
  readonly #form: string;
  readonly #sum: string;
  /** The first place that is not before the next string. */
  #at: number;
  /** Where the next string begins. */
  #start = 0;

  constructor(form: string, sum: string, at: number) {
    this.#form = form;
    this.#sum = sum;
    this.#at = at;
  }

  /** Whether one of the places is within one string of `container`. */
  areWithin(container: JsonObject | readonly Json[]): boolean {
    if (isList(container)) {
      for (let index = 0; index < container.length; index += 1) if (this.#isWithin(container[index])) return true;
      return false;
    }
    for (const key in container) {
      if (hasOwnProperty.call(container, key) && this.#isWithin(container[key])) return true;
    }
    return false;
  }

  #isWithin(value: Json | undefined): boolean {
    if (typeof value === "string") return this.#isWithinNext(value.length);
    return typeof value === "object" && value !== null && this.areWithin(value);
  }

  #isWithinNext(length: number): boolean {
    this.#start += length;
    if (this.#at >= this.#start) return false;
    if (this.#at + this.#form.length <= this.#start) return true;
    // It reaches into the next string. What is wholly within a later one begins there or behind.
    const next = this.#sum.indexOf(this.#form, this.#start);
    this.#at = next < 0 ? Infinity : next;
    return false;
  }
}

/** `Array.isArray` does not narrow read-only arrays. */
export function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
