import { describe, it } from "vitest";

import { expectHonestHistoriesIntact } from "./histories.ts";

describe("verification", () => {
  it("accuses none of thousands of honest histories", async () => {
    await expectHonestHistoriesIntact(2_000);
  });
});
