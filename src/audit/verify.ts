/**
 * Verification: every entry against its hash, its place and the entry before it; every column and the schema against
 * the entries; the tail against the database; every segment against the entry that names it. Nothing is written.
 */

import { setImmediate as nextTurn } from "node:timers/promises";

import { AuditCorruptError } from "../errors.ts";
import { ChainCheck } from "./chain-check.ts";
import type { Anchor } from "./checkpoint.ts";
import { EntryDatabase, withDatabase } from "./database.ts";
import { sha256, soundEntry } from "./entry.ts";
import { nodeFiles } from "./files.ts";
import type { VerifyProblem } from "./findings.ts";
import { readIfThere, readLogBytes } from "./read.ts";
import { realLogPath } from "./real-path.ts";
import { listSegments } from "./segments.ts";
import { loadEngine, type Engine } from "./sqlite.ts";
import { parseTailHeader, splitTail } from "./tail.ts";

/** What {@link verifyLog} found. */
export interface VerifyReport {
  /** Whether nothing is wrong. A plain chain can't notice that its end was cut, or that all of it was made anew. */
  readonly intact: boolean;
  /** Decisions and outcomes that were read; what the log keeps for itself is not counted. */
  readonly entries: number;
  /** The first entry that is there, when those before it are absent because their segments lie elsewhere. */
  readonly from?: number;
  /** The last entry. A copy that was made without its tail shows here. */
  readonly last?: { readonly seq: number; readonly ts: string };
  /** The latest entry that a given checkpoint vouches for, and who signed that. */
  readonly anchor?: { readonly seq: number; readonly signedBy: readonly string[] };
  /** Decisions that let a call through and have no outcome: the call was not made through a tool, or its end is unknown. */
  readonly withoutOutcome: number;
  /** Outcomes of calls that no decision in this log let through. */
  readonly withoutDecision: number;
  /** What is wrong, in the order of the log; at most 100. */
  readonly problems: readonly VerifyProblem[];
  /** What is worth knowing and no fault: an unfinished write at the end, as a crash leaves it. */
  readonly warnings: readonly string[];
}

/** What a log is to be held against. */
export interface VerifyOptions {
  /** Checkpoints of it whose signatures were verified. */
  readonly anchors?: readonly Anchor[];
  /** Entries, the genesis entry included, that must at least be there, and be vouched for if there are anchors. */
  readonly minSize?: number;
}

/**
 * Verifies the log at `path`, as a stream: one part of it is in memory at a time.
 *
 * @throws AuditUnavailableError when there is no log at `path`, it can't be read, or it is of a newer format.
 */
export async function verifyLog(path: string, options: VerifyOptions = {}): Promise<VerifyReport> {
  const engine = await loadEngine();
  const check = new ChainCheck(options.anchors ?? []);
  try {
    await checkParts(engine, realLogPath(path), check);
  } catch (error) {
    if (!AuditCorruptError.isInstance(error)) throw error;
    check.findings.problem(error.seq, error.message);
  }
  check.end(options.minSize ?? 0);
  const { findings, entries, last, parts, anchors, outcomes } = check;
  return {
    intact: findings.problems.length === 0,
    entries,
    ...(parts.from !== undefined && { from: parts.from }),
    ...(last !== undefined && { last }),
    ...(anchors.latest !== undefined && { anchor: anchors.latest }),
    withoutOutcome: outcomes.withoutOutcome,
    withoutDecision: outcomes.withoutDecision,
    problems: findings.problems,
    warnings: findings.warnings,
  };
}

async function checkParts(engine: Engine, path: string, check: ChainCheck): Promise<void> {
  const { tail, database } = readLogBytes(path);
  const tailLines = tail === undefined ? undefined : splitTail(tail);
  const header = parseTailHeader(tailLines?.lines[0]);
  const log = logIdentity(engine, database, path) ?? header?.log;
  for (const segment of log === undefined ? [] : listSegments(nodeFiles, path, log)) {
    const bytes = readIfThere(segment.path);
    if (bytes === undefined) continue;
    check.segment(segment.name, segment.first, sha256(bytes));
    await checkRows(engine, bytes, segment.path, check);
  }
  check.parts.database();
  await checkRows(engine, database, path, check);
  if (tailLines !== undefined) check.tail(tailLines.lines, header, tailLines.rest);
}

async function checkRows(engine: Engine, bytes: Buffer, path: string, check: ChainCheck): Promise<void> {
  for (const suffix of ["-journal", "-wal"]) {
    if (nodeFiles.identify(`${path}${suffix}`) !== undefined) {
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
      // Others may run in between: a log can be verified in the process that writes it.
      if (rows % 1024 === 0) await nextTurn();
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
  } catch (error) {
    // What is wrong with the database is reported when its rows are checked.
    if (!AuditCorruptError.isInstance(error)) throw error;
    return undefined;
  }
}
