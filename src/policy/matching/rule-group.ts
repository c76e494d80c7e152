/** All rules filed under one capability, and which of them a payload's text can concern. */

import type { DecisionKind } from "../../event.ts";
import type { Needle } from "../conditions/condition.ts";
import type { Match } from "./capability-index.ts";
import type { PayloadText } from "./payload-text.ts";
import type { Rule } from "../rule.ts";
import type { SharedTexts } from "./shared-texts.ts";
import { searchFor, TOGETHER, type Search } from "./text-search.ts";
import { tokensOf } from "./token-search.ts";

/** The rules of one capability. Those that need one of many texts are found by one search for all those texts. */
export class RuleGroup {
  readonly #rules: Rule[] = [];
  readonly #texts: SharedTexts;
  #split: Split | undefined;

  /** `texts` are shared by all groups of a policy. */
  constructor(texts: SharedTexts) {
    this.#texts = texts;
  }

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
    this.#split ??= splitOf(this.#rules, this.#texts);
    return this.#split.always;
  }

  /** Finds those of the other rules that the text may concern; `undefined` when there are no others. */
  get finder(): RuleFinder | undefined {
    this.#split ??= splitOf(this.#rules, this.#texts);
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

/** A rule that a text may concern. */
export interface Found {
  readonly rule: Rule;
  readonly section: DecisionKind;
  /** What the rule's capability says about the request. */
  readonly capability: Match<Rule>["answer"];
  /** Whether it is known that all conditions of the rule answer `yes`. When not, they have to be asked. */
  readonly holds: boolean;
}

const NOTHING: readonly Found[] = [];

const LETTER = /^[a-z]/;

/** Finds rules by the texts they need. */
export class RuleFinder {
  readonly #needs: readonly Need[];
  /** For ASCII payloads, when there are few texts. */
  readonly #few: FewTexts | undefined;
  /** Over normalised payloads, made when it is first asked for. */
  #normalised: Search | undefined;
  /** For payloads with other characters than ASCII, in which a text may stand as it is but not normalised. */
  #exact: { readonly search: Search; readonly rules: readonly Rule[] } | undefined;

  constructor(needs: readonly Need[], texts: SharedTexts) {
    this.#needs = needs;
    this.#few = needs.length < TOGETHER ? new FewTexts(needs, texts) : undefined;
  }

  /**
   * Every rule of which a text may be there, once, in no particular order. The others answer `no`. `capability` is what the
   * capability of all of them says.
   */
  find(text: PayloadText, capability: Found["capability"]): readonly Found[] {
    if (this.#few !== undefined && text.isAscii) return this.#few.find(text, capability);
    this.#normalised ??= searchFor(this.#needs.map(({ needle: { normalised = "" } }) => normalised));
    const normalised = this.#normalised.find(text.normalised);
    const exact = text.isAscii ? undefined : this.#findExact(text);
    if (normalised === undefined && exact === undefined) return NOTHING;
    const found = new Set(exact);
    for (const index of normalised ?? []) {
      const need = this.#needs[index];
      if (need !== undefined) found.add(need.rule);
    }
    return Array.from(found, (rule) => toBeAsked(rule, capability));
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

/** A rule and a text it needs. */
interface Sought {
  readonly rule: Rule;
  readonly section: DecisionKind;
  /** A part of every token of the text. */
  readonly parts: readonly string[];
  /** The text itself in lower case, if the rule holds wherever a string has it. */
  readonly decides: string | undefined;
}

/** Finds rules by the tokens of the texts they need, which are looked for one by one. */
class FewTexts {
  /**
   * What is looked for first: what a text's first part begins with, once for all that begin alike, or that part itself.
   * These lie together in memory, and that is all most payloads need.
   */
  readonly #openings: readonly string[];
  /** What may be there when an opening is. */
  readonly #sought: readonly (readonly Sought[])[];
  /** Rules with a text that has no tokens to look for. */
  readonly #unsearched: readonly Rule[];
  /** Whether numbers and booleans count, which are seldom what a text is in. */
  readonly #inNumbers: boolean;

  constructor(needs: readonly Need[], texts: SharedTexts) {
    const read = needs.map((need) => ({ ...need, tokens: tokensOf(need.needle.normalised ?? "") }));
    const searched = read.flatMap(({ tokens, ...need }) => (tokens === undefined ? [] : { ...need, ...tokens }));
    const alike = new Map<string, Sought[]>();
    for (const { rule, needle, parts } of searched) {
      const [first = ""] = parts;
      // A letter is in nearly every text, so that nothing is gained by looking for it alone.
      const key = LETTER.test(first) ? first : first.charAt(0);
      const sought = {
        rule,
        section: rule.decision.decision,
        parts: parts.map((part) => texts.of(part)),
        decides: decidingText(rule, needle),
      };
      alike.set(key, [...(alike.get(key) ?? []), sought]);
    }
    this.#sought = [...alike.values()];
    this.#openings = this.#sought.map((each) => texts.of(sharedOpening(each.map(({ parts: [first = ""] }) => first))));
    this.#unsearched = [...new Set(read.flatMap(({ rule, tokens }) => (tokens === undefined ? rule : [])))];
    this.#inNumbers = searched.some(({ inNumbers }) => inNumbers);
  }

  /** As {@link RuleFinder.find}, in an ASCII payload. */
  find(text: PayloadText, capability: Found["capability"]): readonly Found[] {
    const searched = this.#inNumbers ? text.folded : text.lower;
    const openings = this.#openings;
    let found: Found[] | undefined;
    for (let index = 0; index < openings.length; index += 1) {
      if (!searched.includes(openings[index] ?? "")) continue;
      for (const { rule, section, parts, decides } of this.#sought[index] ?? []) {
        if (!hasAll(parts, openings[index], searched)) continue;
        found ??= this.#unsearched.map((each) => toBeAsked(each, capability));
        if (found.some((each) => each.rule === rule)) continue;
        found.push({ rule, section, capability, holds: decides !== undefined && text.hasInString(decides) });
      }
    }
    if (found !== undefined) return found;
    return this.#unsearched.length === 0 ? NOTHING : this.#unsearched.map((each) => toBeAsked(each, capability));
  }
}

function toBeAsked(rule: Rule, capability: Found["capability"]): Found {
  return { rule, section: rule.decision.decision, capability, holds: false };
}

/** The form of a text that a rule needs by which alone it may hold. */
function decidingText({ conditions }: Rule, { forms, onlyInStrings }: Needle): string | undefined {
  const [only, ...others] = conditions;
  if (only?.needlesDecide !== true || others.length > 0 || !onlyInStrings) return undefined;
  return forms.length === 1 ? forms[0] : undefined;
}

/** Whether all parts are there, when it is known that `known` is. */
function hasAll(parts: readonly string[], known: string | undefined, searched: string): boolean {
  for (const part of parts) if (part !== known && !searched.includes(part)) return false;
  return true;
}

/** What all texts begin with. */
function sharedOpening([first = "", ...others]: readonly string[]): string {
  let { length } = first;
  while (!others.every((other) => other.startsWith(first.slice(0, length)))) length -= 1;
  return first.slice(0, length);
}

function splitOf(rules: readonly Rule[], texts: SharedTexts): Split {
  const always: Rule[] = [];
  const needs: Need[] = [];
  for (const rule of rules) {
    const needles = searchable(rule);
    if (needles === undefined) always.push(rule);
    else for (const needle of needles) needs.push({ needle, rule });
  }
  return { always, finder: needs.length === 0 ? undefined : new RuleFinder(needs, texts) };
}

/**
 * The texts of which a rule needs one, when a search of the normalised payload finds them all. A text of white space alone
 * is not in it, and one with a NUL would be found across leaves.
 */
function searchable(rule: Rule): readonly Needle[] | undefined {
  const needed = rule.conditions.find(({ needles }) => needles !== undefined)?.needles;
  return needed?.every(({ text, normalised }) => normalised !== undefined && !text.includes("\0")) ? needed : undefined;
}
