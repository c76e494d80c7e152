/** Why a recorded decision was made, as far as the record says what the policy looked at. */

import type { DecisionEntry } from "../audit/format/entry.ts";
import { fires, type Answer } from "../policy/answer.ts";
import type { Explanation, RuleExplanation } from "../policy/explain.ts";
import type { Policy } from "../policy/policy.ts";
import { recordedCall, type NotAsked } from "./recorded-call.ts";

/** What one condition answers; `unknown` when that depends on what was not recorded. */
interface ExplainedCondition {
  readonly key: string;
  readonly answer: Answer | "unknown";
  readonly why: string;
}

/** What one rule answers. */
interface ExplainedRule extends Pick<RuleExplanation, "rule" | "capability"> {
  readonly conditions: readonly ExplainedCondition[];
  /** All of it together. */
  readonly answer: Answer | "unknown";
  /** Whether it takes effect on that; absent when that is unknown. */
  readonly fires?: boolean;
  /** Whether it is recorded that this rule decided. */
  readonly winner: boolean;
}

/** Every rule that could apply to a recorded call. */
export interface ExplainedDecision extends Pick<
  Explanation,
  "request" | "risk" | "claimedRisk" | "approvalAskedByHost"
> {
  readonly rules: readonly ExplainedRule[];
}

/** Asks `policy`, which should be the one that decided, about the call of `entry`. Synchronous. */
export function explainRecorded(policy: Policy, entry: DecisionEntry): ExplainedDecision | NotAsked {
  const call = recordedCall(entry);
  if (typeof call === "string") return call;
  const { request, rules, risk, claimedRisk, approvalAskedByHost } = policy.explain(call.event);
  const unanswered = policy.unanswered(call.event, call.unknown);
  const explained = rules.map((each): ExplainedRule => {
    const { rule, capability } = each;
    const conditions = each.conditions.map(({ key, answer, why }): ExplainedCondition => {
      const need = unanswered.find((one) => one.rule === rule && one.condition === key);
      if (need === undefined) return { key, answer, why };
      return { key, answer: "unknown", why: `needs ${need.fields.join(" and ")}, which was not recorded` };
    });
    const answers = conditions.map(({ answer }) => answer);
    const isUnknown = answers.includes("unknown") && !answers.includes("no");
    // Whatever an unknown condition says, a rule with a no does not apply.
    const answer = isUnknown ? "unknown" : answers.includes("no") ? "no" : each.answer;
    const winner = entry.rule?.id === rule.id && entry.rule.section === rule.section && entry.rule.index === rule.index;
    const applies = answer === "unknown" ? {} : { fires: fires(rule.section, answer) };
    return { rule, capability, conditions, answer, ...applies, winner };
  });
  return { request, rules: explained, risk, claimedRisk, approvalAskedByHost };
}
