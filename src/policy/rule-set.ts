/** All rules of a policy, ready to be asked: which apply, in which order, and what they decide together. */

import type { ActionEvent, Decision, DecisionKind } from "../event.ts";
import { both, fires, type Answer } from "./answer.ts";
import { CapabilityIndex, type Match } from "./capability-index.ts";
import { completeRequest } from "./capability.ts";
import type { Condition, Subject } from "./conditions/condition.ts";
import { RiskRules, type RiskActions, type RiskEffect } from "./risk-levels.ts";
import { RuleGroup, type RuleFinder } from "./rule-group.ts";
import { askRule, SECTIONS, type Rule } from "./rule.ts";

/** Most capabilities whose rules are remembered. Requests choose them, so there must be a bound. */
const MAX_REMEMBERED = 4096;

/**
 * A rule that has to be asked. The one condition of most rules is kept here too: candidates of a capability lie together in
 * memory, and rules where the file has them.
 */
interface Candidate extends Match<Rule> {
  readonly only: Condition["ask"] | undefined;
}

/** What a request may concern. */
interface Candidates {
  /** Rules that have to be asked, in order, by section. */
  readonly asked: Readonly<Record<DecisionKind, readonly Candidate[]>>;
  /** Finders of the rules that a text may concern. */
  readonly found: readonly Match<RuleFinder>[];
  /** Whether any of the rules heeds what the payload claims about the context. */
  readonly heedsClaims: boolean;
}

const DEFAULT_DENY: Decision = Object.freeze({ decision: "deny", reason: "policy_default_deny" });
const ASKED_FOR: Decision = Object.freeze({ decision: "require_approval", reason: "approval_required" });
/** For requests that no rule can be asked about. */
const NO_CANDIDATES: Candidates = {
  asked: { deny: [], require_approval: [], allow: [] },
  found: [],
  heedsClaims: false,
};

/** Decides by the strictest section in which a rule fires; when none does, denies. */
export class RuleSet {
  readonly risk: RiskRules;
  readonly #index: CapabilityIndex<RuleGroup> = new CapabilityIndex();
  readonly #remembered: Map<string, Candidates> = new Map();

  constructor(rules: readonly Rule[], risk: RiskActions) {
    this.risk = new RiskRules(risk);
    const groups = new Map<string, RuleGroup>();
    for (const rule of rules) {
      let group = groups.get(rule.capability);
      if (group === undefined) {
        group = new RuleGroup();
        groups.set(rule.capability, group);
        this.#index.add(rule.capability, group);
      }
      group.add(rule);
    }
  }

  /**
   * Synchronous; never throws. A request whose capability is malformed asks no rule and is denied by default. Risk levels
   * stand between the rules that restrict and those that allow.
   */
  decide(subject: Subject): Decision {
    const candidates = this.#candidates(subject.event);
    if (candidates === NO_CANDIDATES) return DEFAULT_DENY;
    const found = candidates.found.length === 0 ? NOTHING : findRules(candidates.found, subject);
    const ask = (section: DecisionKind, asked: Subject): Rule | undefined => firing(section, candidates, found, asked);
    const deny = ask("deny", subject);
    if (deny !== undefined) return deny.decision;
    const trusted = candidates.heedsClaims ? subject.withoutClaims() : subject;
    const approval = ask("require_approval", trusted);
    if (approval !== undefined) return approval.decision;
    const effect = this.risk.effectOn(subject.event);
    const claim = this.risk.claimOf(subject.event);
    if (effect?.action === "deny" || claim?.action === "deny") return riskDecision("deny", effect, claim);
    if (effect?.action === "require_approval") return riskDecision("require_approval", effect, claim);
    const permission = ask("allow", trusted);
    if (permission === undefined) return DEFAULT_DENY;
    // A claim of the payload only ever tightens: it makes an approval of an allow, and not of a deny.
    const claimed = trusted === subject ? undefined : ask("require_approval", subject);
    if (claimed !== undefined) return claimed.decision;
    if (claim?.action === "require_approval") return riskDecision("require_approval", effect, claim);
    if (hostAsksForApproval(subject.event)) return ASKED_FOR;
    const warning = [effect, claim].find((each) => each?.action === "warn");
    return warning === undefined ? permission.decision : noted(permission.decision, warning);
  }

  /** Every rule whose capability covers the event's, or part of it, by section and in order. */
  candidatesFor(event: ActionEvent): readonly Match<Rule>[] {
    const request = completeRequest(event);
    if (request === undefined) return [];
    const rules = this.#index
      .find(request)
      .flatMap(({ value, answer }) => value.all.map((rule) => ({ value: rule, answer })));
    return SECTIONS.flatMap((section) => inOrder(section, rules));
  }

  #candidates(event: ActionEvent): Candidates {
    // Not the completed capability itself, but what it is made of, so that completing waits until it is not remembered.
    const key = `${event.capability} ${event.scope ?? event.environment}`;
    const remembered = this.#remembered.get(key);
    if (remembered !== undefined) return remembered;
    const request = completeRequest(event);
    const candidates = request === undefined ? NO_CANDIDATES : this.#find(request);
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(key, candidates);
    return candidates;
  }

  #find(request: string): Candidates {
    const asked: Match<Rule>[] = [];
    const found: Match<RuleFinder>[] = [];
    let heedsClaims = false;
    for (const { value: group, answer } of this.#index.find(request)) {
      for (const rule of group.always) if (canFire(rule, answer)) asked.push({ value: rule, answer });
      if (group.finder !== undefined) found.push({ value: group.finder, answer });
      heedsClaims ||= group.all.some((rule) => rule.conditions.some((condition) => condition.heedsClaims === true));
    }
    return {
      asked: {
        deny: inOrder("deny", asked).map(candidateOf),
        require_approval: inOrder("require_approval", asked).map(candidateOf),
        allow: inOrder("allow", asked).map(candidateOf),
      },
      found,
      heedsClaims,
    };
  }
}

/**
 * Whether the host wants a person to approve this call: `require_approval` in the context is anything but false or null.
 * That makes an allow an approval, and lifts no deny.
 */
export function hostAsksForApproval({ context }: ActionEvent): boolean {
  if (!Object.hasOwn(context, "require_approval")) return false;
  const asked = context["require_approval"];
  return asked !== false && asked !== null;
}

function riskDecision(action: "deny" | "require_approval", ...effects: readonly (RiskEffect | undefined)[]): Decision {
  const reason = action === "deny" ? "policy_deny" : "approval_required";
  const level = effects.find((effect) => effect?.action === action)?.level ?? "";
  return Object.freeze({ decision: action, reason, riskLevel: Object.freeze({ level, action }) });
}

/** An allow of which the policy says that it is worth noting. */
function noted(decision: Decision, { level }: RiskEffect): Decision {
  return Object.freeze({ ...decision, riskLevel: Object.freeze({ level, action: "warn" as const }) });
}

const NOTHING: readonly Match<Rule>[] = [];

/** The rules that the event's text may concern, whatever their section. */
function findRules(finders: readonly Match<RuleFinder>[], { text }: Subject): readonly Match<Rule>[] {
  let found: Match<Rule>[] | undefined;
  for (const { value: finder, answer } of finders) {
    for (const rule of finder.find(text)) (found ??= []).push({ value: rule, answer });
  }
  return found ?? NOTHING;
}

/** A permission for part of what is asked for permits nothing. */
function canFire(rule: Rule, capability: Answer): boolean {
  return fires(rule.decision.decision, capability);
}

function inOrder(section: DecisionKind, matches: readonly Match<Rule>[]): readonly Match<Rule>[] {
  return matches
    .filter(({ value }) => value.decision.decision === section)
    .toSorted((left, right) => left.value.order - right.value.order);
}

function candidateOf({ value, answer }: Match<Rule>): Candidate {
  return { value, answer, only: value.conditions.length === 1 ? value.conditions[0]?.ask : undefined };
}

function askCandidate({ value, answer, only }: Candidate, subject: Subject): Answer {
  if (only === undefined) return askRule(value, answer, subject);
  try {
    return both(answer, only(subject));
  } catch {
    // As for every condition that fails.
    return both(answer, "maybe");
  }
}

/** The rule that counts: of those that answer `yes` the first in the file, else the first that fires. */
function firing(
  section: DecisionKind,
  { asked }: Candidates,
  found: readonly Match<Rule>[],
  subject: Subject,
): Rule | undefined {
  let certain: Rule | undefined;
  let uncertain: Rule | undefined;
  for (const candidate of asked[section]) {
    const answer = askCandidate(candidate, subject);
    if (answer === "yes") {
      certain = candidate.value;
      break;
    }
    if (uncertain === undefined && fires(section, answer)) uncertain = candidate.value;
  }
  for (const { value: rule, answer: capability } of found) {
    if (rule.decision.decision !== section) continue;
    const answer = askRule(rule, capability, subject);
    if (answer === "yes") certain = earlier(certain, rule);
    else if (fires(section, answer)) uncertain = earlier(uncertain, rule);
  }
  return certain ?? uncertain;
}

function earlier(left: Rule | undefined, right: Rule): Rule {
  return left === undefined || right.order < left.order ? right : left;
}
