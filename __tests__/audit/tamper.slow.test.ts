import { describe, expect, it } from "vitest";

import {
  expectCutsUnfinished,
  expectFlipsFound,
  expectFlipsOfTailFound,
  expectRandomFlipsFound,
  largerFiles,
} from "./flips.ts";
import { sampleFiles } from "./sample-log.ts";

const { closed, genesis, tail } = await sampleFiles();

it("a tail cut anywhere in its last entry is an unfinished write, and said to be one", async () => {
  await expectCutsUnfinished(genesis, tail, 1);
});

describe("a flipped byte", () => {
  it("of the database never passes for what was recorded", async () => {
    const { changing, without } = await expectFlipsFound(closed, 1);
    expect(changing).toBeGreaterThan(closed.length / 2);
    expect(changing + without).toBe(closed.length * 2);
  });

  it("of the tail is found in the entry where the byte is", async () => {
    await expectFlipsOfTailFound(genesis, tail, 1);
  });

  it("of a larger log, 10,000 times anywhere, never passes for what was recorded", async () => {
    const counts = await expectRandomFlipsFound(await largerFiles(), 10_000);
    process.stdout.write(`10,000 flips of a larger log: ${JSON.stringify(counts)}\n`);
    expect(counts.changing).toBeGreaterThan(5_000);
  });
});
