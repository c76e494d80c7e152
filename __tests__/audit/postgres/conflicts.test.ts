import { setTimeout as pause } from "node:timers/promises";

import { Client } from "pg";
import { describe, expect, it, onTestFinished } from "vitest";

import { AuditLog } from "../../../src/audit/log.ts";
import { verifyLog } from "../../../src/audit/verify.ts";
import { ActionRuntime, Policy } from "../../../src/index.ts";
import { decision } from "../sample-log.ts";
import { logDatabase, nameOf, newPostgresLog, sql } from "../stores.ts";

const database = await logDatabase();

/** A connection that has begun a transaction. */
async function began(): Promise<Client> {
  const client = new Client({ connectionString: database });
  await client.connect();
  onTestFinished(async () => await client.end());
  // It is the other one that the server ends.
  await client.query("SET deadlock_timeout = '1min'");
  await client.query("BEGIN");
  return client;
}

/** Waits until a connection of that name waits for a lock. */
async function untilBlocked(application: string): Promise<void> {
  const text = "SELECT FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'";
  while ((await sql(text, [application])).length === 0) await pause(5);
}

const POLICY = Policy.parse("require_approval: [pay.send]");
const call = { actor: "a", action: "send", resource: "pay" };

/** The same log, for a connection that is known by its name and looks for deadlocks soon. */
function named(location: string, application: string): string {
  const url = new URL(location);
  url.searchParams.set("application_name", application);
  url.searchParams.set("options", "-c deadlock_timeout=500ms");
  return url.href;
}

/** How many deadlocks the server has ended in this database. */
async function ended(): Promise<number> {
  const [row] = await sql<{ deadlocks: string }>(
    "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()",
  );
  return Number(row?.deadlocks);
}

/** Makes a deadlock with the append that `work` makes, which then waits for what the other has and the other for it. */
async function deadlock(location: string, application: string, work: () => Promise<unknown>): Promise<void> {
  const before = await ended();
  const other = await began();
  await other.query("LOCK TABLE capfence.entries IN EXCLUSIVE MODE");
  const working = work();
  await untilBlocked(application);
  await other.query("SELECT FROM capfence.logs WHERE name = $1 FOR UPDATE", [nameOf(location)]);
  await other.query("COMMIT");
  await working;
  // It is counted in a moment.
  while ((await ended()) === before) await pause(5);
}

describe.skipIf(database === undefined)("a deadlock with another transaction", () => {
  it("is tried again, and appends once", async () => {
    const location = newPostgresLog(database);
    const log = new AuditLog(named(location, "deadlocked"));
    await log.append(decision());
    await deadlock(location, "deadlocked", async () => {
      expect(await log.append(decision())).toMatchObject({ seq: 2 });
    });
    await log.close();
    expect(await verifyLog(location)).toMatchObject({ intact: true, entries: 2 });
  });

  it("is tried again, and an approval is used once", async () => {
    const location = newPostgresLog(database);
    await using runtime = ActionRuntime.fromPolicy(POLICY, { auditLog: named(location, "deadlocked too") });
    const { approvalId } = await runtime.execute(call);
    await runtime.approvals.approve(approvalId ?? "", { by: "alice" });
    await deadlock(location, "deadlocked too", async () => {
      expect(await runtime.execute(call)).toMatchObject({ authorized: true });
    });
    expect(await runtime.execute(call)).toMatchObject({ authorized: false });
    expect(await verifyLog(location)).toMatchObject({ intact: true });
  });
});
