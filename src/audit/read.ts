/** Reads a log, wherever it is kept. */

import type { StoredEntry } from "./format/entry.ts";
import { storeAt, type AuditLocation } from "./location.ts";
import type { ReadingOrder } from "./store.ts";

/**
 * Every entry of the log at `location`, oldest first (or latest first), each once. Each entry's text is checked against
 * its hash; the chain as a whole is what `verifyLog` checks. Never the whole log is in memory. Nothing is written.
 *
 * @throws AuditUnavailableError when there is no log or it can't be read.
 * @throws AuditCorruptError at the first entry that is damaged.
 */
export async function* readEntries(
  location: AuditLocation,
  order: ReadingOrder = "oldest first",
): AsyncGenerator<StoredEntry> {
  yield* storeAt(location).entries(order);
}
