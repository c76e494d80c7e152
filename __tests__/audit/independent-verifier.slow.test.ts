import { describe, it } from "vitest";

import { expectAgreement, hasPython } from "./both-verifiers.ts";
import * as tampered from "./tampered-logs.ts";

describe.skipIf(!hasPython)("the independent verifier (needs python3) agrees with ours", () => {
  it.each([
    ["every value replaced", tampered.values],
    ["every row deleted, exchanged, doubled and numbered anew", tampered.rows],
    ["entries made anew in every way", tampered.entries],
    ["tails changed in every way", tampered.tails],
    ["segments and the entries that name them changed in every way", tampered.segments],
  ])("on %s", async (_name, table) => {
    const { each, wide } = await table();
    await expectAgreement([...each, ...wide]);
  });

  it("on 10,000 logs with random bytes changed", async () => {
    for (let part = 0; part < 10; part += 1) await expectAgreement((await tampered.flips(1_000)).each);
  });
});
