/** Finds rules by the texts they need, in any payload. */

import type { DecisionKind } from "../../event.ts";
import type { Needle } from "../conditions/condition.ts";
import type { Rule } from "../rule.ts";
import type { Match } from "./capability-index.ts";
import type { PayloadText } from "./payload-text.ts";
import { searchFor, type Search } from "./text-search.ts";

/** A text, and the rule that needs it. */
export interface Need {
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

/** Finds rules in a payload's text. */
export interface TextFinder {
  /** Every rule of which a text may be there, once, in no particular order. The others answer `no`. */
  find(text: PayloadText): readonly Found[];
}

/** What is found where nothing is. */
export const NOTHING: readonly Found[] = [];

/** A rule whose conditions have to be asked. */
export function toBeAsked(rule: Rule, capability: Found["capability"]): Found {
  return { rule, section: rule.decision.decision, capability, holds: false };
}

/** Looks for the texts in the normalised payload, all of them at once when they are many. */
export class NormalisedTexts implements TextFinder {
  readonly #needs: readonly Need[];
  /** What the capability of all rules says about the request. */
  readonly #capability: Found["capability"];
  /** Over normalised payloads, made when it is first asked for. */
  #normalised: Search | undefined;
  /** For payloads with other characters than ASCII, in which a text may stand as it is but not normalised. */
  #exact: { readonly search: Search; readonly rules: readonly Rule[] } | undefined;

  constructor(needs: readonly Need[], capability: Found["capability"]) {
    this.#needs = needs;
    this.#capability = capability;
  }

  find(text: PayloadText): readonly Found[] {
    this.#normalised ??= searchFor(this.#needs.map(({ needle: { normalised = "" } }) => normalised));
    const normalised = this.#normalised.find(text.normalised);
    const exact = text.isAscii ? undefined : this.#findExact(text);
    if (normalised === undefined && exact === undefined) return NOTHING;
    const found = new Set(exact);
    for (const index of normalised ?? []) {
      const need = this.#needs[index];
      if (need !== undefined) found.add(need.rule);
    }
    return Array.from(found, (rule) => toBeAsked(rule, this.#capability));
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
