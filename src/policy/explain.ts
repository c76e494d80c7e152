/** Why a policy decides about an event as it does: every rule that could apply, and what each of its conditions answers. */

import type { ActionEvent, Decision, RuleReference } from "../event.ts";
import { both, type Answer } from "./answer.ts";
import { completeRequest } from "./matching/capability.ts";
import { Subject } from "./conditions/condition.ts";
import type { RiskEffect } from "./risk-levels.ts";
import { hostAsksForApproval, type RuleSet } from "./matching/rule-set.ts";
import { askCondition, ruleFires, type NamedCondition, type Rule } from "./rule.ts";

/** What one condition of a rule answers. */
interface ConditionExplanation {
  /** The condition's key in the rule, for example `contains`. */
  readonly key: string;
  readonly answer: Answer;
  /** A few words for people. May quote the policy and short values of the event. */
  readonly why: string;
}

/** What one rule answers. */
export interface RuleExplanation {
  readonly rule: RuleReference;
  /** The rule's capability as it is written, and whether it covers what is asked for. */
  readonly capability: { readonly pattern: string; readonly answer: Answer };
  /** Every condition, in the order of the file, also those after one that answers `no`. */
  readonly conditions: readonly ConditionExplanation[];
  /** All of it together. */
  readonly answer: Answer;
  /**
   * Whether the rule takes effect on that answer: an allow needs `yes`. An approval that only the payload's claims about
   * the context ask for makes an allow an approval, and leaves a deny a deny.
   */
  readonly fires: boolean;
  /** Whether this is the rule that decides. */
  readonly winner: boolean;
}

/** Why a policy decides about one event as it does. Plain data. */
export interface Explanation {
  /** What `evaluate` answers. */
  readonly decision: Decision;
  /** The capability that rules were asked about; `undefined` when the event's is malformed, so that none was. */
  readonly request: string | undefined;
  /** The rules whose capability covers the request or part of it: deny, require_approval, allow, each in order. */
  readonly rules: readonly RuleExplanation[];
  /** What the event's risk does, when the policy says anything about its level. */
  readonly risk: RiskEffect | undefined;
  /** What the risk does that the payload claims; it only counts where it is stricter. */
  readonly claimedRisk: RiskEffect | undefined;
  /** Whether the host's context asks for approval of whatever would be allowed. */
  readonly approvalAskedByHost: boolean;
  /** Why the payload could not be judged; `undefined` when it could. No rule is asked about such a payload. */
  readonly payloadProblem: string | undefined;
}

/** Explains a decision that `rules` made about `event`. */
export function explain(decision: Decision, event: ActionEvent, rules: RuleSet): Explanation {
  const subject = new Subject(event);
  const candidates = event.payloadProblem === undefined ? rules.candidates.all(event) : [];
  return {
    decision,
    request: completeRequest(event),
    rules: candidates.map(({ value, answer }) => explainRule(value, answer, subject, decision.rule)),
    risk: rules.risk.effectOn(event),
    claimedRisk: rules.risk.claimOf(event),
    approvalAskedByHost: hostAsksForApproval(event),
    payloadProblem: event.payloadProblem,
  };
}

/** What a rule says about an event to which its capability has answered `capability`. */
export function explainRule(rule: Rule, capability: Answer, subject: Subject, winner?: RuleReference): RuleExplanation {
  const conditions = rule.conditions.map((condition) => explainCondition(condition, subject));
  const answer = conditions.reduce<Answer>((all, each) => both(all, each.answer), capability);
  return {
    rule: rule.decision.rule,
    capability: { pattern: rule.capability, answer: capability },
    conditions,
    answer,
    fires: ruleFires(rule, answer),
    winner: rule.decision.rule === winner,
  };
}

function explainCondition(condition: NamedCondition, subject: Subject): ConditionExplanation {
  const answer = askCondition(condition, subject);
  try {
    return { key: condition.key, answer, why: condition.why(subject) };
  } catch {
    return { key: condition.key, answer, why: "the condition could not be asked" };
  }
}
