/** All rules filed under one capability, and which of them a payload's text can concern. */

import type { Needle } from "./conditions/condition.ts";
import type { PayloadText } from "./payload-text.ts";
import type { Rule } from "./rule.ts";
import { searchFor, TOGETHER, type Search } from "./text-search.ts";
import { haveTokens, tokensOf, type Tokens } from "./token-search.ts";

/** The rules of one capability. Those that need one of many texts are found by one search for all those texts. */
export class RuleGroup {
  readonly #rules: Rule[] = [];
  #split: Split | undefined;

  add(rule: Rule): void {
    this.#rules.push(rule);
    this.#split = undefined;
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

  /** Finds those of the other rules that the text may concern; `undefined` when there are no others. */
  get finder(): RuleFinder | undefined {
    this.#split ??= splitOf(this.#rules);
    return this.#split.finder;
  }
}

interface Split {
  readonly always: readonly Rule[];
  readonly finder: RuleFinder | undefined;
}

/** A text, and the rule that needs it. */
interface Need {
  readonly needle: Needle;
  readonly rule: Rule;
}

const NOTHING: readonly Rule[] = [];

/** Finds rules by the texts they need. */
export class RuleFinder {
  readonly #needs: readonly Need[];
  /** The tokens of each need, when there are so few that they are looked for one by one. */
  readonly #tokens: readonly (Tokens | undefined)[] | undefined;
  readonly #normalised: Search;
  /** For payloads with other characters than ASCII, in which a text may stand as it is but not normalised. */
  #exact: { readonly search: Search; readonly rules: readonly Rule[] } | undefined;

  constructor(needs: readonly Need[]) {
    this.#needs = needs;
    this.#tokens =
      needs.length < TOGETHER ? needs.map(({ needle: { normalised = "" } }) => tokensOf(normalised)) : undefined;
    this.#normalised = searchFor(needs.map(({ needle: { normalised = "" } }) => normalised));
  }

  /** Every rule of which a text may be there, once, in no particular order. The others answer `no`. */
  find(text: PayloadText): readonly Rule[] {
    if (this.#tokens !== undefined && text.isAscii) return this.#findTokens(this.#tokens, text);
    const normalised = this.#normalised.find(text.normalised);
    const exact = text.isAscii ? undefined : this.#findExact(text);
    if (normalised === undefined && exact === undefined) return NOTHING;
    const found = new Set(exact);
    for (const index of normalised ?? []) {
      const need = this.#needs[index];
      if (need !== undefined) found.add(need.rule);
    }
    return [...found];
  }

  #findTokens(tokens: readonly (Tokens | undefined)[], text: PayloadText): readonly Rule[] {
    const { lower } = text;
    let found: Rule[] | undefined;
    for (let index = 0; index < tokens.length; index += 1) {
      const looked = tokens[index];
      const need = this.#needs[index];
      if (need === undefined || (looked !== undefined && !haveTokens(looked, lower))) continue;
      if (found === undefined) found = [need.rule];
      else if (!found.includes(need.rule)) found.push(need.rule);
    }
    return found ?? NOTHING;
  }

  #findExact(text: PayloadText): readonly Rule[] | undefined {
    if (this.#exact === undefined) {
      const forms = this.#needs.flatMap(({ needle, rule }) => needle.forms.map((form) => ({ form, rule })));
      this.#exact = { search: searchFor(forms.map(({ form }) => form)), rules: forms.map(({ rule }) => rule) };
    }
    const { search, rules } = this.#exact;
    return search.find(text.folded)?.flatMap((index) => rules[index] ?? []);
  }
}

function splitOf(rules: readonly Rule[]): Split {
  const always: Rule[] = [];
  const needs: Need[] = [];
  for (const rule of rules) {
    const needles = searchable(rule);
    if (needles === undefined) always.push(rule);
    else for (const needle of needles) needs.push({ needle, rule });
  }
  return { always, finder: needs.length === 0 ? undefined : new RuleFinder(needs) };
}

/**
 * The texts of which a rule needs one, when a search of the normalised payload finds them all. A text of white space alone
 * is not in it, and one with a NUL would be found across leaves.
 */
function searchable(rule: Rule): readonly Needle[] | undefined {
  const needed = rule.conditions.find(({ needles }) => needles !== undefined)?.needles;
  return needed?.every(({ text, normalised }) => normalised !== undefined && !text.includes("\0")) ? needed : undefined;
}
