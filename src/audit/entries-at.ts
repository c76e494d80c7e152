/** Finds entries by their numbers. */

import type { StoredEntry } from "./format/entry.ts";

/** The entries with these numbers, those that there are. Reads no further back than the first of them. */
export async function readEntriesAt(
  latestFirst: AsyncIterable<StoredEntry>,
  numbers: ReadonlySet<number>,
): Promise<ReadonlyMap<number, StoredEntry>> {
  const found = new Map<number, StoredEntry>();
  const first = Math.min(...numbers);
  for await (const stored of latestFirst) {
    if (numbers.has(stored.seq)) found.set(stored.seq, stored);
    if (stored.seq <= first) break;
  }
  return found;
}
