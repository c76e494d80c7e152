/** Every byte of a log's files changed, one at a time. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";

import * as fc from "fast-check";
import { expect } from "vitest";

import { nodeFiles } from "../../src/audit/file/files.ts";
import { AuditLog } from "../../src/audit/log.ts";
import { verifyLog } from "../../src/audit/verify.ts";
import { AuditUnavailableError } from "../../src/errors.ts";
import { bytesOf, filesOf, ourVerdict, putLog, type Files } from "./both-verifiers.ts";
import { decision, newLogPath, placeLog, temporaryDirectory } from "./sample-log.ts";
import { contentOf, flipped } from "./tampering.ts";

const MASKS = [0x01, 0xff];

/**
 * Expects verification to end without an exception but {@link AuditUnavailableError}, and never to find a file intact
 * that says anything else than `database`. Answers how many flips changed what the file says, and how many did not.
 */
export async function expectFlipsFound(
  database: Buffer,
  step: number,
): Promise<{ readonly changing: number; readonly without: number }> {
  const path = placeLog(database);
  const original = contentOf(database);
  const counts = { changing: 0, without: 0 };
  for (let offset = 0; offset < database.length; offset += step) {
    for (const mask of MASKS) {
      const changed = flipped(database, offset, mask);
      writeFileSync(path, changed);
      const report = await verifyLog(path).catch((error: unknown) => {
        if (!AuditUnavailableError.isInstance(error)) throw error;
        return { intact: false };
      });
      const isSame = contentOf(changed) === original;
      if (!isSame) expect(report.intact, `byte ${offset} xor ${mask}`).toBe(false);
      counts[isSame ? "without" : "changing"] += 1;
    }
  }
  return counts;
}

/**
 * Expects every flip of `tail` to be found, in the entry where the byte is: entry N in line N. A flip in the first line
 * belongs to no entry.
 */
export async function expectFlipsOfTailFound(database: Buffer, tail: Buffer, step: number): Promise<void> {
  const path = placeLog(database, tail);
  const lines = tail.toString("utf8").split("\n").slice(0, -1);
  const lineOf = lines.flatMap((line, index) => Array.from({ length: Buffer.byteLength(line) + 1 }, () => index));
  expect(lineOf).toHaveLength(tail.length);
  for (let offset = 0; offset < tail.length; offset += step) {
    for (const mask of MASKS) {
      writeFileSync(`${path}-tail`, flipped(tail, offset, mask));
      const { intact, problems } = await verifyLog(path);
      const place = `byte ${offset} xor ${mask}`;
      expect(intact, place).toBe(false);
      expect(problems[0]?.seq, place).toBe(lineOf[offset] === 0 ? undefined : lineOf[offset]);
    }
  }
}

/** Expects `tail` cut within its last entry to be a log without it that has an unfinished write; every `step`th cut. */
export async function expectCutsUnfinished(database: Buffer, tail: Buffer, step: number): Promise<void> {
  const start = tail.lastIndexOf("\n", -2) + 1;
  const last = tail.toString("utf8").split("\n").length - 2;
  for (let size = start + 1; size < tail.length; size += step) {
    const report = await verifyLog(placeLog(database, tail.subarray(0, size)));
    expect(report).toMatchObject({ intact: true, entries: last - 1, last: { seq: last - 1 } });
    expect(report.warnings).toHaveLength(1);
    expect(report.warnings[0]).toContain(`${size - start} bytes`);
  }
}

/** A log of 400 decisions: two segments, a database and a tail. */
export async function largerFiles(): Promise<Files> {
  const path = newLogPath();
  const surroundings = { files: nodeFiles, now: Date.now, segmentEntries: 150 };
  for (let part = 0; part < 4; part += 1) {
    const log = new AuditLog(path, surroundings);
    await Promise.all(Array.from({ length: 100 }, (_, n) => log.append(decision({ payload: { n, text: "é😀" } }))));
    if (part < 3) await log.close();
    else {
      const files = filesOf(path);
      await log.close();
      return files;
    }
  }
  throw new Error("unreachable");
}

/**
 * Flips a byte at random, in any of a log's files, so many times. Expects verification to find each flip of a segment or
 * of the tail, and each of the database that changes what it says; and nothing ever but {@link AuditUnavailableError}.
 */
export async function expectRandomFlipsFound(
  files: Files,
  times: number,
): Promise<{ readonly changing: number; readonly without: number }> {
  const path = putLog(join(temporaryDirectory(), "log"), files);
  const names = Object.keys(files);
  const original = contentOf(bytesOf(files, "audit.db"));
  const counts = { changing: 0, without: 0 };
  const flip = fc.record({ name: fc.constantFrom(...names), place: fc.nat(), mask: fc.integer({ min: 1, max: 255 }) });
  const property = fc.asyncProperty(flip, async ({ name, place, mask }) => {
    const bytes = bytesOf(files, name);
    const changed = flipped(bytes, place % bytes.length, mask);
    writeFileSync(join(path, "..", name), changed);
    const verdict = await ourVerdict(path, []);
    writeFileSync(join(path, "..", name), bytes);
    const isSame = name === "audit.db" && contentOf(changed) === original;
    counts[isSame ? "without" : "changing"] += 1;
    if (!isSame)
      expect(typeof verdict === "string" || "broken" in verdict, `${name}: byte ${place % bytes.length}`).toBe(true);
  });
  await fc.assert(property, { numRuns: times });
  return counts;
}
