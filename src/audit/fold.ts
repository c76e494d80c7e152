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

/** Rows inserted in one go, about two milliseconds. */
const SLICE = 64;

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
  const full = yield* moveTail(context);
  if (full === undefined) return;
  yield* seal(context, full.first);
  yield* moveTail(context);
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

/** Moves what is in the tail into the database; answers the database's first entry when that is now full. */
function* moveTail(context: FoldContext): Steps<{ readonly first: number } | undefined> {
  const { files, lock, chain } = context;
  const start = yield* underLock(lock, () => {
    chain.catchUp();
    const { tail, sealed, database } = chain;
    return tail === undefined ? undefined : { tail, text: tail.read(0), known: tail.size, base: database, sealed };
  });
  if (start === undefined) return undefined;
  const { tail, text, known, base, sealed } = start;
  const made = lock.ownName("database");
  try {
    const { bytes, first, last } = yield* build(context, text, sealed);
    yield* write(files, made, base, bytes);
    const isPlaced = yield* underLock(lock, () => {
      chain.catchUp();
      // Overtaken: another process has folded meanwhile, and our copy lacks what it had.
      if (chain.tail !== tail || !isSameFile(chain.database, base)) return false;
      chain.replaceDatabase(made, last, known);
      return true;
    });
    const isFull = last.seq - first + 1 >= context.segmentEntries || bytes.length >= SEGMENT_BYTES;
    return isPlaced === true && isFull ? { first } : undefined;
  } finally {
    if (files.identify(made) !== undefined) files.unlink(made);
  }
}

interface BuiltDatabase {
  readonly bytes: Uint8Array;
  readonly first: number;
  readonly last: Head;
}

/** The database with the entries of the tail's `text` added, and without those that lie in a sealed segment. */
function* build(
  { files, engine, path, chain: { log } }: FoldContext,
  text: Buffer,
  sealed: Head | undefined,
): Steps<BuiltDatabase> {
  const base = EntryDatabase.open(engine, files.readFile(path), path);
  let database = base;
  try {
    let last: Head = base.last();
    if (sealed !== undefined && base.first().seq <= sealed.seq) {
      database = EntryDatabase.create(engine, path);
      last = yield* append(database, path, log, sealed, base.entries());
    }
    last = yield* append(database, path, log, last, parsed(text, path));
    return { first: database.first().seq, last, bytes: database.export() };
  } finally {
    base.close();
    if (database !== base) database.close();
  }
}

function* parsed(text: Buffer, path: string): Generator<StoredEntry> {
  for (const [index, line] of splitTail(text).lines.entries()) {
    if (index === 0) continue;
    const stored = parseTailLine(line);
    if (stored === undefined) throw new AuditCorruptError(path, `line ${index + 1} of ${tailPath(path)} is damaged`);
    yield stored;
  }
}

/** Appends those of `entries` that lie behind `head`, each checked against the one before; answers the new head. */
function* append(
  database: EntryDatabase,
  path: string,
  log: string,
  head: Head,
  entries: Iterable<StoredEntry>,
): Steps<Head> {
  let last = head;
  let count = 0;
  for (const stored of entries) {
    if (stored.seq <= last.seq) continue;
    const problem = linkProblem(stored, last, log);
    if (problem !== undefined)
      throw new AuditCorruptError(path, `entry ${stored.seq}: ${problem}`, { seq: stored.seq });
    database.append(stored);
    last = { seq: stored.seq, hash: stored.hash };
    count += 1;
    if (count % SLICE === 0) yield PAUSE;
  }
  return last;
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
