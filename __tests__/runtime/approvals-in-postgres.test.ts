import { beforeAll, describe } from "vitest";

import { logDatabase, newPostgresLog } from "../audit/stores.ts";
import { underTest } from "./log-under-test.ts";

const database = await logDatabase();

describe.skipIf(database === undefined)("in PostgreSQL", async () => {
  beforeAll(() => void (underTest.newLog = () => newPostgresLog(database)));
  // The same suites: their tests are those of this file, too.
  describe("approvals", async () => void (await import("./approvals.test.ts")));
  describe("forged approvals", async () => void (await import("./forged-approvals.test.ts")));
});
