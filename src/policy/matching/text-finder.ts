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
  /**
   * Every rule of which a text may be there, once, in no particular order. The others answer `no`. They are passed over, and
   * if one of them is a denial that would answer otherwise, the call runs: so whatever the payload, all rules are found that
   * have one of the texts of a need in one of the forms in which conditions search the payload. More may be found.
   */
  find(text: PayloadText): readonly Found[];
}

/** What is found where nothing is. */
export const NOTHING: readonly Found[] = [];

/** A rule whose conditions have to be asked. */
export function toBeAsked(rule: Rule, capability: Found["capability"]): Found {
  return { rule, section: rule.decision.decision, capability, holds: false };
}

/** What is searched for, and the rule for each of it. */
interface Searched {
  readonly search: Search;
  readonly rules: readonly Rule[];
}

/** Looks for the texts in all forms of the payload, all texts at once when they are many. */
export class NormalisedTexts implements TextFinder {
  readonly #needs: readonly Need[];
  /** What the capability of all rules says about the request. */
  readonly #capability: Found["capability"];
  /** Texts as they are when normalised, which say all about ASCII. Made when they are first asked for. */
  #normalised: Searched | undefined;
  /** All texts that conditions search for, for payloads with other characters than ASCII. */
  #all: Searched | undefined;

  constructor(needs: readonly Need[], capability: Found["capability"]) {
    this.#needs = needs;
    this.#capability = capability;
  }

  find(text: PayloadText): readonly Found[] {
    if (text.isAscii) return this.#toBeAsked(rulesIn(text.normalised, this.#forAscii));
    return this.#toBeAsked(text.searched.flatMap((form) => rulesIn(form, this.#forOthers)));
  }

  get #forAscii(): Searched {
    this.#normalised ??= searched(
      this.#needs.map(({ needle: { normalised = "" }, rule }) => ({ text: normalised, rule })),
    );
    return this.#normalised;
  }

  get #forOthers(): Searched {
    if (this.#all === undefined) {
      const texts = this.#needs.flatMap(({ needle, rule }) => needle.texts.map((text) => ({ text, rule })));
      // As many as there are needs, they are the normalised ones: one table will do.
      this.#all = texts.length === this.#needs.length ? this.#forAscii : searched(texts);
    }
    return this.#all;
  }

  #toBeAsked(rules: readonly Rule[]): readonly Found[] {
    return rules.length === 0 ? NOTHING : Array.from(new Set(rules), (rule) => toBeAsked(rule, this.#capability));
  }
}

function searched(texts: readonly { readonly text: string; readonly rule: Rule }[]): Searched {
  return { search: searchFor(texts.map(({ text }) => text)), rules: texts.map(({ rule }) => rule) };
}

const NO_RULES: readonly Rule[] = [];

function rulesIn(form: string, { search, rules }: Searched): readonly Rule[] {
  return search.find(form)?.flatMap((index) => rules[index] ?? []) ?? NO_RULES;
}
