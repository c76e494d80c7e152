import { setTimeout as pause } from "node:timers/promises";

import { describe, expect, it } from "vitest";

import { AuditLog } from "../../src/audit/log.ts";
import { verifyLog } from "../../src/audit/verify.ts";
import { WriterProcess } from "./child.ts";
import { decision, newLogPath, storedEntries } from "./sample-log.ts";
import type { WriterOrders } from "./writer-process.ts";

interface Figures {
  rounds: number;
  acknowledged: number;
  lost: number;
}

/** Rounds that go on with the same log, so that it has been through many crashes in the end. */
const ROUNDS_PER_LOG = 20;

async function killInALoop(rounds: number, writers: number, orders: Partial<WriterOrders>): Promise<Figures> {
  const figures = { rounds: 0, acknowledged: 0, lost: 0 };
  let path = newLogPath();
  const known = new Map<number, string>();
  for (let round = 0; round < rounds; round += 1) {
    if (round % ROUNDS_PER_LOG === 0) {
      path = newLogPath();
      known.clear();
    }
    const children = Array.from({ length: writers }, () => new WriterProcess({ path, appends: -1, ...orders }));
    // Some die before they have written anything.
    if (round % 10 !== 9) await Promise.all(children.map((child) => child.says(" ")));
    for (const child of children) {
      await pause(5 + (Math.random() * 145) / writers);
      await child.killed();
      for (const { seq, hash } of child.acknowledged) known.set(seq, hash);
      figures.acknowledged += child.acknowledged.length;
    }
    figures.lost += await lostAfterReopening(path, known);
    figures.rounds += 1;
  }
  return figures;
}

/** Opens what the crash left, appends to it, verifies it; answers how many of the known entries are not there. */
async function lostAfterReopening(path: string, known: Map<number, string>): Promise<number> {
  const before = await verifyLog(path);
  if (known.size > 0) expect(before.problems).toEqual([]);
  const log = new AuditLog(path);
  const { seq, hash } = await log.append(decision({ actor: "survivor" }));
  known.set(seq, hash);
  expect((await verifyLog(path)).problems).toEqual([]);
  await log.close();
  const after = await verifyLog(path);
  expect(after.problems).toEqual([]);
  expect(after.intact).toBe(true);
  const stored = new Map(storedEntries(path).map((each) => [each.seq, each.hash]));
  return [...known].filter(([place, digest]) => stored.get(place) !== digest).length;
}

describe("kill -9", () => {
  it.each<[string, number, number, Partial<WriterOrders>]>([
    ["one writer", 200, 1, { together: 20, text: 3_000 }],
    [
      "one writer that folds and seals all the time",
      100,
      1,
      { together: 20, text: 300, reopenEvery: 25, segmentEntries: 60 },
    ],
    ["three writers", 100, 3, { together: 20, text: 1_000 }],
    [
      "three writers that fold and seal all the time",
      100,
      3,
      { together: 10, text: 300, reopenEvery: 25, segmentEntries: 60 },
    ],
  ])("of %s loses nothing that was acknowledged, and the log always opens", async (name, rounds, writers, orders) => {
    const figures = await killInALoop(rounds, writers, orders);
    process.stdout.write(`kill -9, ${name}: ${JSON.stringify(figures)}\n`);
    expect(figures).toMatchObject({ rounds, lost: 0 });
    expect(figures.acknowledged).toBeGreaterThan(rounds);
  });
});
