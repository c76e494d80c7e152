/** All rules of a policy and its risk levels: what they decide together. */

import type { ActionEvent, Decision } from "../../event.ts";
import { CandidateFinder } from "./candidate-finder.ts";
import type { Subject } from "../conditions/condition.ts";
import { RiskRules, type RiskActions, type RiskEffect } from "../risk-levels.ts";
import type { Rule } from "../rule.ts";

/** What is decided where no rule takes effect. */
export const DEFAULT_DENY: Decision = Object.freeze({ decision: "deny", reason: "policy_default_deny" });
/** What is decided where the host asks for approval of what would be allowed. */
export const ASKED_FOR: Decision = Object.freeze({ decision: "require_approval", reason: "approval_required" });

/** Decides by the strictest section in which a rule fires; when none does, denies. */
export class RuleSet {
  readonly risk: RiskRules;
  readonly candidates: CandidateFinder;

  constructor(rules: readonly Rule[], risk: RiskActions) {
    this.risk = new RiskRules(risk);
    this.candidates = new CandidateFinder(rules);
  }

  /**
   * Synchronous; never throws. A request whose capability is malformed asks no rule and is denied by default. Risk levels
   * stand between the rules that restrict and those that allow.
   */
  decide(subject: Subject): Decision {
    const candidates = this.candidates.of(subject.event);
    if (candidates.malformed) return DEFAULT_DENY;
    const found = candidates.find(subject);
    const deny = candidates.denial(found, subject);
    if (deny !== undefined) return deny.decision;
    const trusted = candidates.heedsClaims ? subject.withoutClaims() : subject;
    const approval = candidates.approval(found, trusted);
    if (approval !== undefined) return approval.decision;
    const effect = this.risk.effectOn(subject.event);
    const claim = this.risk.claimOf(subject.event);
    if (effect?.action === "deny" || claim?.action === "deny") return riskDecision("deny", effect, claim);
    if (effect?.action === "require_approval") return riskDecision("require_approval", effect, claim);
    const permission = candidates.permission(found, trusted);
    if (permission === undefined) return DEFAULT_DENY;
    // A claim of the payload only ever tightens: it makes an approval of an allow, and not of a deny.
    const claimed = trusted === subject ? undefined : candidates.approval(found, subject);
    if (claimed !== undefined) return claimed.decision;
    if (claim?.action === "require_approval") return riskDecision("require_approval", effect, claim);
    if (hostAsksForApproval(subject.event)) return ASKED_FOR;
    const warning = effect?.action === "warn" ? effect : claim;
    return warning?.action !== "warn" ? permission.decision : noted(permission.decision, warning);
  }
}

/**
 * Whether the host wants a person to approve this call: the event says so, or `require_approval` in its context is anything
 * but false or null. That makes an allow an approval, and lifts no deny.
 */
export function hostAsksForApproval({ context, requireApproval }: ActionEvent): boolean {
  if (requireApproval === true) return true;
  const asked = context["require_approval"];
  if (asked === undefined || asked === false || asked === null) return false;
  return Object.hasOwn(context, "require_approval");
}

/** What a risk decides. */
export function riskDecision(
  action: "deny" | "require_approval",
  ...effects: readonly (RiskEffect | undefined)[]
): Decision {
  const reason = action === "deny" ? "policy_deny" : "approval_required";
  const level = effects.find((effect) => effect?.action === action)?.level ?? "";
  return Object.freeze({ decision: action, reason, riskLevel: Object.freeze({ level, action }) });
}

/** An allow of which the policy says that it is worth noting. */
export function noted(decision: Decision, { level }: RiskEffect): Decision {
  return Object.freeze({ ...decision, riskLevel: Object.freeze({ level, action: "warn" as const }) });
}
