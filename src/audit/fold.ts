/**
 * Folding: moving the tail's entries into the database. The new database is built in memory in small slices, away from
 * any caller's path, written beside the old one, and put in place by rename under the log's lock. It is idempotent: a
 * fold that is interrupted, or overtaken by another process's, leaves the log as it was.
 */

import { setImmediate as nextTurn } from "node:timers/promises";

import { AuditCorruptError } from "../errors.ts";
import { linkProblem, type Chain } from "./chain.ts";
import { EntryDatabase, type Engine } from "./database.ts";
import type { Head } from "./entry.ts";
import { isSameFile, type AuditFiles, type FileIdentity } from "./files.ts";
import type { LogLock } from "./lock.ts";
import { parseTailLine, splitTail } from "./tail.ts";
import { tailPath, type TailFile } from "./tail-file.ts";

/** One piece of work that can be done at once, or without blocking the event loop. */
interface Step {
  readonly now: () => void;
  readonly later: () => Promise<void>;
}

/** Between slices: others may run. */
const PAUSE: Step = { now: () => {}, later: async () => await nextTurn() };

/** Rows inserted in one go, about two milliseconds. */
const SLICE = 64;

/** What is folded, and with what. */
export interface FoldContext {
  readonly files: AuditFiles;
  readonly engine: Engine;
  readonly path: string;
  readonly lock: LogLock;
  readonly chain: Chain;
}

/** Folds the chain's tail, letting others run in between. */
export async function foldLater(context: FoldContext): Promise<void> {
  for (const step of foldSteps(context)) await step.later();
}

/** Folds the chain's tail at once, for the end of the process. */
export function foldNow(context: FoldContext): void {
  for (const step of foldSteps(context)) step.now();
}

function* foldSteps({ files, engine, path, lock, chain }: FoldContext): Generator<Step, void> {
  const tail = chain.tail;
  const base = chain.database;
  if (tail === undefined || base === undefined) return;
  const known = tail.size;
  const database = EntryDatabase.open(engine, files.readFile(path), path);
  const made = lock.ownName("database");
  try {
    const folded = yield* insert(database, tail, path);
    yield* write(files, made, base, database.export());
    const place = (): void => {
      chain.catchUp();
      // Overtaken: another process has folded meanwhile, and our copy lacks what it had.
      if (chain.tail !== tail || !isSameFile(chain.database, base)) return;
      chain.replaceDatabase(made, folded, known);
    };
    yield { now: () => lock.holdNow(place), later: async () => await lock.hold(place) };
  } finally {
    database.close();
    if (files.identify(made) !== undefined) files.unlink(made);
  }
}

/** Inserts what the database lacks, each entry checked against the one before; answers the last. */
function* insert(database: EntryDatabase, tail: TailFile, path: string): Generator<Step, Head> {
  let head: Head = database.last();
  const lines = splitTail(tail.read(0)).lines.slice(1);
  for (const [index, line] of lines.entries()) {
    const stored = parseTailLine(line);
    if (stored === undefined) throw new AuditCorruptError(path, `line ${index + 2} of ${tailPath(path)} is damaged`);
    if (stored.seq <= head.seq) continue;
    const problem = linkProblem(stored, head, tail.header.log);
    if (problem !== undefined)
      throw new AuditCorruptError(path, `entry ${stored.seq}: ${problem}`, { seq: stored.seq });
    database.append(stored);
    head = { seq: stored.seq, hash: stored.hash };
    if (index % SLICE === SLICE - 1) yield PAUSE;
  }
  return head;
}

function* write(files: AuditFiles, name: string, like: FileIdentity, bytes: Uint8Array): Generator<Step, void> {
  const fd = files.create(name, like);
  try {
    files.append(fd, bytes);
    yield { now: () => files.sync(fd), later: async () => await files.syncLater(fd) };
  } finally {
    files.close(fd);
  }
}
