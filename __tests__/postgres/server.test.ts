import { Client } from "pg";
import { describe, expect, it } from "vitest";

import { emptyDatabase } from "./database.ts";

const url = await emptyDatabase();

describe.skipIf(url === undefined)("the test server", () => {
  it("answers from an empty database of this file's own", async () => {
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
      const { rows } = await client.query<{ name: string; tables: string }>(
        "SELECT current_database() AS name, (SELECT count(*) FROM pg_tables WHERE schemaname = 'public') AS tables",
      );
      expect(rows).toEqual([{ name: new URL(url as string).pathname.slice(1), tables: "0" }]);
    } finally {
      await client.end();
    }
  });
});
