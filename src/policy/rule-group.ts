/** All rules filed under one capability, and which of them a payload's text can concern. */

import type { Needle } from "./conditions/condition.ts";
import type { PayloadText } from "./payload-text.ts";
import type { Rule } from "./rule.ts";
import { TextSearch } from "./text-search.ts";

/**
 * Fewest needles that are searched for together. For each character, looking for one needle takes about 0.5 ns, twice
 * over; looking for all of them 6 to 7 ns.
 */
const TOGETHER = 12;

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

/** Finds rules by the texts they need. */
export class RuleFinder {
  readonly #rules: readonly Rule[];
  readonly #needles: readonly Needle[];
  /** For each needle, the position of its rule. */
  readonly #owners: readonly number[];
  readonly #normalised: TextSearch;
  /** For payloads with other characters than ASCII, in which a needle may stand as it is but not normalised. */
  #exact: { readonly search: TextSearch | undefined; readonly owners: readonly number[] } | undefined;

  constructor(rules: readonly Rule[], needles: readonly Needle[], owners: readonly number[], normalised: TextSearch) {
    this.#rules = rules;
    this.#needles = needles;
    this.#owners = owners;
    this.#normalised = normalised;
  }

  /** Every rule of which a text may be there, once, in no particular order. The others answer `no`. */
  find(text: PayloadText): readonly Rule[] {
    const found = new Set<number>();
    this.#normalised.find(text.normalised, (needle) => found.add(this.#owners[needle] ?? 0));
    if (!text.isAscii) this.#findExact(text, found);
    const rules: Rule[] = [];
    for (const owner of found) {
      const rule = this.#rules[owner];
      if (rule !== undefined) rules.push(rule);
    }
    return rules;
  }

  #findExact(text: PayloadText, found: Set<number>): void {
    if (this.#exact === undefined) {
      const forms = this.#needles.flatMap((needle, index) =>
        needle.forms.map((form) => [form, this.#owners[index] ?? 0] as const),
      );
      this.#exact = {
        search: TextSearch.compile(forms.map(([form]) => form)),
        owners: forms.map(([, owner]) => owner),
      };
    }
    const { search, owners } = this.#exact;
    if (search === undefined) this.#rules.forEach((_, index) => found.add(index));
    else search.find(text.folded, (needle) => found.add(owners[needle] ?? 0));
  }
}

function splitOf(rules: readonly Rule[]): Split {
  const always: Rule[] = [];
  const others: Rule[] = [];
  const needles: Needle[] = [];
  const owners: number[] = [];
  for (const rule of rules) {
    const needed = searchable(rule);
    if (needed === undefined) always.push(rule);
    else {
      needles.push(...needed);
      for (const _ of needed) owners.push(others.length);
      others.push(rule);
    }
  }
  const search =
    needles.length < TOGETHER ? undefined : TextSearch.compile(needles.map(({ normalised = "" }) => normalised));
  if (search === undefined) return { always: rules, finder: undefined };
  return { always, finder: new RuleFinder(others, needles, owners, search) };
}

/** The texts of which a rule needs one, when they are texts that one search can find. */
function searchable(rule: Rule): readonly Needle[] | undefined {
  const needed = rule.conditions.find(({ needles }) => needles !== undefined)?.needles;
  const plain = needed?.every(
    ({ text, normalised }) => normalised !== undefined && normalised !== "" && !text.includes("\0"),
  );
  return plain === true ? needed : undefined;
}
