/** What a policy says about a call, as far as the call is known, and how that differs from what was said before. */

import type { Decision, DecisionKind } from "../event.ts";
import type { Policy } from "../policy/policy.ts";
import type { Need } from "../policy/partial/possible-decisions.ts";
import type { KnownCall } from "./recorded-call.ts";

/** A decision of which perhaps not all is known: not the rule, where several may have made it. */
export type KnownDecision = Pick<Decision, "decision"> & Partial<Decision>;

/** What a policy says: a decision, or what it depends on. */
export type Judgement =
  | { readonly decided: KnownDecision; readonly needs?: never; readonly possible?: never }
  | { readonly decided?: never; readonly needs: readonly Need[]; readonly possible: readonly DecisionKind[] };

/** What is said of a call of which no policy is asked. */
export const NO_JUDGEMENT: Judgement = { needs: [], possible: [] };

/** Asks a policy. Synchronous. */
export function judge(policy: Policy, { event, unknown }: KnownCall): Judgement {
  const { decisions, needs } = policy.possibleDecisions(event, unknown);
  const [first, ...others] = decisions;
  if (first === undefined || others.some(({ decision }) => decision !== first.decision)) {
    return { needs, possible: [...new Set(decisions.map(({ decision }) => decision))] };
  }
  if (others.length === 0) return { decided: first };
  return { decided: { decision: first.decision } };
}

/**
 * How two decisions about one call differ. Rules are told apart by their ids; a decision without a rule by its reason.
 * What is not known of one of them makes no difference.
 */
export function differenceOf(old: KnownDecision, changed: KnownDecision): "none" | "rule" | "decision" {
  if (old.decision !== changed.decision) return "decision";
  const [before, after] = [old.rule?.id ?? old.reason, changed.rule?.id ?? changed.reason];
  return before === undefined || after === undefined || before === after ? "none" : "rule";
}
