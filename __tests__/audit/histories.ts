/** What can happen to a log without anybody doing wrong, made at random. */

import { appendFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as fc from "fast-check";
import { expect } from "vitest";

import { nodeFiles } from "../../src/audit/file/files.ts";
import { readEntries } from "../../src/audit/read.ts";
import { verifyLog } from "../../src/audit/verify.ts";
import { LogWriter } from "../../src/audit/file/writer.ts";
import { decision, expectOneChain, outcome } from "./sample-log.ts";

/** One opening of a log, from the first append to its end. */
interface Session {
  /** Writers of the same log, each as in a process of its own: they share nothing but the files. */
  readonly writers: number;
  /** What is appended, each group at the same time. */
  readonly groups: readonly (readonly object[])[];
  /** Milliseconds the clock moves at each append, back or forth. */
  readonly clock: readonly number[];
  /** How it ends; a crash leaves so many bytes of an entry that nobody was told of. */
  readonly end: "close" | { readonly torn: number };
}

interface History {
  readonly sessions: readonly Session[];
  /** Entries at which a database is sealed. */
  readonly segmentEntries: number;
}

const text = fc.string({ unit: "grapheme", maxLength: 40 });

const session: fc.Arbitrary<Session> = fc.record({
  writers: fc.integer({ min: 1, max: 3 }),
  groups: fc.array(
    fc.array(fc.dictionary(text, fc.oneof(text, fc.double(), fc.constant(null))), { minLength: 1, maxLength: 5 }),
    {
      minLength: 1,
      maxLength: 4,
    },
  ),
  clock: fc.array(fc.integer({ min: -1e9, max: 1e9 }), { minLength: 1, maxLength: 5 }),
  end: fc.oneof(
    { weight: 2, arbitrary: fc.constant("close" as const) },
    { weight: 1, arbitrary: fc.record({ torn: fc.nat(400) }) },
  ),
});

const history: fc.Arbitrary<History> = fc.record({
  sessions: fc.array(session, { minLength: 1, maxLength: 5 }),
  segmentEntries: fc.constantFrom(4, 12, 8_192),
});

/** Expects each of `runs` random histories to verify after each of its sessions, with all that was appended in it. */
export async function expectHonestHistoriesIntact(runs: number): Promise<void> {
  await fc.assert(fc.asyncProperty(history, live), { numRuns: runs });
}

async function live({ sessions, segmentEntries }: History): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "capfence-history-"));
  try {
    let home = join(directory, "0");
    mkdirSync(home);
    let appended = 0;
    for (const [index, { writers, groups, clock, end }] of sessions.entries()) {
      const path = join(home, "audit.db");
      const surroundings = { files: nodeFiles, now: ticking(clock), segmentEntries };
      const open = await Promise.all(Array.from({ length: writers }, () => LogWriter.open(path, surroundings)));
      for (const payloads of groups) appended += await appendTogether(open, payloads);
      const next = join(directory, String(index + 1));
      if (end === "close") await closeAll(open);
      else await crash(open, home, next, end.torn);
      if (end !== "close") home = next;
      await expectIntact(join(home, "audit.db"), appended);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function ticking(steps: readonly number[]): () => number {
  let time = 1_700_000_000_000;
  let calls = 0;
  return () => (time += steps[calls++ % steps.length] ?? 0);
}

/** Appends decisions at the same time, by one writer after the other, and then the first one's outcome. */
async function appendTogether(writers: readonly LogWriter[], payloads: readonly object[]): Promise<number> {
  const by = (index: number): LogWriter => writers[index % writers.length] as LogWriter;
  const places = await Promise.all(payloads.map((payload, index) => by(index).append(decision({ payload }))));
  const [first] = places;
  if (first !== undefined) await by(payloads.length).append(outcome(first));
  return payloads.length + 1;
}

/** One beside the other: each folds while another still may. */
async function closeAll(writers: readonly LogWriter[]): Promise<void> {
  await Promise.all(writers.map(async (writer) => await writer.close()));
}

/** What killed processes leave is what lies in the directory now, and the beginning of one more line. */
async function crash(writers: readonly LogWriter[], home: string, next: string, torn: number): Promise<void> {
  cpSync(home, next, { recursive: true });
  await closeAll(writers);
  const tail = join(next, "audit.db-tail");
  if (!existsSync(tail)) return;
  const line = readFileSync(tail, "utf8").split("\n").at(-2) ?? "";
  appendFileSync(tail, Buffer.from(line, "utf8").subarray(0, torn));
}

async function expectIntact(path: string, appended: number): Promise<void> {
  const report = await verifyLog(path);
  expect(report.problems).toEqual([]);
  expect(report).toMatchObject({ intact: true, entries: appended });
  const stored = expectOneChain(path);
  expect(report.last?.seq).toBe(stored.length - 1);
  const read = [];
  for await (const { seq, hash, body } of readEntries(path)) read.push({ seq, hash, body });
  expect(read).toEqual(stored);
}
