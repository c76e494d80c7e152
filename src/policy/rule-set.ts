/** All rules of a policy, ready to be asked: which apply, in which order, and what they decide together. */

import type { Decision, DecisionKind } from "../event.ts";
import { fires, type Answer } from "./answer.ts";
import { CapabilityIndex, type Match } from "./capability-index.ts";
import { completeRequest } from "./capability.ts";
import type { Subject } from "./conditions/condition.ts";
import { askRule, SECTIONS, type Rule } from "./rule.ts";

/** Most capabilities whose rules are remembered. Requests choose them, so there must be a bound. */
const MAX_REMEMBERED = 256;

type Candidates = Readonly<Record<DecisionKind, readonly Match<Rule>[]>>;

const DEFAULT_DENY: Decision = Object.freeze({ decision: "deny", reason: "policy_default_deny" });
const ASKED_FOR: Decision = Object.freeze({ decision: "require_approval", reason: "approval_required" });

/** Decides by the strictest section in which a rule fires; when none does, denies. */
export class RuleSet {
  readonly #index: CapabilityIndex<Rule> = new CapabilityIndex();
  readonly #remembered: Map<string, Candidates> = new Map();

  constructor(rules: readonly Rule[]) {
    for (const rule of rules) this.#index.add(rule.capability, rule);
  }

  /** Synchronous; never throws. A request whose capability is malformed asks no rule and is denied by default. */
  decide(subject: Subject): Decision {
    const request = completeRequest(subject.event);
    if (request === undefined) return DEFAULT_DENY;
    const candidates = this.#candidates(request);
    for (const section of SECTIONS) {
      const rule = firing(section, candidates[section], subject);
      if (rule === undefined) continue;
      return section === "allow" && hostAsksForApproval(subject) ? ASKED_FOR : rule.decision;
    }
    return DEFAULT_DENY;
  }

  #candidates(request: string): Candidates {
    const remembered = this.#remembered.get(request);
    if (remembered !== undefined) return remembered;
    const matches = this.#index.find(request);
    const candidates = {
      deny: inFileOrder("deny", matches),
      require_approval: inFileOrder("require_approval", matches),
      allow: inFileOrder("allow", matches),
    };
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(request, candidates);
    return candidates;
  }
}

/**
 * Whether the host wants a person to approve this call: `require_approval` in the context is anything but false or null.
 * That makes an allow an approval, and lifts no deny.
 */
function hostAsksForApproval({ event }: Subject): boolean {
  if (!Object.hasOwn(event.context, "require_approval")) return false;
  const asked = event.context["require_approval"];
  return asked !== false && asked !== null;
}

/** The matches of one section that can fire at all: a permission for part of what is asked for permits nothing. */
function inFileOrder(section: DecisionKind, matches: readonly Match<Rule>[]): readonly Match<Rule>[] {
  return matches
    .filter(({ value, answer }) => value.decision.decision === section && fires(section, answer))
    .toSorted((left, right) => left.value.decision.rule.index - right.value.decision.rule.index);
}

/** The rule that counts: the first that answers `yes`, else the first that fires. */
function firing(section: DecisionKind, candidates: readonly Match<Rule>[], subject: Subject): Rule | undefined {
  let uncertain: Rule | undefined;
  for (const { value: rule, answer: capability } of candidates) {
    const answer: Answer = askRule(rule, capability, subject);
    if (answer === "yes") return rule;
    if (uncertain === undefined && fires(section, answer)) uncertain = rule;
  }
  return uncertain;
}
