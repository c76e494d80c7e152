import { describe } from "vitest";

import { database, newPostgresLog } from "../audit/stores.ts";
import { underTest } from "./log-under-test.ts";

describe.skipIf(database === undefined)("in PostgreSQL", async () => {
  underTest.newLog = () => newPostgresLog(database);
  // The same suite: its tests are those of this file, too.
  await import("./approvals.test.ts");
});
