/** What a policy may decide about an event of which parts are not known. */

import type { ActionEvent, Decision, DecisionKind, RuleReference } from "../../event.ts";
import { both, fires, type Answer } from "../answer.ts";
import type { Match } from "../matching/capability-index.ts";
import { completeRequest } from "../matching/capability.ts";
import { certainly, PartialSubject, putTogether, type PossibleAnswers } from "./possible-answers.ts";
import type { RiskEffect } from "../risk-levels.ts";
import {
  ASKED_FOR,
  DEFAULT_DENY,
  hostAsksForApproval,
  noted,
  riskDecision,
  type RuleSet,
} from "../matching/rule-set.ts";
import type { Rule } from "../rule.ts";
import { nameOfPart, type UnknownPart } from "./unknown-part.ts";

/** Something that a decision depends on and that is not known. */
export interface Need {
  /** The rule whose condition needs it; absent when the event's risk or the host's wish for approval does. */
  readonly rule?: RuleReference;
  /** The condition's key in the rule; `risk_levels` or `require_approval` where there is no rule. */
  readonly condition: string;
  /** What it needs: `payload.command`, `context.tenant`; `payload` when nothing of the payload is known. */
  readonly fields: readonly string[];
}

/** What a policy may decide, whatever stands in the unknown parts. */
export interface PossibleDecisions {
  /** At least all that is possible, one decision for each rule that may be the one; a single one is certain. */
  readonly decisions: readonly Decision[];
  /** What it depends on; empty when there is one decision. */
  readonly needs: readonly Need[];
}

/** Works out what `rules` may decide about `event`: as `RuleSet.decide` does, step by step, with every answer there can be. */
export function possibleDecisions(
  event: ActionEvent,
  unknown: readonly UnknownPart[],
  rules: RuleSet,
): PossibleDecisions {
  if (completeRequest(event) === undefined) return { decisions: [DEFAULT_DENY], needs: [] };
  return new Deliberation(event, unknown, rules).run();
}

/** What the conditions of all rules that could apply to `event` need and that is not known, one by one. */
export function unansweredConditions(
  event: ActionEvent,
  unknown: readonly UnknownPart[],
  rules: RuleSet,
): readonly Need[] {
  const subject = new PartialSubject(event, unknown);
  return rules.candidates.all(event).flatMap(({ value: rule }) =>
    rule.conditions.flatMap((condition) => {
      const { needs } = subject.ask(condition, true);
      return needs.length === 0 ? [] : [needOf(condition.key, needs, rule.decision.rule)];
    }),
  );
}

/** One deliberation, in the order in which rules and risks are heeded. */
class Deliberation {
  readonly #decisions: Decision[] = [];
  readonly #needs: Need[] = [];
  readonly #subject: PartialSubject;
  readonly #rules: RuleSet;
  readonly #candidates: readonly Match<Rule>[];

  constructor(event: ActionEvent, unknown: readonly UnknownPart[], rules: RuleSet) {
    this.#subject = new PartialSubject(event, unknown);
    this.#rules = rules;
    this.#candidates = rules.candidates.all(event);
  }

  run(): PossibleDecisions {
    this.#deliberate();
    const decisions = [...new Set(this.#decisions)];
    return { decisions, needs: decisions.length === 1 ? [] : merged(this.#needs) };
  }

  #deliberate(): void {
    if (this.#restricts("deny", true) || this.#restricts("require_approval", false)) return;
    const effects = this.#effects((event) => this.#rules.risk.effectOn(event));
    const claims = this.#effects((event) => this.#rules.risk.claimOf(event));
    if (this.#risks("deny", effects) || this.#risks("deny", claims)) return;
    if (this.#risks("require_approval", effects)) return;
    const permissions = this.#winners("allow", false);
    this.#needs.push(...permissions.needs);
    if (!permissions.isCertain) this.#decisions.push(DEFAULT_DENY);
    if (permissions.decisions.length === 0) return;
    // A claim of the payload makes an approval of an allow, and so may the host.
    if (this.#restricts("require_approval", true) || this.#risks("require_approval", claims)) return;
    if (this.#asksHost()) return;
    const warning = [...effects.possible, ...claims.possible].find((effect) => effect?.action === "warn");
    const isNoted = warning !== undefined && effects.needs.length + claims.needs.length === 0;
    this.#decisions.push(...permissions.decisions.map((each) => (isNoted ? noted(each, warning) : each)));
  }

  /** Adds the approval that the host may ask for; answers whether it is sure to. */
  #asksHost(): boolean {
    const { result, seen } = this.#subject.event.watch(hostAsksForApproval);
    if (seen.length > 0) this.#needs.push(needOf("require_approval", seen));
    if (result || seen.length > 0) this.#decisions.push(ASKED_FOR);
    return result && seen.length === 0;
  }

  /** Adds what the rules of a section may decide; answers whether one of them is sure to. */
  #restricts(section: DecisionKind, heedsClaims: boolean): boolean {
    const { decisions, isCertain, needs } = this.#winners(section, heedsClaims);
    this.#decisions.push(...decisions);
    this.#needs.push(...needs);
    return isCertain;
  }

  /**
   * The rules of a section that may be the one that decides: of those that say yes the first, else the first that takes
   * effect. Not certain when it may be that none takes effect.
   */
  #winners(section: DecisionKind, heedsClaims: boolean): Winners {
    const asked = this.#candidates
      .filter(({ value }) => value.decision.decision === section)
      .map((match) => this.#ask(match, heedsClaims))
      .filter(({ answers }) => [...answers].some((answer) => fires(section, answer)));
    const isSure = ({ answers }: Asked): boolean => [...answers].every((answer) => fires(section, answer));
    const certainYes = asked.findIndex(({ answers }) => answers.size === 1 && answers.has("yes"));
    const sure = asked.findIndex(isSure);
    const winners = asked.filter(({ answers }, index) => {
      if (certainYes >= 0) return index <= certainYes && answers.has("yes");
      // Behind the first that is sure to take effect, a rule only counts if it says yes and that one only maybe.
      return sure < 0 || index <= sure || answers.has("yes");
    });
    return {
      decisions: winners.map(({ rule }) => rule.decision),
      isCertain: sure >= 0,
      needs: asked.flatMap(({ needs }) => needs),
    };
  }

  /** What a rule may answer. */
  #ask({ value: rule, answer }: Match<Rule>, heedsClaims: boolean): Asked {
    const needs: Need[] = [];
    let all: PossibleAnswers = certainly(answer);
    for (const condition of rule.conditions) {
      const said = this.#subject.ask(condition, heedsClaims);
      all = putTogether(both, all, said);
      if (all.answers.size === 1 && all.answers.has("no")) break;
      if (said.needs.length > 0) needs.push(needOf(condition.key, said.needs, rule.decision.rule));
    }
    return { rule, answers: all.answers, needs };
  }

  /** The effects that a risk may have. */
  #effects(read: (event: ActionEvent) => RiskEffect | undefined): Effects {
    const { result, seen } = this.#subject.event.watch(read);
    if (seen.length === 0) return { possible: [result], needs: [] };
    return { possible: [...this.#rules.risk.effects, undefined], needs: [needOf("risk_levels", seen)] };
  }

  /** Adds what a risk may decide; answers whether it is sure to. */
  #risks(action: "deny" | "require_approval", { possible, needs }: Effects): boolean {
    const acting = possible.filter((effect) => effect?.action === action);
    this.#decisions.push(...acting.map((effect) => riskDecision(action, effect)));
    if (acting.length > 0) this.#needs.push(...needs);
    return acting.length === possible.length;
  }
}

/** What one rule may answer. */
interface Asked {
  readonly rule: Rule;
  readonly answers: ReadonlySet<Answer>;
  readonly needs: readonly Need[];
}

/** What the rules of a section may decide, and whether one of them is sure to take effect. */
interface Winners {
  readonly decisions: readonly Decision[];
  readonly isCertain: boolean;
  readonly needs: readonly Need[];
}

/** What a risk may do; `undefined` is nothing. */
interface Effects {
  readonly possible: readonly (RiskEffect | undefined)[];
  readonly needs: readonly Need[];
}

function needOf(condition: string, parts: readonly UnknownPart[], rule?: RuleReference): Need {
  return { ...(rule && { rule }), condition, fields: parts.map(nameOfPart) };
}

/** One need for each condition: it may have been asked twice, with and without what the payload claims. */
function merged(needs: readonly Need[]): readonly Need[] {
  const first = needs.filter((need, index) => needs.findIndex((each) => isOfOneCondition(each, need)) === index);
  return first.map((need) => ({
    ...need,
    fields: [...new Set(needs.flatMap((each) => (isOfOneCondition(each, need) ? each.fields : [])))],
  }));
}

function isOfOneCondition(left: Need, right: Need): boolean {
  return left.rule === right.rule && left.condition === right.condition;
}
