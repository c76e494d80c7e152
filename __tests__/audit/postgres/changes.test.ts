import { once } from "node:events";

import { describe, expect, it } from "vitest";

import { storeAt } from "../../../src/audit/location.ts";
import { ActionRuntime, Policy } from "../../../src/index.ts";
import { database, newPostgresLog } from "../stores.ts";

/** Waits for a signal and never for time, so that whoever goes on was woken. */
const untilWoken = async (_ms: number, signal: AbortSignal): Promise<void> => {
  if (!signal.aborted) await once(signal, "abort");
};

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
});
