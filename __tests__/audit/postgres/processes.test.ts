import { describe, it } from "vitest";

import { logDatabase, newPostgresLog } from "../stores.ts";
import { writeTogether } from "./many-processes.ts";

const database = await logDatabase();

describe.skipIf(database === undefined)("processes that append at the same time", () => {
  it("to one log and to another make one chain of each, with everything in it", async () => {
    const [one, other] = [newPostgresLog(database), newPostgresLog(database)];
    await writeTogether([one, one, other], { appends: 150, together: 8 });
  });
});
