/** Appending what is decided under the log's lock: nobody appends anything between the decision and what comes of it. */

import type { OpenItems } from "../../approval.ts";
import type { Head, PreparedEntry } from "../format/entry.ts";

/** A log as it stands before something is appended, with all that anybody else has appended. */
export interface LogState {
  /** The log's identity. */
  readonly log: string;
  /** The time that what is appended will have. */
  readonly ts: string;
  /** The last entry: what is appended comes right after it. */
  readonly head: Head;
  /** What of approvals is open. It was found out before the proposal is asked. */
  readonly open: OpenItems;
}

/** What a proposal comes to: entries to append, perhaps none, and what to answer once they are durable. */
interface Decided<T> {
  readonly entries: readonly PreparedEntry[];
  readonly answer: T;
}

/** Decides what is appended. Synchronous, quick and without effects: others wait, and it may be asked again. */
export type Proposal<T> = (state: LogState) => Decided<T>;

/** What was answered, and where the entries lie. */
export interface Settled<T> {
  readonly heads: readonly Head[];
  readonly answer: T;
}

/** Appends one entry, whatever else there is. */
export function appending(entry: PreparedEntry): Proposal<undefined> {
  return () => ({ entries: [entry], answer: undefined });
}
