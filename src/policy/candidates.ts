/** The rules that may concern a request: found by its capability, then by its text, and asked in order. */

import type { ActionEvent, DecisionKind } from "../event.ts";
import { both, fires, type Answer } from "./answer.ts";
import { CapabilityIndex, type Match } from "./capability-index.ts";
import { completeRequest } from "./capability.ts";
import type { Condition, Subject } from "./conditions/condition.ts";
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
export interface Candidates {
  /** Rules that have to be asked, in order, by section. */
  readonly asked: Readonly<Record<DecisionKind, readonly Candidate[]>>;
  /** Finders of the rules that a text may concern. */
  readonly found: readonly Match<RuleFinder>[];
  /** Whether any of the rules heeds what the payload claims about the context. */
  readonly heedsClaims: boolean;
}

/** Finds the rules that may concern an event; remembers what it has found. */
export class CandidateFinder {
  readonly #index: CapabilityIndex<RuleGroup> = new CapabilityIndex();
  /** By capability, then by what completes it. `null` where the request is malformed. */
  readonly #remembered: Map<string, Map<string, Candidates | null>> = new Map();
  #rememberedCount = 0;

  constructor(rules: readonly Rule[]) {
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

  /** Every rule whose capability covers the event's, or part of it, by section and in order. */
  all(event: ActionEvent): readonly Match<Rule>[] {
    const request = completeRequest(event);
    if (request === undefined) return [];
    const rules = this.#index
      .find(request)
      .flatMap(({ value, answer }) => value.all.map((rule) => ({ value: rule, answer })));
    return SECTIONS.flatMap((section) => inOrder(section, rules));
  }

  /** What an event's request may concern; `undefined` when it is malformed, so that no rule can be asked about it. */
  of(event: ActionEvent): Candidates | undefined {
    // What the request is made of, each for itself: to join the two would take longer than to find what is remembered.
    const completion = event.scope ?? event.environment;
    const remembered = this.#remembered.get(event.capability)?.get(completion);
    if (remembered !== undefined) return remembered ?? undefined;
    const request = completeRequest(event);
    const candidates = request === undefined ? undefined : this.#find(request);
    this.#remember(event.capability, completion, candidates ?? null);
    return candidates;
  }

  #remember(capability: string, completion: string, candidates: Candidates | null): void {
    if (this.#rememberedCount >= MAX_REMEMBERED) {
      this.#remembered.clear();
      this.#rememberedCount = 0;
    }
    this.#rememberedCount += 1;
    const known = this.#remembered.get(capability);
    if (known === undefined) this.#remembered.set(capability, new Map([[completion, candidates]]));
    else known.set(completion, candidates);
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

const NOTHING: readonly Match<Rule>[] = [];

/** The rules that the event's text may concern, whatever their section. Those it cannot are not asked. */
export function findRules({ found: finders }: Candidates, { text }: Subject): readonly Match<Rule>[] {
  if (finders.length === 0) return NOTHING;
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
export function firing(
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
