/** Which decisions of a log are asked for. */

import type { DecisionKind } from "../event.ts";
import type { DecisionEntry, Entry } from "./format/entry.ts";

/** All that is given must fit. Times are milliseconds since the epoch. */
export interface DecisionFilter {
  readonly agent?: string | undefined;
  readonly decision?: DecisionKind | undefined;
  /** The first moment that fits. */
  readonly since?: number | undefined;
  /** The first moment that no longer fits. */
  readonly until?: number | undefined;
}

/** Whether `entry` is a decision that is asked for. */
export function isWanted(entry: Entry, filter: DecisionFilter): entry is DecisionEntry {
  if (entry.kind !== "decision") return false;
  const { agent, decision, since, until } = filter;
  if (agent !== undefined && entry.actor !== agent) return false;
  if (decision !== undefined && entry.decision !== decision) return false;
  if (since === undefined && until === undefined) return true;
  const time = Date.parse(entry.ts);
  // Put so that an entry whose time cannot be read is shown rather than hidden.
  if (since !== undefined && time < since) return false;
  return !(until !== undefined && time >= until);
}
