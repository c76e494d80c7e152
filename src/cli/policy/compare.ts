/** Decides calls under two policies. */

import type { Policy } from "../../policy/policy.ts";
import type { Case } from "./cases.ts";
import { group, isNewlyAllowed, type Change, type Transition } from "./transitions.ts";

/** What was compared, and what came of it. */
export interface Difference {
  readonly calls: number;
  /** Calls that both policies decide alike. */
  readonly unchanged: number;
  readonly newlyAllowed: number;
  /** Recorded calls of which something is missing: what would be decided about them is not known. */
  readonly notFullyRecorded: number;
  /** Recorded calls that were refused before any policy was asked. */
  readonly refusedByHost: number;
  readonly transitions: readonly Transition[];
}

/** Decides every call under both policies. Only those that are decided differently are kept. */
export async function compare(
  old: Policy,
  changed: Policy,
  cases: AsyncIterable<Case> | Iterable<Case>,
): Promise<Difference> {
  const changes: Change[] = [];
  let [calls, unchanged, notFullyRecorded, refusedByHost] = [0, 0, 0, 0];
  for await (const { name, event } of cases) {
    calls += 1;
    if (event === "not fully recorded") notFullyRecorded += 1;
    else if (event === "refused by the host") refusedByHost += 1;
    else {
      const [before, after] = [old.evaluate(event), changed.evaluate(event)];
      if (before.decision === after.decision) unchanged += 1;
      else changes.push({ name, event, old: before, new: after });
    }
  }
  const newlyAllowed = changes.filter(isNewlyAllowed).length;
  return { calls, unchanged, newlyAllowed, notFullyRecorded, refusedByHost, transitions: group(changes) };
}
