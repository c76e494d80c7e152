/** The entries of a log's parts, once their bytes are in memory. */

import { AuditCorruptError } from "../../errors.ts";
import type { StoredEntry } from "../format/entry.ts";
import { parseTailLine, splitTail } from "../format/tail.ts";
import type { ReadingOrder } from "../store.ts";
import { EntryDatabase } from "./database.ts";
import type { Engine } from "./sqlite.ts";
import { tailPath } from "./tail-file.ts";

/**
 * The entries of a database's bytes, which become the database's own.
 *
 * @throws AuditCorruptError at the first that is damaged.
 */
export function* databaseEntries(
  engine: Engine,
  bytes: Uint8Array,
  path: string,
  order: ReadingOrder,
): Generator<StoredEntry> {
  const database = EntryDatabase.open(engine, bytes, path);
  try {
    yield* database.entries(order === "oldest first" ? "ASC" : "DESC");
  } finally {
    database.close();
  }
}

/** The entries of a tail's text, of the log at `path`. @throws AuditCorruptError at the first that is damaged. */
export function* tailEntries(tail: Buffer | undefined, path: string, order: ReadingOrder): Generator<StoredEntry> {
  const lines = tail === undefined ? [] : splitTail(tail).lines.slice(1);
  for (const line of order === "oldest first" ? lines : lines.toReversed()) {
    const stored = parseTailLine(line);
    if (stored === undefined) throw new AuditCorruptError(path, `${tailPath(path)} is damaged. Run capfence verify`);
    yield stored;
  }
}

/**
 * The entries of parts that follow one another in this order, each once: a crash, or a change while they are read, leaves
 * one in two.
 */
export function* eachOnce(parts: Iterable<Iterable<StoredEntry>>, order: ReadingOrder): Generator<StoredEntry> {
  let edge: number | undefined;
  for (const entries of parts) {
    for (const stored of entries) {
      if (edge !== undefined && (order === "oldest first" ? stored.seq <= edge : stored.seq >= edge)) continue;
      edge = stored.seq;
      yield stored;
    }
  }
}
