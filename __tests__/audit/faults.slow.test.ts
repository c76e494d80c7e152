import { describe, expect, it } from "vitest";

import { expectToSurvive, faultsOf, SCRIPTS } from "./fault-scripts.ts";

describe("a file-system call that fails", () => {
  it.each(SCRIPTS)("in the life of $name, whichever it is and however, loses nothing", async (script) => {
    const faults = await faultsOf(script, ["EIO", "ENOSPC"]);
    expect(faults.length).toBeGreaterThan(200);
    for (const fault of faults) await expectToSurvive(script, fault);
  });

  it.each(SCRIPTS)("together with another one loses nothing ($name)", async (script) => {
    const faults = (await faultsOf(script, ["EIO"])).filter(({ method }) => method !== "close");
    const pairs = faults.flatMap((one, index) => faults.slice(index + 1).map((other) => [one, other] as const));
    const step = Math.ceil(pairs.length / 400);
    for (const [one, other] of pairs.filter((_, index) => index % step === 0))
      await expectToSurvive(script, one, other);
  });
});
