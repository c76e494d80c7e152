import { Pool } from "pg";
import { describe, expect, it, onTestFinished } from "vitest";

import { AuditLog } from "../../../src/audit/log.ts";
import type { PostgresClient, PostgresPool } from "../../../src/audit/postgres/target.ts";
import { verifyLog } from "../../../src/audit/verify.ts";
import { decision } from "../sample-log.ts";
import { logDatabase, nameOf, newPostgresLog } from "../stores.ts";

const database = await logDatabase();

/** The same pool; `tell` is told how many characters each answer has. */
function watched(pool: Pool, tell: (size: number) => void): PostgresPool {
  const connect = async (): Promise<PostgresClient> => {
    const client = await pool.connect();
    return {
      query: async (asked) => {
        const answer = await client.query(asked);
        tell(JSON.stringify(answer.rows ?? []).length);
        return answer;
      },
      on: (event, listener) => client.on(event as "error", listener),
      off: (event, listener) => client.off(event, listener),
      release: (destroy) => client.release(destroy),
    };
  };
  return { connect, on: (event, listener) => pool.on(event, listener) };
}

describe.skipIf(database === undefined)("a log of large entries", () => {
  it("is read a few megabytes at a time", async () => {
    const location = newPostgresLog(database);
    const log = new AuditLog(location);
    const payload = { text: "x".repeat(60_000) };
    await Promise.all(Array.from({ length: 150 }, async () => await log.append(decision({ payload }))));
    await log.close();
    const pool = new Pool({ connectionString: database });
    onTestFinished(async () => await pool.end());
    let largest = 0;
    const auditLog = { pool: watched(pool, (size) => (largest = Math.max(largest, size))), log: nameOf(location) };
    expect(await verifyLog(auditLog)).toMatchObject({ intact: true, entries: 150 });
    expect(largest).toBeLessThan(5_000_000);
  });
});
