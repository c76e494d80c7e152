/** Builds the database that a fold puts in place: what the present one holds, and entries of the tail. */

import { AuditCorruptError } from "../../errors.ts";
import { EntryDatabase } from "./database.ts";
import type { Head, StoredEntry } from "../format/entry.ts";
import type { FoldContext } from "./fold-context.ts";
import { PAUSE, type Steps } from "./steps.ts";
import { successorProblem } from "../format/successor.ts";
import { parseTailLine, splitTail } from "../format/tail.ts";
import { tailPath } from "./tail-file.ts";

/** Rows inserted in one go, at least: about two milliseconds. */
const SLICE = 64;

/** How far a database in the making has come. */
interface Reached {
  readonly last: Head;
  /** Where the tail's text goes on behind `last`. */
  readonly end: number;
}

/** A database that was made. */
interface BuiltDatabase extends Reached {
  readonly bytes: Uint8Array;
  readonly first: number;
}

/**
 * The database of the bytes `bytesOfBase`, which become its own, with entries of the tail's `text` added, as many as it has
 * room for, and without those that lie in a sealed segment.
 */
export function* buildDatabase(
  context: FoldContext,
  bytesOfBase: Buffer,
  text: Buffer,
  sealed: Head | undefined,
): Steps<BuiltDatabase> {
  const { engine, path, segmentEntries } = context;
  const base = EntryDatabase.open(engine, bytesOfBase, path);
  let database = base;
  try {
    let last: Head = base.last();
    if (sealed !== undefined && base.first().seq <= sealed.seq) {
      database = EntryDatabase.create(engine, path);
      const kept = unplaced(base.entries("ASC", sealed.seq));
      ({ last } = yield* append(context, database, { last: sealed, end: 0 }, kept, Infinity));
    }
    const first = database === base ? base.first().seq : (sealed?.seq ?? -1) + 1;
    const room = Math.max(1, segmentEntries - (last.seq - first + 1));
    // Behind the tail's header, even if no entry follows: that is the beginning of every new tail.
    const start = { last, end: text.indexOf("\n") + 1 };
    const added = yield* append(context, database, start, linesOf(text, path), room);
    // Each of these takes ten milliseconds for a full database.
    yield PAUSE;
    database.commit();
    yield PAUSE;
    const bytes = database.export();
    yield PAUSE;
    return { ...added, first, bytes };
  } finally {
    base.close();
    if (database !== base) database.close();
  }
}

/** An entry, and where its line ends in the tail it was read from. */
interface PlacedEntry {
  readonly stored: StoredEntry;
  readonly end: number;
}

function* unplaced(entries: Iterable<StoredEntry>): Generator<PlacedEntry> {
  for (const stored of entries) yield { stored, end: 0 };
}

function* linesOf(text: Buffer, path: string): Generator<PlacedEntry> {
  let end = 0;
  for (const [index, line] of splitTail(text).lines.entries()) {
    end += line.length + 1;
    if (index === 0) continue;
    const stored = parseTailLine(line);
    if (stored === undefined) throw new AuditCorruptError(path, `line ${index + 1} of ${tailPath(path)} is damaged`);
    yield { stored, end };
  }
}

/**
 * Appends at most `room` of the entries that lie behind `start`, each checked against the one before. Goes quicker the more
 * is appended to the log meanwhile, or the tail would never be emptied.
 */
function* append(
  { path, chain }: FoldContext,
  database: EntryDatabase,
  start: Reached,
  entries: Iterable<PlacedEntry>,
  room: number,
): Steps<Reached> {
  let { last, end: lastEnd } = start;
  let left = room;
  let slice = SLICE;
  let mark = chain.head.seq;
  for (const { stored, end } of entries) {
    lastEnd = end;
    if (stored.seq <= last.seq) {
      if (stored.seq > chain.sealedSeq && !database.holds(stored)) {
        throw new AuditCorruptError(path, `entry ${stored.seq} is in the tail and in the database, and differs`, {
          seq: stored.seq,
        });
      }
      continue;
    }
    const problem = successorProblem(stored.entry, last, chain.log);
    if (problem !== undefined)
      throw new AuditCorruptError(path, `entry ${stored.seq}: ${problem}`, { seq: stored.seq });
    database.append(stored);
    last = { seq: stored.seq, hash: stored.hash };
    left -= 1;
    if (left === 0) break;
    slice -= 1;
    if (slice > 0) continue;
    yield PAUSE;
    slice = Math.max(SLICE, 2 * (chain.head.seq - mark));
    mark = chain.head.seq;
  }
  return { last, end: lastEnd };
}
