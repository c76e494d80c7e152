/** Watches a log for what is appended to it. */

import type { Head, StoredEntry } from "../audit/format/entry.ts";
import { storeAt, type AuditLocation } from "../audit/location.ts";
import type { AuditStore } from "../audit/store.ts";
import { AuditCorruptError } from "../errors.ts";
import type { Host } from "./host.ts";

/**
 * The entries of the log at `location` behind `place`, in groups, as they are appended; ends when `signal` is aborted, with
 * what was appended until then. Where an entry lies does not matter: folding and sealing only move entries.
 *
 * @throws AuditUnavailableError when the log can't be read any more.
 * @throws AuditCorruptError when it is damaged, or no longer holds the last entry that was given.
 */
export async function* entriesAfter(
  location: AuditLocation,
  place: Head,
  host: Host,
  signal: AbortSignal,
): AsyncGenerator<readonly StoredEntry[]> {
  const store = storeAt(location);
  let last = place;
  for await (const _ of store.changes("anything", host.pause, signal)) {
    const entries = await readAfter(store, last);
    last = entries.at(-1) ?? last;
    if (entries.length > 0) yield entries;
  }
}

async function readAfter(store: AuditStore, { seq, hash }: Head): Promise<StoredEntry[]> {
  const entries: StoredEntry[] = [];
  for await (const stored of store.entries("latest first")) {
    if (stored.seq === seq && stored.hash === hash) return entries.toReversed();
    if (stored.seq <= seq) break;
    entries.push(stored);
  }
  throw new AuditCorruptError(
    store.name,
    `it no longer holds entry ${seq} as it was when it was read. Run capfence verify`,
    {
      seq,
    },
  );
}
