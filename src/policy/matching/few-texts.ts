/** Finds rules by the tokens of the texts they need, which are looked for one by one in payloads that are ASCII. */

import type { DecisionKind } from "../../event.ts";
import type { Needle } from "../conditions/condition.ts";
import type { Rule } from "../rule.ts";
import type { PayloadText } from "./payload-text.ts";
import type { SharedTexts } from "./shared-texts.ts";
import { NormalisedTexts, toBeAsked, type Found, type Need, type TextFinder } from "./text-finder.ts";
import { tokensOf } from "./token-search.ts";

/**
 * A rule and a text it needs. It may apply where all parts of the text are there; in which order they are looked for makes no
 * difference to what is found.
 */
class Sought {
  /** A part of the token that is thought to be the rarest of the text. */
  first: string;
  /** A part of every other token. */
  readonly #otherParts: string[];
  /** The text itself in lower case, if the rule holds wherever a string has it. */
  readonly decides: string | undefined;
  /** Where that has the first part. */
  offset: number;
  readonly section: DecisionKind;
  readonly rule: Rule;
  /** What else begins with the same opening. */
  readonly next: Sought | undefined;

  constructor(rule: Rule, parts: readonly string[], decides: string | undefined, next: Sought | undefined) {
    const [first = "", ...others] = parts;
    this.first = first;
    this.#otherParts = others;
    this.decides = decides;
    this.offset = decides?.indexOf(first) ?? 0;
    this.section = rule.decision.decision;
    this.rule = rule;
    this.next = next;
  }

  /** Where among the other parts one is that is not in `searched`; less than 0 when all are there. */
  missing(searched: string): number {
    const others = this.#otherParts;
    for (let index = 0; index < others.length; index += 1) if (!searched.includes(others[index] ?? "")) return index;
    return -1;
  }

  /** Makes another part the first; answers that part. */
  putFirst(index: number): string {
    const part = this.#otherParts[index] ?? this.first;
    this.#otherParts[index] = this.first;
    this.first = part;
    this.offset = this.decides?.indexOf(part) ?? 0;
    return part;
  }
}

const LETTER = /^[a-z]/;

/** For rules with few texts, which nearly no payload has. */
export class FewTexts implements TextFinder {
  /**
   * What is looked for first: what a text's first part begins with, once for all that begin alike, or that part itself.
   * These lie together in memory, and that is all most payloads need. Where a payload has an opening and not the whole text,
   * a part that it lacks is looked for first from then on, as that is evidently rarer.
   */
  readonly #openings: string[];
  /** Rules with a text that has no tokens to look for. */
  readonly #unsearched: readonly Found[];
  /** Whether numbers and booleans count, which are seldom what a text is in. */
  readonly #inNumbers: boolean;
  /** What may be there when an opening is. */
  readonly #sought: readonly Sought[];
  readonly #capability: Found["capability"];
  /** For payloads with other characters than ASCII. */
  readonly #forOtherPayloads: TextFinder;

  /** `capability` is what the capability of all the rules says about the request. */
  constructor(needs: readonly Need[], capability: Found["capability"], texts: SharedTexts) {
    const read = needs.map((need) => ({ ...need, tokens: tokensOf(need.needle.normalised ?? "") }));
    const searched = read.flatMap(({ tokens, ...need }) => (tokens === undefined ? [] : { ...need, ...tokens }));
    const unsearched = new Set(read.flatMap(({ rule, tokens }) => (tokens === undefined ? rule : [])));
    const alike = new Map<string, Sought>();
    this.#inNumbers = searched.some(({ inNumbers }) => inNumbers);
    for (const { rule, needle, parts } of searched) {
      if (unsearched.has(rule)) continue;
      const [first = ""] = parts;
      // A letter is in nearly every text, so that nothing is gained by looking for it alone.
      const key = LETTER.test(first) ? first : first.charAt(0);
      const shared = parts.map((part) => texts.of(part));
      const decides = this.#inNumbers ? undefined : decidingText(rule, needle);
      alike.set(key, new Sought(rule, shared, decides, alike.get(key)));
    }
    this.#sought = [...alike.values()];
    this.#openings = this.#sought.map((sought) => texts.of(sharedOpening(sought)));
    this.#unsearched = Array.from(unsearched, (rule) => toBeAsked(rule, capability));
    this.#capability = capability;
    this.#forOtherPayloads = new NormalisedTexts(needs, capability);
  }

  find(text: PayloadText): readonly Found[] {
    if (!text.isAscii) return this.#forOtherPayloads.find(text);
    const searched = this.#inNumbers ? text.folded : text.lower;
    let found: Found[] | undefined;
    const openings = this.#openings;
    for (let index = 0; index < openings.length; index += 1) {
      const at = searched.indexOf(openings[index] ?? "");
      if (at >= 0) found = this.#add(index, at, searched, text, found);
    }
    return found ?? this.#unsearched;
  }

  /** Adds the rules whose text may be there, given that their opening stands at `at` first, to those that were found before. */
  #add(
    index: number,
    at: number,
    searched: string,
    text: PayloadText,
    before: Found[] | undefined,
  ): Found[] | undefined {
    const opening = this.#openings[index];
    let found = before;
    for (let sought: Sought | undefined = this.#sought[index]; sought !== undefined; sought = sought.next) {
      const { first, decides, offset, section, rule } = sought;
      const place = first === opening ? at : searched.indexOf(first, at);
      if (place < 0) continue;
      // The text cannot be before the first place of its part. Where it is not right there, its rule is asked.
      const start = place - offset;
      const holds =
        decides !== undefined && start >= 0 && searched.startsWith(decides, start) && text.isInString(decides, start);
      const missing = holds ? -1 : sought.missing(searched);
      if (missing >= 0) {
        // Texts that begin alike have to go on doing so.
        if (sought === this.#sought[index] && sought.next === undefined)
          this.#openings[index] = sought.putFirst(missing);
        continue;
      }
      const one = { rule, section, capability: this.#capability, holds };
      if (found === undefined) found = [one, ...this.#unsearched];
      else if (!isAmong(rule, found)) found.push(one);
    }
    return found;
  }
}

function isAmong(rule: Rule, found: readonly Found[]): boolean {
  for (const each of found) if (each.rule === rule) return true;
  return false;
}

/** The form of a text that a rule needs by which alone it may hold. */
function decidingText({ conditions }: Rule, { forms, onlyInStrings }: Needle): string | undefined {
  const [only, ...others] = conditions;
  if (only?.needlesDecide !== true || others.length > 0 || !onlyInStrings) return undefined;
  return forms.length === 1 ? forms[0] : undefined;
}

/** What the first parts of all begin with. */
function sharedOpening(sought: Sought): string {
  let opening = sought.first;
  for (let { next } = sought; next !== undefined; next = next.next) {
    while (!next.first.startsWith(opening)) opening = opening.slice(0, -1);
  }
  return opening;
}
