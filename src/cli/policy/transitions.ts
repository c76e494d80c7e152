/** Calls that are decided differently, grouped by what became of what. */

import type { ActionEvent, Decision, DecisionKind } from "../../event.ts";
import type { JsonObject } from "../../snapshot.ts";

/** A call that is decided differently. */
export interface Change {
  readonly name: string;
  readonly event: ActionEvent;
  readonly old: Decision;
  readonly new: Decision;
}

/** A call of a {@link Transition}. */
interface ChangedCall {
  /** Where it comes from: a case's name, a line of a file, or an entry of a log. */
  readonly name: string;
  readonly actor: string;
  readonly capability: string;
  readonly environment: string;
  readonly payload: JsonObject;
  readonly old: Decision;
  readonly new: Decision;
}

/** All calls for which one decision became another. */
export interface Transition {
  readonly from: DecisionKind;
  readonly to: DecisionKind;
  readonly calls: readonly ChangedCall[];
}

/** Newly allowed first, then what else is less strict, then what is stricter. */
const ORDER: readonly (readonly [DecisionKind, DecisionKind])[] = [
  ["deny", "allow"],
  ["require_approval", "allow"],
  ["deny", "require_approval"],
  ["require_approval", "deny"],
  ["allow", "require_approval"],
  ["allow", "deny"],
];

/** Whether a call that was stopped or asked about would run now. */
export function isNewlyAllowed(change: Change): boolean {
  return change.new.decision === "allow" && change.old.decision !== "allow";
}

/** Groups changes; of each group, in the order in which they came. */
export function group(changes: readonly Change[]): readonly Transition[] {
  return ORDER.flatMap(([from, to]) => {
    const calls = changes.filter((change) => change.old.decision === from && change.new.decision === to).map(callOf);
    return calls.length === 0 ? [] : [{ from, to, calls }];
  });
}

function callOf({ name, event, old, new: changed }: Change): ChangedCall {
  const { actor, capability, environment, payload } = event;
  return { name, actor, capability, environment, payload, old, new: changed };
}
