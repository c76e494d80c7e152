import { setTimeout as pause } from "node:timers/promises";

import { Client } from "pg";
import { describe, expect, it, onTestFinished } from "vitest";

import { AuditLog } from "../../../src/audit/log.ts";
import { prepared, request } from "../recorded-approvals.ts";
import { decision } from "../sample-log.ts";
import { logDatabase, nameOf, newPostgresLog, sql } from "../stores.ts";

const database = await logDatabase();

/** How often the table of entries was read as a whole, and how often by an index. */
async function scans(): Promise<{ readonly whole: number; readonly indexed: number }> {
  const text = "SELECT seq_scan AS whole, idx_scan AS indexed FROM pg_stat_user_tables WHERE relname = 'entries'";
  const [row] = await sql<{ whole: string; indexed: string }>(text);
  return { whole: Number(row?.whole), indexed: Number(row?.indexed) };
}

describe.skipIf(database === undefined)("a session that begins while there are few entries", () => {
  it("does not read all of them for each append, however many they become", async () => {
    const location = newPostgresLog(database);
    const first = new AuditLog(location);
    await first.append(decision());
    await first.close();
    await sql("ANALYZE capfence.entries, capfence.logs");
    const before = await scans();
    // Two that don't know each other's entries, so that these are looked up.
    const logs = [new AuditLog(location), new AuditLog(`${location}&application_name=other`)];
    for (let n = 0; n < 20; n += 1) await logs[n % 2]?.append(decision());
    for (const log of logs) await log.close();
    // The server counts what a session did when that has ended.
    for (;;) {
      const { whole, indexed } = await scans();
      // Once for each that was opened.
      expect(whole - before.whole).toBeLessThanOrEqual(logs.length);
      if (indexed - before.indexed >= 20) break;
      await pause(10);
    }
  });
});

/** How many rows of the table of entries the server fetched for a page of that many, after an entry. */
async function fetched(client: Client, log: string, after: number, most: number): Promise<number> {
  await client.query("BEGIN");
  const hash =
    "SELECT hash FROM capfence.entries WHERE seq = $2 AND log = (SELECT id FROM capfence.logs WHERE name = $1)";
  const { rows: found } = await client.query<{ hash: string }>(hash, [log, after]);
  // What the transaction itself did, as it stands.
  const count = "SELECT seq_tup_read + idx_tup_fetch AS rows FROM pg_stat_xact_user_tables WHERE relname = 'entries'";
  const before = await client.query<{ rows: string }>(count);
  const page = "SELECT FROM capfence.approvals_after($1, $2, $3, $4, 1000000)";
  const { rows } = await client.query(page, [log, after, found[0]?.hash, most]);
  expect(rows).toHaveLength(most);
  const { rows: counted } = await client.query<{ rows: string }>(count);
  await client.query("ROLLBACK");
  return Number(counted[0]?.rows) - Number(before.rows[0]?.rows);
}

describe.skipIf(database === undefined)("a page of what is recorded about approvals", () => {
  it("costs no more than what is on it, for a session that began while there was little, too", async () => {
    const location = newPostgresLog(database);
    const logs = [location, newPostgresLog(database)].map((each) => new AuditLog(each));
    const grow = async (count: number): Promise<void> => {
      const kinds = Array.from({ length: count }, (_, n) => [prepared(request(0, `request ${n}`)), decision()]);
      await Promise.all(logs.flatMap((log) => kinds.flat().map(async (entry) => await log.append(entry))));
    };
    await grow(3);
    await sql("ANALYZE capfence.entries, capfence.logs");
    const [early, late] = [new Client({ connectionString: database }), new Client({ connectionString: database })];
    onTestFinished(async () => {
      for (const each of [early, late]) await each.end();
      for (const log of logs) await log.close();
    });
    await early.connect();
    // As often as makes the server keep its plan.
    for (let n = 0; n < 10; n += 1) await fetched(early, nameOf(location), 1, 2);
    await grow(600);
    await late.connect();
    for (const client of [early, late]) {
      for (const after of [1, 501, 1_101]) {
        // The page, and the entry that it comes after.
        expect(await fetched(client, nameOf(location), after, 20)).toBe(21);
      }
      await sql("ANALYZE capfence.entries, capfence.logs");
    }
    expect(await fetched(late, nameOf(location), 501, 20)).toBe(21);
  });
});
