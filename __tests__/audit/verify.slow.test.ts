import { describe, it } from "vitest";

import { expectHonestHistoriesIntact } from "./histories.ts";

describe("verification", () => {
  it("accuses none of 10,000 honest histories", async () => {
    await expectHonestHistoriesIntact(10_000);
  });
});
