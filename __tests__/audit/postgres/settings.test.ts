import { setTimeout as pause } from "node:timers/promises";

import { Pool, type CustomTypesConfig, type PoolConfig } from "pg";
import { describe, expect, it, onTestFinished } from "vitest";

import { copyLog } from "../../../src/audit/copy.ts";
import { AuditLog } from "../../../src/audit/log.ts";
import type { PostgresClient, PostgresLocation } from "../../../src/audit/postgres/target.ts";
import { readEntries } from "../../../src/audit/read.ts";
import { verifyLog } from "../../../src/audit/verify.ts";
import { ActionRuntime, Policy } from "../../../src/index.ts";
import { decision, newLogPath, writeSample } from "../sample-log.ts";
import { logDatabase, nameOf, newPostgresLog, sql, stores } from "../stores.ts";

const database = await logDatabase();

const [files, postgres] = stores;

const POLICY = Policy.parse("require_approval: [pay.send]");
const call = { actor: "агент", action: "send", resource: "pay", payload: { to: "Zoë", path: "C:\\new\\u0000" } };

/** Does with a log all that can be done, and expects what would have come of it with any other pool. */
async function expectUsual(pool: PostgresLocation["pool"]): Promise<void> {
  const location = newPostgresLog(database);
  const auditLog = { pool, log: nameOf(location) };
  const log = await writeSample(location, new AuditLog(auditLog));
  {
    await using runtime = ActionRuntime.fromPolicy(POLICY, { auditLog });
    const { approvalId } = await runtime.execute(call);
    await runtime.approvals.approve(approvalId ?? "", { by: "alice" });
    const verdicts = await Promise.all(Array.from({ length: 4 }, async () => await runtime.execute(call)));
    expect(verdicts.filter(({ authorized }) => authorized)).toHaveLength(1);
  }
  await log.close();
  const report = await verifyLog(location);
  expect(report).toMatchObject({ intact: true, problems: [] });
  expect(await verifyLog(auditLog)).toEqual(report);
  const path = newLogPath();
  await copyLog(auditLog, path);
  expect(await files.stored(path)).toEqual(await postgres.stored(location));
  const other = newLogPath();
  await (await writeSample(other)).close();
  const back = newPostgresLog(database);
  await copyLog(other, { pool, log: nameOf(back) });
  expect(await postgres.stored(back)).toEqual(await files.stored(other));
}

/** `setting` is what the host does with each new connection. */
async function withPool(config: PoolConfig & { readonly binary?: boolean }, setting?: string): Promise<void> {
  const pool = new Pool({ connectionString: database, ...config });
  if (setting !== undefined) pool.on("connect", (client) => void client.query(setting));
  onTestFinished(async () => await pool.end());
  await expectUsual(pool);
}

describe.skipIf(database === undefined)("a pool whose sessions are set unusually", () => {
  it.each([
    ["how text is read", ["standard_conforming_strings=off", "array_nulls=off", "transform_null_equals=on"]],
    ["how values are shown", ["bytea_output=escape", "DateStyle=SQL,DMY", "IntervalStyle=sql_standard"]],
    ["numbers, times and names", ["extra_float_digits=-15", "TimeZone=Pacific/Kiritimati", "quote_all_identifiers=on"]],
    ["where names are looked up", ["search_path=pg_temp,public,pg_catalog", "row_security=off"]],
    ["where nothing is looked up", ["search_path="]],
    ["how plans are made", ["plan_cache_mode=force_generic_plan", "enable_indexscan=off", "jit_above_cost=0"]],
    ["transactions", ["synchronous_commit=off", "default_transaction_isolation=serializable"]],
    ["time limits and messages", ["statement_timeout=20000", "lock_timeout=20000", "client_min_messages=debug5"]],
  ])("is of no concern: %s", async (_what, options) => {
    await withPool({ options: options.map((option) => `-c ${option}`).join(" ") });
  });

  it.each([
    "SET client_encoding = LATIN1",
    "SET client_encoding = SQL_ASCII",
    "SET client_encoding = WIN1252; SET default_transaction_isolation = 'repeatable read'",
  ])("by its host is of no concern: %s", async (setting) => {
    await withPool({}, setting);
  });

  it.each([
    { max: 1, idleTimeoutMillis: 0 },
    { maxUses: 1, idleTimeoutMillis: 1, query_timeout: 20_000 },
    { binary: true },
  ])("is of no concern: %o", async (config) => {
    await withPool(config);
  });
});

/** The same pool behind a pooler that gives each transaction another session of the server: what it did before is lost. */
function pooling(pool: Pool, between: string): NonNullable<PostgresLocation["pool"]> {
  const connect = async (): Promise<PostgresClient> => {
    const client = await pool.connect();
    let isIn = false;
    const query: PostgresClient["query"] = async (asked) => {
      const answer = await client.query(asked);
      if (/^(?:BEGIN|COMMIT)/.test(asked.text)) isIn = asked.text.startsWith("BEGIN");
      if (!isIn) await client.query(between);
      return answer;
    };
    return {
      query,
      on: (event, listener) => client.on(event as "error", listener),
      off: (event, listener) => client.off(event, listener),
      release: (destroy) => client.release(destroy),
    };
  };
  return { connect, on: (event, listener) => pool.on(event, listener) };
}

describe.skipIf(database === undefined)("a pooler in transaction mode", () => {
  it.each([
    "DISCARD ALL",
    // Others prepared statements of the same name in the session that comes next.
    "DEALLOCATE ALL; PREPARE capfence_append_1 AS SELECT 1",
  ])("is of no concern: %s", async (between) => {
    const pool = new Pool({ connectionString: database });
    onTestFinished(async () => await pool.end());
    await expectUsual(pooling(pool, between));
  });
});

const getTypeParser: CustomTypesConfig["getTypeParser"] = () => (text: unknown) => ({ text });

describe.skipIf(database === undefined)("a host's own parsers of what the server answers", () => {
  it("are of no concern", async () => {
    await withPool({ types: { getTypeParser } });
  });
});

describe.skipIf(database === undefined)("a session that the server ends", () => {
  it.each(["idle_in_transaction_session_timeout=50", "transaction_timeout=300"])(
    "by a time limit says so to who reads: %s",
    async (setting) => {
      const [known] = await sql("SELECT FROM pg_settings WHERE name = $1", [setting.split("=")[0]]);
      // Version 17 of PostgreSQL has the second one first.
      if (known === undefined) return;
      const location = newPostgresLog(database);
      const log = new AuditLog(location);
      await log.append(decision());
      await log.close();
      const url = new URL(location);
      url.searchParams.set("application_name", `ends ${setting}`);
      url.searchParams.set("options", `-c ${setting}`);
      const reading = readEntries(url.href)[Symbol.asyncIterator]();
      await reading.next();
      while ((await sql("SELECT FROM pg_stat_activity WHERE application_name = $1", [`ends ${setting}`])).length > 0) {
        await pause(10);
      }
      const rest = async (): Promise<void> => {
        while ((await reading.next()).done !== true);
      };
      await expect(rest()).rejects.toThrow("by a time limit");
    },
  );
});
