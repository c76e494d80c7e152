/** Finds the rules that may concern a request by its capability. */

import type { ActionEvent } from "../../event.ts";
import { fires, type Answer } from "../answer.ts";
import { SECTIONS, type Rule } from "../rule.ts";
import { Candidates, inOrder } from "./candidates.ts";
import { CapabilityIndex, type Match } from "./capability-index.ts";
import { completeRequest } from "./capability.ts";
import { RuleGroup } from "./rule-group.ts";
import { SharedTexts } from "./shared-texts.ts";
import type { TextFinder } from "./text-finder.ts";

/** Most capabilities whose rules are remembered. Requests choose them, so there must be a bound. */
const MAX_REMEMBERED = 4096;

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
    const finders: TextFinder[] = [];
    let heedsClaims = false;
    for (const { value: group, answer } of request === undefined ? [] : this.#index.find(request)) {
      for (const rule of group.always) if (canFire(rule, answer)) asked.push({ value: rule, answer });
      const finder = group.finder(answer);
      if (finder !== undefined) finders.push(finder);
      heedsClaims ||= group.all.some((rule) => rule.conditions.some((condition) => condition.heedsClaims === true));
    }
    return new Candidates(asked, finders, { completion, malformed: request === undefined, heedsClaims });
  }
}

/** A permission for part of what is asked for permits nothing. */
function canFire(rule: Rule, capability: Answer): boolean {
  return fires(rule.decision.decision, capability);
}
