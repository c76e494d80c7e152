import { describe, expect, it } from "vitest";

import { ourVerdict, putLog } from "./both-verifiers.ts";
import { join } from "node:path";
import { temporaryDirectory } from "./sample-log.ts";
import * as tampered from "./tampered-logs.ts";

// In the fast suite the independent verifier's tests go through the same tables; these need no Python, and Stryker runs them.
describe("verification finds", () => {
  it.each([
    ["values replaced", tampered.values],
    ["rows deleted, exchanged, doubled and numbered anew", tampered.rows],
    ["other schemas, and files that are no log", tampered.files],
    ["entries made anew with hashes that fit", tampered.entries],
    ["changed tails", tampered.tails],
    ["segments removed, changed, exchanged and renamed", tampered.segments],
  ])("%s", async (_name, table) => {
    const directory = temporaryDirectory();
    const { each } = await table();
    for (const [index, { name, files, broken }] of each.entries()) {
      const verdict = await ourVerdict(putLog(join(directory, String(index)), files()), []);
      if (typeof broken === "number") expect(verdict, name).toEqual({ broken });
      else if (broken === "somewhere") expect(verdict, name).toHaveProperty("broken");
    }
  });
});
