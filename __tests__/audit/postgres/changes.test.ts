import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";

import { Pool } from "pg";
import { describe, expect, it, onTestFinished } from "vitest";

import type { Pause } from "../../../src/audit/store.ts";
import { storeAt } from "../../../src/audit/location.ts";
import { ActionRuntime, Policy } from "../../../src/index.ts";
import { logDatabase, nameOf, newPostgresLog } from "../stores.ts";

const database = await logDatabase();

/** Waits for a signal and never for time, so that whoever goes on was woken. */
const untilWoken: Pause = async (_ms, signal) => {
  if (!signal.aborted) await once(signal, "abort");
};

/** The same, but for the bell: who waits for an answer does so for two seconds at a time, and the bell never for so long. */
const quickBell: Pause = async (ms, signal) =>
  ms === 2_000 ? await untilWoken(ms, signal) : await wait(5, undefined, { signal }).catch(() => {});

describe.skipIf(database === undefined)("who waits for an answer", () => {
  it("is woken by it, and by the end of the waiting", async () => {
    const location = newPostgresLog(database);
    await using runtime = ActionRuntime.fromPolicy(Policy.parse("require_approval: [pay.send]"), {
      auditLog: location,
    });
    const { approvalId } = await runtime.execute({ actor: "a", action: "send", resource: "pay" });
    const over = new AbortController();
    const store = storeAt(location);
    const woken = [0, 0];
    const waiting = woken.map(async (_times, index) => {
      for await (const _ of store.changes("approvals", untilWoken, over.signal)) {
        woken[index] = (woken[index] ?? 0) + 1;
        // At once, when it listens, and when there is an answer.
        if (index === 0 && woken[0] === 2) await runtime.approvals.approve(approvalId ?? "", { by: "alice" });
        if (woken.every((times) => times >= 3)) over.abort();
      }
    });
    await Promise.all(waiting);
    for (const times of woken) expect(times).toBeGreaterThanOrEqual(3);
  });

  it("does not keep the last connection of a pool from those who append", async () => {
    const pool = new Pool({ connectionString: database, max: 1 });
    onTestFinished(async () => await pool.end());
    const location = newPostgresLog(database);
    const auditLog = { pool, log: nameOf(location), connectTimeoutMs: 2_000 };
    const policy = Policy.parse("require_approval: [pay.send]");
    await using agent = ActionRuntime.fromPolicy(policy, { auditLog, onApproval: "wait" });
    await using person = ActionRuntime.fromPolicy(policy, { auditLog: location });
    const call = { actor: "a", action: "send", resource: "pay" };
    const waiting = agent.execute(call);
    await once(pool, "acquire");
    // The same request: one that is made again joins the one that is open.
    const { approvalId } = await person.execute(call);
    await expect(agent.execute({ ...call, resource: "other" })).resolves.toMatchObject({ authorized: false });
    await person.approvals.approve(approvalId ?? "", { by: "alice" });
    expect(await waiting).toMatchObject({ authorized: true });
  });

  it("is woken again once nobody else waits for the connection", async () => {
    const pool = new Pool({ connectionString: database, max: 1 });
    onTestFinished(async () => await pool.end());
    const location = newPostgresLog(database);
    await using runtime = ActionRuntime.fromPolicy(Policy.parse("require_approval: [pay.send]"), {
      auditLog: location,
    });
    const { approvalId } = await runtime.execute({ actor: "a", action: "send", resource: "pay" });
    const over = new AbortController();
    const rings = storeAt({ pool, log: nameOf(location) }).changes("approvals", quickBell, over.signal);
    const waking = rings[Symbol.asyncIterator]();
    // At once, and when it listens.
    for (let times = 0; times < 2; times += 1) await waking.next();
    const taken = await pool.connect();
    taken.release();
    await waking.next();
    const woken = waking.next();
    await runtime.approvals.approve(approvalId ?? "", { by: "alice" });
    expect(await woken).toEqual({ done: false, value: undefined });
    over.abort();
    while ((await waking.next()).done !== true);
  });
});
