/** What stands between an event and an allow. */

import type { ActionEvent } from "../event.ts";
import type { Answer } from "./answer.ts";
import { CapabilityIndex } from "./matching/capability-index.ts";
import { Subject } from "./conditions/condition.ts";
import { explainRule, type Explanation, type RuleExplanation } from "./explain.ts";
import type { RiskAction, RiskEffect } from "./risk-levels.ts";
import type { WrittenRule } from "./rule.ts";

/** Most allow rules that are listed as near. */
const MAX_NEAREST = 5;

const STOPS: readonly RiskAction[] = ["deny", "require_approval"];

/** What stands between an event and an allow. Plain data. */
export interface Obstacles {
  /** Whether nothing does. */
  readonly allowed: boolean;
  /** The deny and require_approval rules that take effect. Each alone would be enough. */
  readonly blockers: readonly RuleExplanation[];
  /** The event's risk level, when that stops it. */
  readonly risk: RiskEffect | undefined;
  /** Whether the host asked for approval of whatever is allowed. */
  readonly approvalAskedByHost: boolean;
  /** Why the payload or the capability cannot be judged at all; `undefined` when they can. */
  readonly problem: string | undefined;
  /** Allow rules, those that miss the least first; what they miss is every answer in them that is not `yes`. */
  readonly nearest: readonly RuleExplanation[];
}

/** Works out the obstacles from an explanation, and from the policy's other allow rules. */
export function whyNotAllow(explanation: Explanation, event: ActionEvent, rules: readonly WrittenRule[]): Obstacles {
  const { decision, request, payloadProblem } = explanation;
  return {
    allowed: decision.decision === "allow",
    blockers: explanation.rules.filter((each) => each.fires && each.rule.section !== "allow"),
    risk: [explanation.risk, explanation.claimedRisk].find((each) => each !== undefined && STOPS.includes(each.action)),
    approvalAskedByHost: explanation.approvalAskedByHost,
    problem: payloadProblem ?? (request === undefined ? "the capability is malformed, so no rule is asked" : undefined),
    nearest: request === undefined || payloadProblem !== undefined ? [] : nearest(request, event, rules),
  };
}

function nearest(request: string, event: ActionEvent, rules: readonly WrittenRule[]): readonly RuleExplanation[] {
  const subject = new Subject(event);
  return rules
    .filter(({ decision }) => decision.decision === "allow")
    .map((rule) => ({
      rule,
      capability: covers(rule.capability, request),
      distance: distance(rule.capability, request),
    }))
    .toSorted((left, right) => left.distance - right.distance)
    .slice(0, MAX_NEAREST * 4)
    .map(({ rule, capability, distance: away }) => ({ away, said: explainRule(rule, capability, subject) }))
    .toSorted((left, right) => left.away + missed(left.said) - right.away - missed(right.said))
    .slice(0, MAX_NEAREST)
    .map(({ said }) => said);
}

function covers(pattern: string, request: string): Answer {
  const index = new CapabilityIndex<true>();
  index.add(pattern, true);
  return index.find(request)[0]?.answer ?? "no";
}

/** How many segments of a pattern are not those of the request. */
function distance(pattern: string, request: string): number {
  const asked = request.split(".");
  return pattern.split(".").filter((segment, index) => segment !== "*" && segment !== asked[index]).length;
}

function missed({ conditions }: RuleExplanation): number {
  return conditions.filter(({ answer }) => answer !== "yes").length;
}
