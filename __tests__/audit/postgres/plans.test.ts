import { setTimeout as pause } from "node:timers/promises";

import { describe, expect, it } from "vitest";

import { AuditLog } from "../../../src/audit/log.ts";
import { decision } from "../sample-log.ts";
import { logDatabase, newPostgresLog, sql } from "../stores.ts";

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
