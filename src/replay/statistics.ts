/** What a log's decisions add up to. Memory grows with the names in it, not with the entries. */

import { basename } from "node:path";

import type { DecisionEntry, Entry, OutcomeEntry } from "../audit/format/entry.ts";
import type { RuleReference } from "../event.ts";
import type { Policy } from "../policy/policy.ts";
import { Latencies, type Latency } from "./latencies.ts";
import { isDecision, isRule } from "./recorded-call.ts";

/** Decisions that have something in common. */
export interface DecisionCounts {
  readonly name: string;
  readonly decisions: number;
  readonly allow: number;
  readonly require_approval: number;
  readonly deny: number;
  /** Those that were not enforced, because the runtime only observed. */
  readonly observed: number;
}

/** Decisions by one rule. */
interface RuleCounts {
  readonly rule: RuleReference;
  readonly decisions: number;
}

/** How long calls took, in milliseconds. */
interface CapabilityLatency extends Latency {
  readonly capability: string;
}

/** What a log adds up to. Lists have what there is most of first. Plain data. */
export interface Statistics {
  readonly decisions: number;
  /** The first and the last moment, RFC 3339; absent without decisions. */
  readonly from?: string;
  readonly to?: string;
  readonly agents: readonly DecisionCounts[];
  readonly capabilities: readonly DecisionCounts[];
  readonly reasons: readonly DecisionCounts[];
  readonly rules: readonly RuleCounts[];
  /** How calls ended. */
  readonly outcomes: Readonly<Record<OutcomeEntry["status"], number>>;
  /** How long they took, where that was measured. */
  readonly latencies: readonly CapabilityLatency[];
}

/** Which rules of a policy made no decision. */
export interface RuleUse {
  /** Decisions that this very policy made. Those of others say nothing about its rules. */
  readonly decisions: number;
  readonly neverUsed: readonly RuleReference[];
}

/** Adds entries up. */
export class LogStatistics {
  readonly #agents = new Counts();
  readonly #capabilities = new Counts();
  readonly #reasons = new Counts();
  readonly #rules = new Map<string, { rule: RuleReference; decisions: number }>();
  readonly #outcomes = { finished: 0, failed: 0, aborted: 0 };
  readonly #latencies = new Map<string, Latencies>();
  readonly #digest: string | undefined;
  readonly #used = new Set<string>();
  #ownDecisions = 0;
  #decisions = 0;
  #from: string | undefined;
  #to: string | undefined;

  /** `digest` is that of the policy whose rules' use is wanted. */
  constructor(digest?: string) {
    this.#digest = digest;
  }

  add(entry: Entry): void {
    if (entry.kind === "decision") this.#decision(entry);
    else if (entry.kind === "outcome") this.#outcome(entry);
  }

  #decision(entry: DecisionEntry): void {
    this.#decisions += 1;
    this.#from ??= entry.ts;
    this.#to = entry.ts;
    this.#agents.add(entry.actor, entry);
    this.#capabilities.add(entry.capability, entry);
    this.#reasons.add(entry.reason, entry);
    const { rule } = entry;
    if (entry.policy === this.#digest) this.#ownDecisions += 1;
    if (!isRule(rule)) return;
    const { id, section, index, file, line } = rule;
    const reference = { id, section, index, source: { file, line } };
    if (entry.policy === this.#digest) this.#used.add(nameOf(reference));
    const key = JSON.stringify(reference);
    const known = this.#rules.get(key);
    if (known === undefined) this.#rules.set(key, { rule: reference, decisions: 1 });
    else known.decisions += 1;
  }

  #outcome({ status, ms, capability }: OutcomeEntry): void {
    // A forged one may be anything.
    if (typeof status === "string" && Object.hasOwn(this.#outcomes, status)) this.#outcomes[status] += 1;
    if (typeof ms !== "number" || !(ms >= 0)) return;
    let latencies = this.#latencies.get(capability);
    if (latencies === undefined) {
      latencies = new Latencies();
      this.#latencies.set(capability, latencies);
    }
    latencies.add(ms);
  }

  /** What has come together so far. */
  get statistics(): Statistics {
    return {
      decisions: this.#decisions,
      ...(this.#from !== undefined && { from: this.#from }),
      ...(this.#to !== undefined && { to: this.#to }),
      agents: this.#agents.list(),
      capabilities: this.#capabilities.list(),
      reasons: this.#reasons.list(),
      rules: [...this.#rules.values()].toSorted((left, right) => right.decisions - left.decisions),
      outcomes: this.#outcomes,
      latencies: [...this.#latencies]
        .map(([capability, latencies]) => ({ capability, ...latencies.summary }))
        .toSorted((left, right) => right.calls - left.calls),
    };
  }

  /** How the rules of `policy`, whose digest was given, were used. */
  useOf(policy: Policy): RuleUse {
    const rules = policy.rules.map(({ decision }) => decision.rule);
    return { decisions: this.#ownDecisions, neverUsed: rules.filter((rule) => !this.#used.has(nameOf(rule))) };
  }
}

/** Decisions by a name. */
class Counts {
  readonly #counts = new Map<string, { -readonly [Key in keyof DecisionCounts]: DecisionCounts[Key] }>();

  add(name: string, { decision, enforced }: DecisionEntry): void {
    let counts = this.#counts.get(name);
    if (counts === undefined) {
      counts = { name, decisions: 0, allow: 0, require_approval: 0, deny: 0, observed: 0 };
      this.#counts.set(name, counts);
    }
    counts.decisions += 1;
    if (isDecision(decision)) counts[decision] += 1;
    if (enforced === false) counts.observed += 1;
  }

  list(): readonly DecisionCounts[] {
    return [...this.#counts.values()].toSorted((left, right) => right.decisions - left.decisions);
  }
}

/** A policy may have been loaded by another path then. Ids are unique in a file; places such as deny[0] are not. */
function nameOf({ id, source, index, section }: RuleReference): string {
  return JSON.stringify([basename(source.file), section, index, id]);
}
