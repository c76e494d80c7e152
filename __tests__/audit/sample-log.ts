/** Logs in temporary directories: made through the code under test, read back without it. */

import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import initSqlJs, { type Database, type SqlValue } from "sql.js";
import { expect, onTestFinished } from "vitest";

import type { Head, OutcomeStatus, PreparedEntry } from "../../src/audit/format/entry.ts";
import { AuditLog } from "../../src/audit/log.ts";
import { decisionEntry, recordedEvent, outcomeEntry, type RecordingOptions } from "../../src/audit/recording/record.ts";
import { ActionEvent, type ActionEventFields, type Decision } from "../../src/event.ts";

const sql = await initSqlJs();

/** A digest that stands for a policy's. */
const POLICY_DIGEST = "ab".repeat(32);

/** A new directory that is gone when the test is. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "capfence-audit-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** The path of a log that does not exist yet, alone in a new directory. */
export function newLogPath(): string {
  return join(temporaryDirectory(), "audit.db");
}

/** The names beside a log, itself included. */
export function filesBeside(path: string): string[] {
  return readdirSync(join(path, "..")).toSorted();
}

const ALLOWED: Decision = {
  decision: "allow",
  reason: "policy_allow",
  rule: { id: "allow[0]", section: "allow", index: 0, source: { file: "policy.yaml", line: 3 } },
};

/** An event of the agent `agent-1`, unless `fields` say otherwise. */
function sampleEvent(fields: Partial<ActionEventFields> = {}): ActionEvent {
  return ActionEvent.create({ actor: "agent-1", action: "read", resource: "file", environment: "test", ...fields });
}

/** A decision ready for appending. */
export function decision(
  fields: Partial<ActionEventFields> = {},
  { verdict = ALLOWED, recording = {} }: { readonly verdict?: Decision; readonly recording?: RecordingOptions } = {},
): PreparedEntry {
  return decisionEntry(
    recordedEvent(sampleEvent(fields), recording),
    verdict,
    verdict.decision === "allow",
    POLICY_DIGEST,
  );
}

/** The outcome of the decision at `of`, ready for appending. */
export function outcome(of: Head, status: OutcomeStatus = "finished"): PreparedEntry {
  const verdict = { ...ALLOWED, authorized: true, enforced: true, eventId: "event", entry: of };
  return outcomeEntry(sampleEvent(), verdict, { status, durationMs: 1.5, output: "done" });
}

/** Writes a log of five entries in which every column has a value somewhere and none somewhere; closed if `close`. */
export async function writeSample(path: string, log: AuditLog = new AuditLog(path)): Promise<AuditLog> {
  const first = await log.append(
    decision({ payload: { path: "/tmp/é 😀", sizes: [1, 2.5, 1e21] }, context: { a: 1 } }),
  );
  await log.append(outcome(first));
  await log.append(decision({ actor: "агент", scope: "eu", risk: 3 }, { verdict: DENIED }));
  await log.append(decision({ payload: { n: 4 } }, { recording: { payload: "none" } }));
  return log;
}

const DENIED: Decision = { decision: "deny", reason: "policy_default_deny" };

/** The files of {@link writeSample}'s log, after closing it, or while all but the genesis entry lies in the tail. */
export async function sampleFiles(): Promise<{
  readonly closed: Buffer;
  readonly genesis: Buffer;
  readonly tail: Buffer;
}> {
  const directory = mkdtempSync(join(tmpdir(), "capfence-audit-"));
  try {
    const path = join(directory, "audit.db");
    const log = await writeSample(path);
    const genesis = readFileSync(path);
    const tail = readFileSync(`${path}-tail`);
    await log.close();
    return { closed: readFileSync(path), genesis, tail };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Puts files with these bytes into a new directory; answers the log's path. */
export function placeLog(database: Uint8Array, tail?: Uint8Array): string {
  const path = newLogPath();
  writeFileSync(path, database);
  if (tail !== undefined) writeFileSync(`${path}-tail`, tail);
  return path;
}

/** Runs `work` on the database in `bytes`; answers what `work` does. */
export function withDatabase<T>(bytes: Uint8Array, work: (database: Database) => T): T {
  // sql.js changes the buffer it is given.
  const database = new sql.Database(Uint8Array.from(bytes));
  try {
    return work(database);
  } finally {
    database.close();
  }
}

/** The rows that a query of the file at `path` gives. */
export function query(path: string, text: string): SqlValue[][] {
  return withDatabase(readFileSync(path), (database) => database.exec(text)[0]?.values ?? []);
}

/** An entry's stored form, nothing of it checked. */
export interface Stored {
  readonly seq: number;
  readonly hash: string;
  readonly body: string;
}

/** What lies in a log's segments, its database and its tail, in that order; an entry that lies in two of them once. */
export function storedEntries(path: string): Stored[] {
  const segments = filesBeside(path)
    .filter((name) => /^audit\.db\.[0-9a-f]{8}\.\d+$/.test(name))
    .map((name) => join(path, "..", name));
  const found = new Map<number, Stored>();
  for (const file of [...segments, path]) {
    for (const [seq, hash, body] of query(file, "SELECT seq, hash, body FROM entries")) {
      found.set(Number(seq), { seq: Number(seq), hash: String(hash), body: String(body) });
    }
  }
  for (const stored of tailEntries(path)) found.set(stored.seq, stored);
  return [...found.values()].toSorted((left, right) => left.seq - right.seq);
}

function tailEntries(path: string): Stored[] {
  if (!existsSync(`${path}-tail`)) return [];
  // What follows the last line feed is an unfinished write.
  const lines = readFileSync(`${path}-tail`, "utf8").split("\n").slice(1, -1);
  return lines.map((line) => {
    const body = line.slice(65);
    const { seq } = JSON.parse(body) as { seq: number };
    return { seq, hash: line.slice(0, 64), body };
  });
}

/** Expects the entries at `path` to be one chain; answers them. */
export function expectOneChain(path: string): readonly Stored[] {
  return expectChained(storedEntries(path));
}

/** Expects entries to be one chain from 0 on, each hash the SHA-256 of its bytes; answers them. */
export function expectChained(stored: readonly Stored[]): readonly Stored[] {
  let prev = "0".repeat(64);
  for (const [place, { seq, hash, body }] of stored.entries()) {
    expect(seq).toBe(place);
    expect(hash).toBe(createHash("sha256").update(body, "utf8").digest("hex"));
    expect(JSON.parse(body)).toMatchObject({ seq: place, prev });
    prev = hash;
  }
  return stored;
}
