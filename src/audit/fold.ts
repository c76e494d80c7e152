/**
 * Folding: moving the tail's entries into the database. The new database is built in memory in small slices, away from
 * any caller's path, written beside the old one, and put in place by rename under the log's lock. A database that has
 * reached its limit is sealed and a new one begun. All of it is idempotent: work that is interrupted, or overtaken by
 * another process's, leaves the log as it was, and the next fold goes on from there.
 */

import { createHash } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";

import { AuditCorruptError } from "../errors.ts";
import { linkProblem, type Chain } from "./chain.ts";
import { EntryDatabase, type Engine } from "./database.ts";
import type { Head, StoredEntry } from "./entry.ts";
import { isSameFile, type AuditFiles, type FileIdentity } from "./files.ts";
import type { LogLock } from "./lock.ts";
import { parseTailLine, splitTail } from "./tail.ts";
import { tailPath } from "./tail-file.ts";

/** What is folded, and with what. */
export interface FoldContext {
  readonly files: AuditFiles;
  readonly engine: Engine;
  readonly path: string;
  readonly lock: LogLock;
  readonly chain: Chain;
  /** The time, as entries give it. */
  readonly timestamp: () => string;
  /** Entries at which a database is sealed. */
  readonly segmentEntries: number;
}

/** Bytes at which a database is sealed, whatever its entries: 32 MiB. */
const SEGMENT_BYTES = 33_554_432;

/** One piece of work that can be done at once, or without blocking the event loop. */
interface Step {
  readonly now: () => void;
  readonly later: () => Promise<void>;
}

type Steps<T> = Generator<Step, T>;

/** Between slices: others may run. */
const PAUSE: Step = { now: () => {}, later: async () => await nextTurn() };

/** Rows inserted in one go, at least: about two milliseconds. */
const SLICE = 64;

/** After this many folds of other processes that were quicker, ours gives up: they do the work. */
const MAX_OVERTAKEN = 10;

/** Bytes digested in one go. */
const DIGEST_SLICE = 1_048_576;

/** Folds the chain's tail, letting others run in between. */
export async function foldLater(context: FoldContext): Promise<void> {
  for (const step of fold(context)) await step.later();
}

/** Folds the chain's tail at once, for the end of the process. */
export function foldNow(context: FoldContext): void {
  for (const step of fold(context)) step.now();
}

function* fold(context: FoldContext): Steps<void> {
  for (let overtaken = 0; overtaken < MAX_OVERTAKEN;) {
    const moved = yield* moveTail(context);
    if (moved === "overtaken") overtaken += 1;
    else if (moved === undefined) return;
    else yield* seal(context, moved.first);
  }
}

/** Runs `section` under the log's lock; its answer is `undefined` when the lock could not be had at once. */
function* underLock<T>(lock: LogLock, section: () => T): Steps<T | undefined> {
  let answer: T | undefined;
  yield {
    now: () => {
      answer = lock.holdNow(section);
    },
    later: async () => {
      answer = await lock.hold(section);
    },
  };
  return answer;
}

/**
 * Moves what is in the tail into the database. Answers the database's first entry when that is now full, and
 * `overtaken` when another process was quicker, so that our copy lacks what it had.
 */
function* moveTail(context: FoldContext): Steps<{ readonly first: number } | "overtaken" | undefined> {
  const { files, lock, chain } = context;
  const start = yield* underLock(lock, () => {
    chain.catchUp();
    const { tail, sealed, database } = chain;
    return tail === undefined ? undefined : { tail, text: tail.read(0), base: database, sealed };
  });
  if (start === undefined) return undefined;
  const { tail, text, base, sealed } = start;
  const made = lock.ownName("database");
  try {
    const { bytes, first, last, end } = yield* build(context, text, sealed);
    yield* write(files, made, base, bytes);
    const isPlaced = yield* underLock(lock, () => {
      chain.catchUp();
      if (chain.tail !== tail || !isSameFile(chain.database, base)) return false;
      chain.replaceDatabase(made, last, end);
      return true;
    });
    if (isPlaced === undefined) return undefined;
    if (!isPlaced) return "overtaken";
    const isFull = last.seq - first + 1 >= context.segmentEntries || bytes.length >= SEGMENT_BYTES;
    return isFull ? { first } : undefined;
  } finally {
    if (files.identify(made) !== undefined) files.unlink(made);
  }
}

interface BuiltDatabase {
  readonly bytes: Uint8Array;
  readonly first: number;
  readonly last: Head;
  /** Where the tail's text goes on behind `last`. */
  readonly end: number;
}

/**
 * The database with entries of the tail's `text` added, as many as it has room for, and without those that lie in a
 * sealed segment.
 */
function* build(context: FoldContext, text: Buffer, sealed: Head | undefined): Steps<BuiltDatabase> {
  const { files, engine, path, segmentEntries } = context;
  const base = EntryDatabase.open(engine, files.readFile(path), path);
  let database = base;
  try {
    let last: Head = base.last();
    if (sealed !== undefined && base.first().seq <= sealed.seq) {
      database = EntryDatabase.create(engine, path);
      ({ last } = yield* append(context, database, sealed, unplaced(base.entries()), Infinity));
    }
    const first = database === base ? base.first().seq : (sealed?.seq ?? -1) + 1;
    const room = Math.max(1, segmentEntries - (last.seq - first + 1));
    const added = yield* append(context, database, last, linesOf(text, path), room);
    return { ...added, first, bytes: database.export() };
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
 * Appends at most `room` of the entries that lie behind `head`, each checked against the one before; answers the last
 * and where its line ends. Goes quicker the more is appended to the log meanwhile, or the tail would never be emptied.
 */
function* append(
  { path, chain }: FoldContext,
  database: EntryDatabase,
  head: Head,
  entries: Iterable<PlacedEntry>,
  room: number,
): Steps<{ readonly last: Head; readonly end: number }> {
  let last = head;
  let lastEnd = 0;
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
    const problem = linkProblem(stored, last, chain.log);
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

function* write(files: AuditFiles, name: string, like: FileIdentity, bytes: Uint8Array): Steps<void> {
  const fd = files.create(name, like);
  try {
    files.append(fd, bytes);
    yield { now: () => files.sync(fd), later: async () => await files.syncLater(fd) };
  } finally {
    files.close(fd);
  }
}

/** Seals the database and records it in the chain. */
function* seal({ files, engine, lock, chain, timestamp }: FoldContext, firstEntry: number): Steps<void> {
  const segment = yield* underLock(lock, () => {
    chain.catchUp();
    // Another process may have sealed it, and begun a new database, before us.
    return (chain.sealed?.seq ?? -1) < firstEntry ? chain.linkSegment(firstEntry) : undefined;
  });
  if (segment === undefined) return;
  const bytes = files.readFile(segment);
  const digest = createHash("sha256");
  for (let start = 0; start < bytes.length; start += DIGEST_SLICE) {
    digest.update(bytes.subarray(start, start + DIGEST_SLICE));
    yield PAUSE;
  }
  const sealed = EntryDatabase.open(engine, bytes, segment);
  try {
    const first = sealed.first().seq;
    const { seq: last, hash: head } = sealed.last();
    const entry = { kind: "segment", first, last, head, digest: digest.digest("hex") } as const;
    yield* underLock(lock, () => {
      chain.catchUp();
      if ((chain.sealed?.seq ?? -1) < last) chain.appendSegment(entry, timestamp());
    });
  } finally {
    sealed.close();
  }
}
