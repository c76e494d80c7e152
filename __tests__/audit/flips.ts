/** Every byte of a log's files changed, one at a time. */

import { writeFileSync } from "node:fs";

import { expect } from "vitest";

import { verifyLog } from "../../src/audit/verify.ts";
import { AuditUnavailableError } from "../../src/errors.ts";
import { placeLog } from "./sample-log.ts";
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
