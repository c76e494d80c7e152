/** What an entry must be to stand in a place of a chain: what writers and verification both go by. */

import { ENTRY_KINDS, FORMAT_VERSION, NO_PREVIOUS, type Entry, type Head } from "./entry.ts";

/** Where the entries before a log's first one would end. */
export const BEFORE_GENESIS: Head = { seq: -1, hash: NO_PREVIOUS };

/** What is wrong with an entry as the entry `seq` of the log `log`, when that is known; `undefined` when nothing is. */
export function misfit(entry: Entry, seq: number, log: string | undefined): string | undefined {
  if (entry.v !== FORMAT_VERSION) return `its format, ${entry.v}, is not known`;
  if (!ENTRY_KINDS.has(entry.kind)) return "its kind is not known";
  if (entry.seq !== seq) return `it says of itself that it is entry ${entry.seq}`;
  if (seq < 0 || (entry.kind === "genesis") !== (seq === 0)) {
    return "a log begins with one genesis entry, and has no other";
  }
  if (log !== undefined && entry.log !== log) return "it belongs to another log";
  return missingMember(entry);
}

/** The same of an entry that is to follow `head`. */
export function successorProblem(entry: Entry, head: Head, log: string): string | undefined {
  const problem = misfit(entry, head.seq + 1, log);
  if (problem !== undefined) return problem;
  return entry.prev === head.hash ? undefined : `it does not follow entry ${head.seq} as that stands`;
}

/** What pairing goes by must be what its type says: whoever computes a hash can have written anything. */
function missingMember(entry: Entry): string | undefined {
  if (entry.kind === "outcome" && !Number.isSafeInteger(entry.of)) return "it names no decision";
  if (entry.kind === "decision" && typeof entry.authorized !== "boolean") {
    return "it does not say whether the call was let through";
  }
  return undefined;
}
