/** All rules filed under one capability, and which of them a payload's text can concern. */

import type { Needle } from "../conditions/condition.ts";
import type { Rule } from "../rule.ts";
import { FewTexts } from "./few-texts.ts";
import type { SharedTexts } from "./shared-texts.ts";
import { NormalisedTexts, type Found, type Need, type TextFinder } from "./text-finder.ts";
import { TOGETHER } from "./text-search.ts";

/** The rules of one capability. Those that need one of many texts are found by one search for all those texts. */
export class RuleGroup {
  readonly #rules: Rule[] = [];
  readonly #texts: SharedTexts;
  readonly #finders: Map<Found["capability"], TextFinder> = new Map();
  #split: Split | undefined;

  /** `texts` are shared by all groups of a policy. */
  constructor(texts: SharedTexts) {
    this.#texts = texts;
  }

  /** Adds a rule. All are added before any is found. */
  add(rule: Rule): void {
    this.#rules.push(rule);
  }

  /** Every rule, in order. */
  get all(): readonly Rule[] {
    return this.#rules;
  }

  /** The rules that have to be asked whatever the text, in order. */
  get always(): readonly Rule[] {
    this.#split ??= splitOf(this.#rules);
    return this.#split.always;
  }

  /**
   * Finds those of the other rules that the text may concern; `undefined` when there are no others. `capability` is what the
   * capability of all of them says about the request.
   */
  finder(capability: Found["capability"]): TextFinder | undefined {
    this.#split ??= splitOf(this.#rules);
    const { needs } = this.#split;
    if (needs.length === 0) return undefined;
    const known = this.#finders.get(capability);
    if (known !== undefined) return known;
    const finder =
      needs.length < TOGETHER ? new FewTexts(needs, capability, this.#texts) : new NormalisedTexts(needs, capability);
    this.#finders.set(capability, finder);
    return finder;
  }
}

interface Split {
  readonly always: readonly Rule[];
  readonly needs: readonly Need[];
}

function splitOf(rules: readonly Rule[]): Split {
  const always: Rule[] = [];
  const needs: Need[] = [];
  for (const rule of rules) {
    const needles = searchable(rule);
    if (needles === undefined) always.push(rule);
    else for (const needle of needles) needs.push({ needle, rule });
  }
  return { always, needs };
}

/**
 * The texts of which a rule needs one, when a search of the normalised payload finds them all. A text of white space alone
 * is not in it, and one with a NUL would be found across leaves.
 */
function searchable(rule: Rule): readonly Needle[] | undefined {
  const needed = rule.conditions.find(({ needles }) => needles !== undefined)?.needles;
  return needed?.every(({ text, normalised }) => normalised !== undefined && !text.includes("\0")) ? needed : undefined;
}
