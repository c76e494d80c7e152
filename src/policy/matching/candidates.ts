/** The rules that may concern a request: found by its capability, then by its text, and asked in order. */

import type { ActionEvent, DecisionKind } from "../../event.ts";
import { fires, type Answer } from "../answer.ts";
import { CapabilityIndex, type Match } from "./capability-index.ts";
import { completeRequest } from "./capability.ts";
import type { Condition, Subject } from "../conditions/condition.ts";
import { RuleGroup, type Found, type RuleFinder } from "./rule-group.ts";
import { SharedTexts } from "./shared-texts.ts";
import { askRule, SECTIONS, type Rule } from "../rule.ts";

/** Most capabilities whose rules are remembered. Requests choose them, so there must be a bound. */
const MAX_REMEMBERED = 4096;

/**
 * Rules of one section that have to be asked, in order. What is asked stands apart from the rules, so that those that do not
 * fire are never fetched from memory: with thousands of rules, that is what takes the time.
 */
interface Section {
  readonly kind: DecisionKind;
  readonly asks: readonly Condition["ask"][];
  readonly rules: readonly Rule[];
}

/** What a request may concern. */
export interface Candidates {
  /** Whether the request is malformed, so that no rule can be asked about it. */
  readonly malformed: boolean;
  /** Rules that have to be asked. */
  readonly deny: Section;
  readonly require_approval: Section;
  readonly allow: Section;
  /** Finders of the rules that a text may concern. */
  readonly found: readonly Match<RuleFinder>[];
  /** Whether any of the rules heeds what the payload claims about the context. */
  readonly heedsClaims: boolean;
  /** What completes the capability of the request. */
  readonly completion: string;
}

/** Finds the rules that may concern an event; remembers what it has found. */
export class CandidateFinder {
  readonly #index: CapabilityIndex<RuleGroup> = new CapabilityIndex();
  /** What is remembered: by capability, as it is completed first and nearly always. */
  readonly #usual: Map<string, Candidates> = new Map();
  /** By capability, then by what else completes it. */
  readonly #others: Map<string, Map<string, Candidates>> = new Map();
  #rememberedCount = 0;
  /** What completes the capabilities that are remembered. */
  #completions: SharedTexts = new SharedTexts();

  constructor(rules: readonly Rule[]) {
    const groups = new Map<string, RuleGroup>();
    const texts = new SharedTexts();
    for (const rule of rules) {
      let group = groups.get(rule.capability);
      if (group === undefined) {
        group = new RuleGroup(texts);
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

  /** What an event's request may concern. */
  of(event: ActionEvent): Candidates {
    // What the request is made of, each for itself: to join the two would take longer than to find what is remembered.
    const completion = event.scope ?? event.environment;
    const usual = this.#usual.get(event.capability);
    if (usual?.completion === completion) return usual;
    return this.#others.get(event.capability)?.get(completion) ?? this.#remember(event, completion);
  }

  #remember(event: ActionEvent, completion: string): Candidates {
    if (this.#rememberedCount >= MAX_REMEMBERED) {
      this.#usual.clear();
      this.#others.clear();
      this.#completions = new SharedTexts();
      this.#rememberedCount = 0;
    }
    this.#rememberedCount += 1;
    const { capability } = event;
    const candidates = this.#find(completeRequest(event), this.#completions.of(completion));
    const others = this.#others.get(capability);
    if (!this.#usual.has(capability)) this.#usual.set(capability, candidates);
    else if (others === undefined) this.#others.set(capability, new Map([[completion, candidates]]));
    else others.set(completion, candidates);
    return candidates;
  }

  #find(request: string | undefined, completion: string): Candidates {
    const asked: Match<Rule>[] = [];
    const found: Match<RuleFinder>[] = [];
    let heedsClaims = false;
    for (const { value: group, answer } of request === undefined ? [] : this.#index.find(request)) {
      for (const rule of group.always) if (canFire(rule, answer)) asked.push({ value: rule, answer });
      if (group.finder !== undefined) found.push({ value: group.finder, answer });
      heedsClaims ||= group.all.some((rule) => rule.conditions.some((condition) => condition.heedsClaims === true));
    }
    return {
      malformed: request === undefined,
      deny: sectionOf("deny", asked),
      require_approval: sectionOf("require_approval", asked),
      allow: sectionOf("allow", asked),
      found,
      heedsClaims,
      completion,
    };
  }
}

const NOTHING: readonly Found[] = [];

/** The rules that the event's text may concern, whatever their section. Those it cannot are not asked. */
export function findRules({ found: finders }: Candidates, { text }: Subject): readonly Found[] {
  const [only] = finders;
  if (only === undefined) return NOTHING;
  if (finders.length === 1) return only.value.find(text, only.answer);
  return finders.flatMap(({ value: finder, answer }) => finder.find(text, answer));
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

function sectionOf(kind: DecisionKind, asked: readonly Match<Rule>[]): Section {
  const matches = inOrder(kind, asked);
  return { kind, asks: matches.map(askOf), rules: matches.map(({ value }) => value) };
}

/** The one condition of most rules, which many rules share; else all conditions of a rule. */
function askOf({ value: rule, answer }: Match<Rule>): Condition["ask"] {
  const [only, ...others] = rule.conditions;
  return only !== undefined && others.length === 0 && answer === "yes"
    ? only.ask
    : (subject) => askRule(rule, answer, subject);
}

/** The rule of a section that counts: of those that answer `yes` the first in the file, else the first that fires. */
export function firing({ kind, asks, rules }: Section, found: readonly Found[], subject: Subject): Rule | undefined {
  let certain: Rule | undefined;
  let uncertain: Rule | undefined;
  for (let index = 0; index < asks.length; index += 1) {
    const answer = askFor(asks[index], subject);
    if (answer === "yes") {
      certain = rules[index];
      break;
    }
    if (uncertain === undefined && fires(kind, answer)) uncertain = rules[index];
  }
  for (const { rule, section, capability, holds } of found) {
    if (section !== kind) continue;
    const answer = holds ? capability : askRule(rule, capability, subject);
    if (answer === "yes") certain = earlier(certain, rule);
    else if (fires(kind, answer)) uncertain = earlier(uncertain, rule);
  }
  return certain ?? uncertain;
}

/** As {@link askCondition}: what fails has understood nothing. */
function askFor(ask: Condition["ask"] | undefined, subject: Subject): Answer {
  try {
    return ask === undefined ? "maybe" : ask(subject);
  } catch {
    return "maybe";
  }
}

function earlier(left: Rule | undefined, right: Rule): Rule {
  return left === undefined || right.order < left.order ? right : left;
}
