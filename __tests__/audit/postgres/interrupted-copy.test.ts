import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

import { Client } from "pg";
import { describe, expect, it, onTestFinished } from "vitest";

import { copyLog } from "../../../src/audit/copy.ts";
import { verifyLog } from "../../../src/audit/verify.ts";
import { AuditUnavailableError } from "../../../src/errors.ts";
import { ActionRuntime, Policy } from "../../../src/index.ts";
import { compiled } from "../../compiled.ts";
import { Proxy } from "../../postgres/proxy.ts";
import { newLogPath, writeSample } from "../sample-log.ts";
import { logDatabase, newPostgresLog, sql, stores } from "../stores.ts";

const database = await logDatabase();

const [files, postgres] = stores;

const COMMAND = await compiled("src/cli/bin.ts");

/** Runs `capfence copy` and kills it when a statement of it waits for `lock` on the entries' table. */
async function killedWhileCopying(from: string, to: string, lock: "SHARE" | "ACCESS EXCLUSIVE"): Promise<void> {
  const holder = new Client({ connectionString: database });
  await holder.connect();
  onTestFinished(async () => await holder.end());
  await holder.query(`BEGIN; LOCK TABLE capfence.entries IN ${lock} MODE`);
  const child = spawn(process.execPath, [COMMAND, "copy", from, to], { stdio: "ignore" });
  onTestFinished(() => void child.kill("SIGKILL"));
  const ended = once(child, "exit");
  while (
    (await sql("SELECT FROM pg_locks WHERE NOT granted AND relation = 'capfence.entries'::regclass")).length === 0
  ) {
    expect(child.exitCode).toBeNull();
    await pause(10);
  }
  child.kill("SIGKILL");
  await ended;
  await holder.query("COMMIT");
}

describe.skipIf(database === undefined)("a copy that is killed in the middle", () => {
  it("into PostgreSQL leaves nothing, and can be made again", async () => {
    const [from, to] = [newLogPath(), newPostgresLog(database)];
    await (await writeSample(from)).close();
    await killedWhileCopying(from, to, "SHARE");
    await copyLog(from, to);
    expect(await postgres.stored(to)).toEqual(await files.stored(from));
  });

  it("from PostgreSQL leaves nothing, and can be made again", async () => {
    const [from, to] = [newPostgresLog(database), newLogPath()];
    await (await writeSample(from)).close();
    await killedWhileCopying(from, to, "ACCESS EXCLUSIVE");
    expect(existsSync(to)).toBe(false);
    await copyLog(from, to);
    expect(await files.stored(to)).toEqual(await postgres.stored(from));
  });
});

describe.skipIf(database === undefined)("a copy whose connection is lost", () => {
  // The requests: BEGIN, the schema's version, the log, its entries, what it says of them, durability, COMMIT.
  it.each(
    [3, 5, 6].flatMap((after) => (["is lost", "is not answered"] as const).map((fate) => [after, fate] as const)),
  )("is there as a whole or not at all (after %i requests, one %s)", async (after, fate) => {
    const [from, to] = [newLogPath(), newPostgresLog(database)];
    await (await writeSample(from)).close();
    const { proxy, url } = await Proxy.open(to);
    onTestFinished(async () => await proxy.close());
    proxy.passing = after;
    proxy.next = fate;
    const refusal: unknown = await copyLog(from, url).catch((error: unknown) => error);
    expect(AuditUnavailableError.isInstance(refusal)).toBe(true);
    const stored = await postgres.stored(to);
    expect(stored).toEqual(after === 6 && fate === "is not answered" ? await files.stored(from) : []);
    if (after === 6) expect(String(refusal)).toContain("whether the copy is there");
    if (stored.length > 0) expect(await verifyLog(to)).toMatchObject({ intact: true, entries: 4 });
    else await copyLog(from, to);
  });
});

describe.skipIf(database === undefined)("a copy of a log with something open", () => {
  it.each([
    ["from a file", files, postgres],
    ["from PostgreSQL", postgres, files],
  ])("%s leaves it open in the copy: a request is answered there, and used once", async (_name, source, target) => {
    const policy = Policy.parse("require_approval: [pay.send, pay.take]");
    const send = { actor: "a", action: "send", resource: "pay" };
    const take = { ...send, action: "take" };
    const [from, to] = [source.newLog(), target.newLog()];
    const ids: string[] = [];
    {
      await using runtime = ActionRuntime.fromPolicy(policy, { auditLog: from });
      for (const call of [send, take]) ids.push((await runtime.execute(call)).approvalId ?? "");
      await runtime.approvals.approve(ids[0] ?? "", { by: "alice" });
    }
    await copyLog(from, to);
    await using runtime = ActionRuntime.fromPolicy(policy, { auditLog: to });
    expect(await runtime.execute(send)).toMatchObject({ authorized: true });
    expect(await runtime.execute(send)).toMatchObject({ authorized: false });
    await runtime.approvals.approve(ids[1] ?? "", { by: "alice" });
    expect(await runtime.execute(take)).toMatchObject({ authorized: true });
    expect(await verifyLog(to)).toMatchObject({ intact: true, problems: [] });
  });
});
