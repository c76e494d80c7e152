/** Connections that are lost where a host has set its sessions to what appending refuses (CF004). */

import { Pool, type PoolConfig } from "pg";
import { describe, expect, it, onTestFinished } from "vitest";

import { AuditLog } from "../../../src/audit/log.ts";
import type { PostgresLocation } from "../../../src/audit/postgres/target.ts";
import { readEntries } from "../../../src/audit/read.ts";
import { verifyLog } from "../../../src/audit/verify.ts";
import { AuditUnavailableError } from "../../../src/errors.ts";
import { ActionRuntime, Policy } from "../../../src/index.ts";
import { Proxy } from "../../postgres/proxy.ts";
import { decision, writeSample } from "../sample-log.ts";
import { logDatabase, nameOf, newPostgresLog } from "../stores.ts";

const database = await logDatabase();

const POLICY = Policy.parse("require_approval: [pay.send]");
const call = { actor: "agent", action: "send", resource: "pay" };

/** A pool behind a proxy, and the log's location past both. */
async function behindProxy(
  config: PoolConfig,
  setting: string | undefined,
): Promise<{ auditLog: PostgresLocation; proxy: Proxy; direct: string }> {
  const direct = newPostgresLog(database);
  const { proxy, url } = await Proxy.open(database ?? "");
  const pool = new Pool({ connectionString: url, ...config });
  if (setting !== undefined) pool.on("connect", (client) => void client.query(setting).catch(() => {}));
  onTestFinished(async () => {
    await pool.end();
    await proxy.close();
  });
  const auditLog: PostgresLocation = { pool, log: nameOf(direct) };
  return { auditLog, proxy, direct };
}

describe.skipIf(database === undefined).each([
  ["serializable", { options: "-c default_transaction_isolation=serializable" }, undefined],
  ["LATIN1", {}, "SET client_encoding = LATIN1"],
] as const)("a connection that is lost, of sessions set to %s,", (_name, config, setting) => {
  it.each(["is lost", "is not answered"] as const)(
    "at a writer's first append, which %s, leaves what can be found out later",
    async (fate) => {
      const { auditLog, proxy, direct } = await behindProxy(config, setting);
      await (await writeSample(direct)).close();
      const log = new AuditLog({ ...auditLog, resolveTimeoutMs: 1 });
      // Opens the log, and is in a transaction anyway.
      await log.propose(() => ({ entries: [], answer: undefined }));
      proxy.next = fate;
      proxy.isBlocked = true;
      await expect(log.append(decision({ actor: "b" }))).rejects.toSatisfy(
        (error) => AuditUnavailableError.isInstance(error) && error.message.includes("could not be found out"),
      );
      proxy.isBlocked = false;
      await log.append(decision({ actor: "c" }));
      await log.close();
      expect(await verifyLog(direct)).toMatchObject({ intact: true, entries: 6 });
    },
  );

  it.each(["is lost", "is not answered"] as const)(
    "when the commit of an approval's use %s, lets the call run once, and soon",
    async (fate) => {
      const { auditLog, proxy, direct } = await behindProxy(config, setting);
      await using agent = ActionRuntime.fromPolicy(POLICY, { auditLog });
      await using person = ActionRuntime.fromPolicy(POLICY, { auditLog: direct });
      const { approvalId } = await agent.execute(call);
      await person.approvals.approve(approvalId ?? "", { by: "alice" });
      // BEGIN, the lock, what is open, the entries; then COMMIT.
      proxy.passing = 4;
      proxy.next = fate;
      expect(await agent.execute(call)).toMatchObject({ authorized: true });
      expect(await agent.execute(call)).toMatchObject({ authorized: false });
      let used = 0;
      for await (const { entry } of readEntries(direct)) {
        if (entry.kind === "approval" && entry.status === "consumed") used += 1;
      }
      expect(used).toBe(1);
      expect(await verifyLog(direct)).toMatchObject({ intact: true });
    },
  );
});
