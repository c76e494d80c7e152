/** Watches a log for what is appended to it. */

import { statSync } from "node:fs";

import type { Head, StoredEntry } from "../audit/entry.ts";
import { readEntries } from "../audit/read.ts";
import { tailPath } from "../audit/tail-file.ts";
import { AuditCorruptError } from "../errors.ts";
import type { Host } from "./host.ts";

/** How often a log's files are looked at, in milliseconds. Looking is two calls of stat(2). */
const POLL_MS = 250;

/**
 * The entries of the log at `path` behind `place`, in groups, as they are appended; ends when `signal` is aborted, with
 * what was appended until then. Which file an entry lies in does not matter: folding and sealing only move entries.
 *
 * @throws AuditUnavailableError when the log can't be read any more.
 * @throws AuditCorruptError when it is damaged, or no longer holds the last entry that was given.
 */
export async function* entriesAfter(
  path: string,
  place: Head,
  host: Host,
  signal: AbortSignal,
): AsyncGenerator<readonly StoredEntry[]> {
  let last = place;
  let seen: string | undefined;
  for (;;) {
    const isOver = signal.aborted;
    // Before it is read, so that a change in between is one that the next look finds.
    const state = `${lookAt(path)} ${lookAt(tailPath(path))}`;
    if (state !== seen) {
      const entries = await readAfter(path, last);
      seen = state;
      last = entries.at(-1) ?? last;
      if (entries.length > 0) yield entries;
    }
    if (isOver) return;
    await host.pause(POLL_MS, signal);
  }
}

async function readAfter(path: string, { seq, hash }: Head): Promise<StoredEntry[]> {
  const entries: StoredEntry[] = [];
  for await (const stored of readEntries(path, "latest first")) {
    if (stored.seq === seq && stored.hash === hash) return entries.toReversed();
    if (stored.seq <= seq) break;
    entries.push(stored);
  }
  throw new AuditCorruptError(path, `it no longer holds entry ${seq} as it was when it was read. Run capfence verify`, {
    seq,
  });
}

/** What changes when a file is written to or replaced. A new file may get the number of one that has just gone. */
function lookAt(path: string): string {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? "" : [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(":");
}
