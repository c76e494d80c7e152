import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { verifyLog } from "../../src/audit/verify.ts";
import { AuditCorruptError } from "../../src/errors.ts";
import { Policy } from "../../src/policy/policy.ts";
import { ActionRuntime } from "../../src/runtime/runtime.ts";
import { altered } from "../audit/tampering.ts";
import { hasPython, theirVerdicts } from "../audit/both-verifiers.ts";
import { logDatabase, newPostgresLog } from "../audit/stores.ts";
import { compiled } from "../compiled.ts";
import type { CallerOrders } from "./caller-process.ts";

const database = await logDatabase();

const SCRIPT = await compiled("__tests__/runtime/caller-process.ts");
const POLICY = "require_approval:\n  - pay.send\nallow:\n  - mail.send\n";
const CALL = { actor: "agent", action: "send", resource: "pay", environment: "production", payload: { amount: 2500 } };

let directory: string;
let auditLog: string;
let counter: string;
const children: ChildProcessByStdio<Writable, Readable, null>[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "capfence-callers-"));
  auditLog = join(directory, "audit.db");
  counter = join(directory, "counter");
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(directory, { recursive: true });
});

function openRuntime(): ActionRuntime {
  return ActionRuntime.fromPolicy(Policy.parse(POLICY), { auditLog });
}

/** Makes a request and approves it; the log is closed afterwards. */
async function approved(): Promise<string> {
  const runtime = openRuntime();
  const { approvalId = "" } = await runtime.execute(CALL);
  await runtime.approvals.approve(approvalId, { by: "alice" });
  await runtime.close();
  return approvalId;
}

interface Caller {
  readonly begin: () => void;
  readonly says: (text: string) => Promise<void>;
  readonly ended: () => Promise<number | null>;
  readonly kill: () => Promise<void>;
}

async function caller(times: number, stopsBeforeTool = false): Promise<Caller> {
  const orders: CallerOrders = { auditLog, policy: POLICY, call: CALL, times, counter, stopsBeforeTool };
  const child = spawn(process.execPath, [SCRIPT, JSON.stringify(orders)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  children.push(child);
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  const closed = once(child, "close");
  const says = async (text: string): Promise<void> => {
    while (!out.includes(text) && child.exitCode === null) await Promise.race([once(child.stdout, "data"), closed]);
    if (!out.includes(text)) throw new Error(`it has ended and said ${out}`);
  };
  await says("ready");
  return {
    says,
    begin: () => void child.stdin.write("begin\n"),
    ended: async () => {
      await closed;
      return child.exitCode;
    },
    kill: async () => {
      child.kill("SIGKILL");
      await closed;
    },
  };
}

function count(): number {
  return existsSync(counter) ? readFileSync(counter, "utf8").length : 0;
}

const STORES = [
  { where: "a file", isThere: true, newLog: () => join(directory, "audit.db") },
  { where: "PostgreSQL", isThere: database !== undefined, newLog: () => newPostgresLog(database) },
].filter(({ isThere }) => isThere);

describe.each(STORES)("one approval in $where", { timeout: 60_000 }, ({ where, newLog }) => {
  beforeEach(() => void (auditLog = newLog()));

  it("lets one of fifty calls of four processes run", async () => {
    const id = await approved();
    const callers = await Promise.all([13, 13, 12, 12].map(async (times) => await caller(times)));
    for (const { begin } of callers) begin();
    expect(await Promise.all(callers.map(async ({ ended }) => await ended()))).toEqual([0, 0, 0, 0]);
    expect(count()).toBe(1);
    const report = await verifyLog(auditLog);
    expect(report.problems).toEqual([]);
    // Two decisions of ours and fifty of theirs; requested, approved, consumed, and one further request.
    expect(report.entries).toBe(1 + 50 + 4);
    const runtime = openRuntime();
    const pending = await runtime.approvals.pending();
    expect(pending).toHaveLength(1);
    expect(pending[0]?.id).not.toBe(id);
    await runtime.close();
    if (hasPython && where === "a file")
      expect(theirVerdicts([auditLog], [])[0]).toMatchObject({ entries: report.entries });
  });

  it("is used up when the process is killed before the tool: its end is unknown, and it is not run again", async () => {
    const id = await approved();
    const first = await caller(1, true);
    first.begin();
    await first.says("stopped");
    await first.kill();
    const runtime = openRuntime();
    const again = await runtime.execute(CALL);
    expect(again).toMatchObject({ authorized: false, reason: "approval_required" });
    expect(again.approvalId).not.toBe(id);
    await runtime.close();
    expect(count()).toBe(0);
    expect(await verifyLog(auditLog)).toMatchObject({ intact: true, withoutOutcome: 1 });
  });
});

describe.each(STORES)("a grant of three calls in $where", { timeout: 60_000 }, ({ newLog }) => {
  it("lets three of twenty calls of two processes run", async () => {
    auditLog = newLog();
    const runtime = openRuntime();
    await runtime.approvals.grant({ agent: "agent", capability: "pay", uses: 3, expiresInSeconds: 600, by: "alice" });
    await runtime.close();
    const callers = await Promise.all([10, 10].map(async (times) => await caller(times)));
    for (const { begin } of callers) begin();
    expect(await Promise.all(callers.map(async ({ ended }) => await ended()))).toEqual([0, 0]);
    expect(count()).toBe(3);
    expect((await verifyLog(auditLog)).problems).toEqual([]);
  });
});

describe("a log whose approvals were edited, without the chain made anew, lets nothing run", () => {
  it.each([
    [
      "an answer is made of a rejection",
      "reject",
      `UPDATE entries SET body = replace(body, '"rejected"', '"approved"')`,
    ],
    [
      "the rejection is taken out",
      "reject",
      `DELETE FROM entries WHERE body LIKE '%"rejected"%'; UPDATE entries SET seq = seq`,
    ],
    ["the use is taken out", "use", `DELETE FROM entries WHERE body LIKE '%"consumed"%'`],
    ["the use is made something else", "use", `UPDATE entries SET body = replace(body, '"consumed"', '"approved"')`],
    ["the amount is another one", "approve", `UPDATE entries SET body = replace(body, '2500', '9999')`],
  ])("%s", async (_, how, edit) => {
    const runtime = openRuntime();
    const { approvalId = "" } = await runtime.execute(CALL);
    await runtime.approvals[how === "reject" ? "reject" : "approve"](approvalId, { by: "alice" });
    if (how === "use") await runtime.execute(CALL);
    // Behind it, so that it is not the last entry that is edited.
    await runtime.execute({ ...CALL, resource: "mail" });
    await runtime.close();
    writeFileSync(auditLog, altered(readFileSync(auditLog), edit));
    const edited = openRuntime();
    const executed = edited.execute(CALL);
    await expect(executed).rejects.toBeInstanceOf(AuditCorruptError);
    await expect(executed).rejects.toThrow(/Run capfence verify/);
    await edited.close().catch(() => {});
    expect((await verifyLog(auditLog)).intact).toBe(false);
  });
});
