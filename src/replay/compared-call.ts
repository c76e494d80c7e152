/** One call, and what two policies say about it; or one policy, and what a record says that another said. */

import type { DecisionKind } from "../event.ts";
import type { JsonObject } from "../snapshot.ts";
import type { Need } from "../policy/partial/possible-decisions.ts";
import { differenceOf, type Judgement, type KnownDecision } from "./judged-call.ts";
import type { KnownCall, NotAsked } from "./recorded-call.ts";

/** A call to be compared by, and where it comes from. */
export interface NamedCall {
  /** A case's name, a line of a file, or an entry of a log: `entry 5`. */
  readonly name: string;
  readonly call: KnownCall | NotAsked;
}

/** A call that was compared. */
export interface ComparedCall {
  /** A case's name, a line of a file, or an entry of a log: `entry 5`. */
  readonly name: string;
  /** What is known of the call; absent when its record is malformed or it was refused before any policy was asked. */
  readonly actor?: string;
  readonly capability?: string;
  readonly environment?: string;
  /** The payload as far as it is known; what was left out is marked as it is in the record. */
  readonly payload?: JsonObject;
  /**
   * `none`: decided alike. `rule`: the same decision, by another rule or for another reason. `decision`: another decision.
   * `undecidable`: it depends on what is not known. `refused`: no policy was asked, nor would be. `malformed`: it is no call.
   */
  readonly change: "none" | "rule" | "decision" | "undecidable" | NotAsked;
  /** What was decided; absent when that is not known. */
  readonly old?: KnownDecision;
  /** What is decided now; absent when that is not known. */
  readonly new?: KnownDecision;
  /** What an undecidable call's decision depends on. */
  readonly needs?: readonly Need[];
  /** What may be decided now about an undecidable call. */
  readonly possible?: readonly DecisionKind[];
}

/** Compares two judgements of one call. */
export function compareCall({ name, call }: NamedCall, old: Judgement, changed: Judgement): ComparedCall {
  if (typeof call === "string") return { name, change: call, ...(old.decided && { old: old.decided }) };
  const { actor, capability, environment, payload } = call.event;
  const isRecorded = !call.unknown.some(({ of, path }) => of === "payload" && path.length === 0);
  const known = {
    name,
    actor,
    capability,
    environment,
    ...(isRecorded && { payload }),
    ...(old.decided && { old: old.decided }),
    ...(changed.decided && { new: changed.decided }),
  };
  if (old.decided !== undefined && changed.decided !== undefined) {
    return { ...known, change: differenceOf(old.decided, changed.decided) };
  }
  // Two policies that share a rule need the same for it.
  const both = [...(old.needs ?? []), ...(changed.needs ?? [])];
  const needs = [...new Map(both.map((need) => [JSON.stringify(need), need])).values()];
  const possible = changed.decided === undefined ? changed.possible : [changed.decided.decision];
  return { ...known, change: "undecidable", needs, possible };
}
