/** Many compared calls, counted and grouped by what became of what. Memory grows with the rules, not with the calls. */

import type { DecisionKind } from "../event.ts";
import type { Need } from "../policy/partial/possible-decisions.ts";
import type { ComparedCall } from "./compared-call.ts";
import type { KnownDecision } from "./judged-call.ts";

/** Calls that have something in common. */
interface Group {
  readonly count: number;
  /** The first of them. */
  readonly examples: readonly ComparedCall[];
}

/** A rule, or reason, that decided before, and one that decides now. */
interface Responsible {
  readonly old: KnownDecision;
  readonly new: KnownDecision;
  readonly count: number;
}

/** All calls for which one decision became another, or stayed and is now another rule's. */
export interface Transition extends Group {
  readonly from: DecisionKind;
  readonly to: DecisionKind;
  /** The rules responsible, those of most calls first. */
  readonly rules: readonly Responsible[];
}

/** All calls whose decision depends on the same. */
export interface Undecided extends Group {
  readonly needs: readonly Need[];
}

/** What was compared, and what came of it. Plain data. */
export interface Difference {
  readonly calls: number;
  /** Calls that are decided alike, by the same rule. */
  readonly unchanged: number;
  /** Calls that are decided alike, by another rule. */
  readonly otherRule: number;
  /** Calls that are decided differently. */
  readonly changed: number;
  /** Of these, those that are allowed now. */
  readonly newlyAllowed: number;
  /** And those that are denied now. */
  readonly newlyDenied: number;
  /** Calls whose decision depends on what is not known, or of which the record holds nonsense. */
  readonly undecidable: number;
  /** Of these, those that may be allowed now, and were not before or perhaps were not. */
  readonly perhapsAllowed: number;
  /** Calls that were refused before any policy was asked. */
  readonly refused: number;
  /** Newly allowed first, then what else is less strict, then what is stricter, then other rules. */
  readonly transitions: readonly Transition[];
  /** Those of most calls first. */
  readonly undecided: readonly Undecided[];
}

const KINDS: readonly DecisionKind[] = ["allow", "require_approval", "deny"];

/** Newly allowed first, then what else is less strict, then what is stricter, then what stayed. */
const ORDER: readonly (readonly [DecisionKind, DecisionKind])[] = [
  ["deny", "allow"],
  ["require_approval", "allow"],
  ["deny", "require_approval"],
  ["require_approval", "deny"],
  ["allow", "require_approval"],
  ["allow", "deny"],
  ...KINDS.map((kind) => [kind, kind] as const),
];

interface OpenGroup {
  count: number;
  readonly examples: ComparedCall[];
}

interface OpenTransition extends OpenGroup {
  readonly rules: Map<string, { old: KnownDecision; new: KnownDecision; count: number }>;
}

/** Counts and groups. */
export class Tally {
  readonly #maxExamples: number;
  readonly #counts: Record<ComparedCall["change"], number> = {
    none: 0,
    rule: 0,
    decision: 0,
    undecidable: 0,
    refused: 0,
    malformed: 0,
  };
  readonly #transitions = new Map<string, OpenTransition>();
  readonly #undecided = new Map<string, OpenGroup & { readonly needs: readonly Need[] }>();
  #perhapsAllowed = 0;

  /** `maxExamples` is how many calls are kept of each group. */
  constructor(maxExamples: number) {
    this.#maxExamples = maxExamples;
  }

  add(call: ComparedCall): void {
    this.#counts[call.change] += 1;
    if (call.change === "undecidable" || call.change === "malformed") this.#addUndecided(call);
    if (call.change === "rule" || call.change === "decision") this.#addTransition(call);
  }

  #addTransition(call: ComparedCall): void {
    const { old, new: changed } = call;
    if (old === undefined || changed === undefined) return;
    const transition = groupOf(this.#transitions, `${old.decision} ${changed.decision}`, () => ({
      count: 0,
      examples: [],
      rules: new Map(),
    }));
    this.#count(transition, call);
    const rules = groupOf(transition.rules, `${nameOf(old)} ${nameOf(changed)}`, () => ({
      old,
      new: changed,
      count: 0,
    }));
    rules.count += 1;
  }

  #addUndecided(call: ComparedCall): void {
    const { needs = [], old, possible = [] } = call;
    if (old?.decision !== "allow" && possible.includes("allow")) this.#perhapsAllowed += 1;
    this.#count(
      groupOf(this.#undecided, JSON.stringify(needs), () => ({ count: 0, examples: [], needs })),
      call,
    );
  }

  #count(group: OpenGroup, call: ComparedCall): void {
    group.count += 1;
    if (group.examples.length < this.#maxExamples) group.examples.push(call);
  }

  /** What has come together so far. */
  get difference(): Difference {
    const { none, rule, decision, undecidable, refused, malformed } = this.#counts;
    const sum = (ends: (from: DecisionKind, to: DecisionKind) => boolean): number =>
      ORDER.filter(([from, to]) => from !== to && ends(from, to))
        .map(([from, to]) => this.#transitions.get(`${from} ${to}`)?.count ?? 0)
        .reduce((left, right) => left + right, 0);
    return {
      calls: none + rule + decision + undecidable + refused + malformed,
      unchanged: none,
      otherRule: rule,
      changed: decision,
      newlyAllowed: sum((_, to) => to === "allow"),
      newlyDenied: sum((_, to) => to === "deny"),
      undecidable: undecidable + malformed,
      perhapsAllowed: this.#perhapsAllowed,
      refused,
      transitions: ORDER.flatMap(([from, to]) => {
        const found = this.#transitions.get(`${from} ${to}`);
        if (found === undefined) return [];
        return [{ from, to, count: found.count, rules: mostFirst(found.rules), examples: found.examples }];
      }),
      undecided: mostFirst(this.#undecided),
    };
  }
}

function groupOf<Value>(groups: Map<string, Value>, key: string, make: () => Value): Value {
  const known = groups.get(key);
  if (known !== undefined) return known;
  const made = make();
  groups.set(key, made);
  return made;
}

function mostFirst<Value extends { readonly count: number }>(groups: ReadonlyMap<string, Value>): readonly Value[] {
  return [...groups.values()].toSorted((left, right) => right.count - left.count);
}

function nameOf({ rule, riskLevel, reason }: KnownDecision): string {
  return JSON.stringify([rule?.id, rule?.source.file, rule?.source.line, riskLevel?.level, reason]);
}
