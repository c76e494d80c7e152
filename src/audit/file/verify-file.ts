/**
 * Verification of a log in files: every column and the schema against the entries; the tail against the database; every
 * segment against the entry that names it.
 */

import { lstatSync } from "node:fs";

import { AuditCorruptError, AuditUnavailableError } from "../../errors.ts";
import type { ChainCheck } from "../checks/chain-check.ts";
import { EntryDatabase, withDatabase } from "./database.ts";
import { sha256, soundEntry } from "../format/entry.ts";
import { explainFileError, isUntouched, nodeFiles } from "./files.ts";
import { identifyFile, ReadingSpace, readLogBytes } from "./read-file.ts";
import { listSegments, type SegmentFile } from "./segments.ts";
import { loadEngine, type Engine } from "./sqlite.ts";
import { parseTailHeader, splitTail, type TailHeader, type TailLines } from "../format/tail.ts";

/**
 * Gives what lies at a real path to `check`, part by part; yields every few rows.
 *
 * @throws AuditUnavailableError when there is no log, it can't be read, or it is of a newer format.
 * @throws AuditCorruptError when nothing more can be read, because of what is there.
 */
export async function* checkFiles(path: string, check: ChainCheck): AsyncGenerator<void> {
  const engine = await loadEngine();
  const { tailLines, header, database, segments } = readParts(engine, path);
  const space = new ReadingSpace();
  for (const segment of segments) {
    const bytes = space.read(segment.path);
    if (bytes === undefined) continue;
    check.segment(segment.name, segment.first, sha256(bytes));
    yield* checkRows(engine, bytes, segment.path, check);
  }
  check.parts.database();
  yield* checkRows(engine, database, path, check);
  check.databaseRead();
  if (tailLines !== undefined) check.tail(tailLines.lines, header, tailLines.rest);
}

/** Few enough that what was made of them is garbage while it is young, which costs least. */
const FEW_ROWS = 64;

/** What lies at a path at one moment. */
interface LogParts {
  readonly database: Buffer;
  readonly tailLines: TailLines | undefined;
  readonly header: TailHeader | undefined;
  readonly segments: readonly SegmentFile[];
}

/** A log that is folded again and again while we read it is judged by what we have read. */
const MAX_READS = 10;

/** If the database was replaced while we looked, we look again. */
function readParts(engine: Engine, path: string): LogParts {
  for (let reads = 1; ; reads += 1) {
    const { identity, tail, database } = readLogBytes(path);
    const tailLines = tail === undefined ? undefined : splitTail(tail);
    const header = parseTailHeader(tailLines?.lines[0]);
    const log = logIdentity(engine, database, path) ?? header?.log;
    const segments = log === undefined ? [] : listSegments(nodeFiles, path, log);
    if (isUntouched(identifyFile(path), identity) || reads === MAX_READS) {
      return { database, tailLines, header, segments };
    }
  }
}

/** Whether anything has that name, be it a link that leads nowhere. */
function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    throw new AuditUnavailableError(path, explainFileError(error), { cause: error });
  }
}

function* checkRows(engine: Engine, bytes: Buffer, path: string, check: ChainCheck): Generator<void> {
  for (const suffix of ["-journal", "-wal"]) {
    if (isThere(`${path}${suffix}`)) {
      check.findings.problem(undefined, `${path}${suffix} would make other SQLite readers see something else`);
    }
  }
  let database: EntryDatabase | undefined;
  try {
    database = EntryDatabase.open(engine, bytes, path);
    const structure = database.structureProblem();
    if (structure !== undefined)
      check.findings.problem(undefined, `the structure of ${path} is damaged (${structure})`);
    let rows = 0;
    for (const row of database.rows()) {
      check.row(row);
      if (rows % FEW_ROWS === 0) yield;
      rows += 1;
    }
  } catch (error) {
    // One damaged file is no reason not to look at the others.
    if (!AuditCorruptError.isInstance(error)) throw error;
    check.findings.problem(error.seq, error.message);
  } finally {
    database?.close();
  }
}

/** The log's identity as the first sound entry of the database gives it. */
function logIdentity(engine: Engine, bytes: Buffer, path: string): string | undefined {
  try {
    return withDatabase(engine, Buffer.from(bytes), path, (database) => {
      for (const { hash, body } of database.rows()) {
        const stored = soundEntry(hash, body);
        if (stored !== undefined) return stored.entry.log;
      }
      return undefined;
    });
  } catch {
    // What is wrong with the database is told when its rows are checked.
  }
  return undefined;
}
