import { randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

import * as fc from "fast-check";
import { afterAll, describe, expect, it, vi } from "vitest";

import { readEntries } from "../../src/audit/read.ts";
import { Policy } from "../../src/policy/policy.ts";
import { ActionRuntime } from "../../src/runtime/runtime.ts";
import { callFields, payload, policy } from "../policy/written-policies.ts";
import { changes, Records, replayAll, type Recorded } from "./recorded-logs.ts";

const records = new Records();
afterAll(() => records[Symbol.dispose]());

const STRICT = Policy.parse(`
deny:
  - { capability: shell, contains: "rm -rf", id: no-wiping }
require_approval:
  - { capability: shell.deploy }
allow:
  - shell
`);
const LOOSE = Policy.parse("deny: [{ capability: shell, contains: mkfs }]\nallow: ['*']\n");

const CALLS: readonly Recorded[] = [
  { payload: { command: "ls" } },
  { payload: { command: "rm -rf /" }, actor: "bob" },
  { action: "deploy" },
  { resource: "files", action: "read" },
  { payload: { command: "mkfs" } },
];

describe("recorded calls under another policy", () => {
  it("are told one by one, with the rules responsible", async () => {
    const { calls, end } = await replayAll(await records.write(STRICT, CALLS), LOOSE);
    expect(changes(calls)).toEqual([
      "entry 1 none allow→allow",
      "entry 2 decision deny→allow",
      "entry 3 decision require_approval→allow",
      "entry 5 decision deny→allow",
      "entry 6 decision allow→deny",
    ]);
    expect(calls[1]).toMatchObject({
      actor: "bob",
      capability: "shell.execute",
      environment: "production",
      payload: { command: "rm -rf /" },
      policy: STRICT.digest,
      ts: expect.stringMatching(/^\d{4}-/),
      old: { reason: "policy_deny", rule: { id: "no-wiping", source: { file: "<policy>", line: 3 } } },
      new: { reason: "policy_allow", rule: { id: "allow[0]", source: { line: 2 } } },
    });
    expect(end.verified).toMatchObject({ intact: true, entries: 6 });
  });

  it("may be decided alike by another rule, and not by the same in another place", async () => {
    const log = await records.write(STRICT, [CALLS[0] ?? {}, CALLS[1] ?? {}]);
    const moved = Policy.parse(`
allow: [files, shell]
deny:
  - files
  - { capability: shell, contains: "rm -rf", id: no-wiping }
`);
    const { calls } = await replayAll(log, moved);
    expect(changes(calls)).toEqual(["entry 1 rule allow→allow", "entry 2 none deny→deny"]);
  });

  it.each<readonly [string, object, readonly string[]]>([
    ["an agent", { agent: "bob" }, ["entry 2"]],
    ["a capability", { capability: "files.read" }, ["entry 5"]],
    ["all below a capability", { capability: "shell" }, ["entry 1", "entry 2", "entry 3", "entry 6"]],
    ["a pattern", { capability: "*.deploy.production" }, ["entry 3"]],
    ["from a time on", { since: Date.parse("2026-01-15T10:00:03Z") }, ["entry 5", "entry 6"]],
    ["before a time", { until: Date.parse("2026-01-15T10:00:01Z") }, ["entry 1"]],
    ["a time in which nothing was", { since: Date.parse("2027-01-01Z") }, []],
  ])("may be those of %s", async (_, options, expected) => {
    const log = await records.write(STRICT, CALLS);
    const { calls } = await replayAll(log, LOOSE, options);
    expect(calls.map(({ name }) => name)).toEqual(expected);
  });
});

describe("what is no policy's to decide", () => {
  it("are calls that were refused before any was asked", async () => {
    const log = await records.write(STRICT, [
      { refused: "unknown_tool" },
      { refused: "context_invalid" },
      { refused: "bypassed" },
      { payload: { amount: Number.NaN } },
    ]);
    const { calls } = await replayAll(log, LOOSE);
    expect(changes(calls)).toEqual([1, 2, 3, 4].map((seq) => `entry ${seq} refused deny→-`));
  });

  it("is whether a call was let through all the same", async () => {
    const log = await records.write(STRICT, CALLS, { mode: "observe" });
    const { calls } = await replayAll(log, STRICT);
    expect(calls.map(({ change }) => change)).toEqual(CALLS.map(() => "none"));
    expect(changes((await replayAll(log, LOOSE)).calls)[1]).toBe("entry 2 decision deny→allow");
  });
});

describe("a person's answer is no policy's decision", () => {
  const ASKING = Policy.parse("require_approval: [{ capability: shell, id: ask }]\nallow: [shell]\n");
  const call = { actor: "ann", action: "execute", resource: "shell", environment: "production" };

  async function answered(
    answer: (runtime: ActionRuntime, id: string) => Promise<unknown>,
    event: object,
  ): Promise<string> {
    const path = records.path(`${randomUUID()}.db`);
    const runtime = ActionRuntime.fromPolicy(ASKING, { auditLog: path });
    const { approvalId = "" } = await runtime.execute({ ...call, ...event });
    await answer(runtime, approvalId);
    await runtime.execute({ ...call, ...event });
    await runtime.close();
    return path;
  }

  it.each<readonly [string, string, (runtime: ActionRuntime, id: string) => Promise<unknown>]>([
    ["approved", "approval_granted", async (runtime, id) => await runtime.approvals.approve(id, { by: "eve" })],
    ["rejected", "approval_rejected", async (runtime, id) => await runtime.approvals.reject(id, { by: "eve" })],
    [
      "granted",
      "grant_used",
      async (runtime) =>
        await runtime.approvals.grant({ agent: "*", capability: "shell", expiresInSeconds: 60, by: "eve" }),
    ],
  ])("when it was %s", async (_, reason, answer) => {
    const log = await answered(answer, {});
    const reasons: string[] = [];
    for await (const { entry } of readEntries(log)) if (entry.kind === "decision") reasons.push(entry.reason);
    expect(reasons).toEqual(["approval_required", reason]);
    expect((await replayAll(log, ASKING)).calls.map(({ change }) => change)).toEqual(["none", "none"]);
    const open = await replayAll(log, Policy.parse("allow: [shell]\n"));
    expect(open.calls.map(({ change, old }) => `${change} from ${old?.decision ?? ""}`)).toEqual([
      "decision from require_approval",
      "decision from require_approval",
    ]);
  });

  it("nor when it was the event that asked for approval", async () => {
    const open = Policy.parse("allow: [shell]\n");
    const log = await records.write(open, [{ requireApproval: true }, { context: { require_approval: true } }]);
    expect(changes((await replayAll(log, open)).calls)).toEqual([
      "entry 1 none require_approval→require_approval",
      "entry 3 none require_approval→require_approval",
    ]);
  });
});

describe("everything a policy observes is recorded and restored", () => {
  const call: Recorded = {
    scope: "sandbox",
    environment: "test",
    risk: "high",
    sessionId: "s",
    context: { user_role: "admin", tenant: "acme", tool_name: "sh", caller_depth: 2 },
    payload: { amount: 5, path: "/a", nested: { list: [1, { a: null }] }, __proto__: null },
  };
  const conditions = [
    ["risk_level", "high"],
    ["environment", "test"],
    ["user_role", "admin"],
    ["tenant", "acme"],
    ["tool_name", "sh"],
    ["caller_depth_gte", 2],
    ["amount_gt", 4],
    ["path_prefix", "/a"],
    ["payload", { "nested.list": 1 }],
  ] as const;

  it.each(conditions)("%s", async (key, value) => {
    const rule = { capability: "shell.execute.sandbox", [key]: value };
    const observing = Policy.parse(JSON.stringify({ deny: [rule], allow: ["shell"] }));
    const log = await records.write(observing, [call, { ...call, scope: "else" }]);
    expect(changes((await replayAll(log, observing)).calls)).toEqual([
      expect.stringMatching(/^entry 1 none /),
      "entry 2 none allow→allow",
    ]);
  });

  it("that the host asks for approval", async () => {
    const log = await records.write(STRICT, [{ context: { require_approval: true } }, {}]);
    expect(changes((await replayAll(log, STRICT)).calls)).toEqual([
      "entry 1 none require_approval→require_approval",
      "entry 3 none allow→allow",
    ]);
  });

  it("and not the environment of who replays", async () => {
    const log = await records.write(Policy.parse("allow: [shell.execute.production]"), [{}]);
    vi.stubEnv("CAPFENCE_ENVIRONMENT", "elsewhere");
    try {
      const { calls } = await replayAll(log, Policy.parse("allow: [shell.execute.production]"));
      expect(changes(calls)).toEqual(["entry 1 none allow→allow"]);
    } finally {
      vi.unstubAllEnvs();
    }
  });
});

describe("what was not recorded", () => {
  it("makes a call undecidable only if the decision depends on it", async () => {
    const log = await records.write(
      STRICT,
      [
        { payload: { command: "ls", token: "t" } },
        { payload: { command: "rm -rf", token: "t" } },
        { action: "deploy" },
      ],
      { audit: { redact: ["token"] } },
    );
    const { calls } = await replayAll(log, STRICT);
    expect(changes(calls)).toEqual([
      "entry 1 undecidable allow→-",
      "entry 2 none deny→deny",
      "entry 3 none require_approval→require_approval",
    ]);
    expect(calls[0]?.needs).toEqual([
      { rule: expect.objectContaining({ id: "no-wiping" }), condition: "contains", fields: ["payload.token"] },
    ]);
    expect(calls[0]?.payload).toEqual({ command: "ls", token: "[redacted]" });
  });

  it("is told as the whole payload when there is none", async () => {
    const log = await records.write(STRICT, [{ payload: { command: "ls" } }], { audit: { payload: "none" } });
    const { calls } = await replayAll(log, STRICT);
    expect(calls).toMatchObject([{ change: "undecidable", needs: [{ fields: ["payload"] }] }]);
    expect(calls[0]).not.toHaveProperty("payload");
  });
});

describe("replaying a log under the policy that made it", () => {
  const redacting = fc.record({
    payload: fc.constantFrom("redacted", "none" as const),
    redact: fc.array(fc.constantFrom("a", "b", "amount", "*.a", "tenant", "path", "file.b"), { maxLength: 2 }),
  });

  it("finds no difference, whatever the policy, the calls and what was recorded of them", async () => {
    let decided = 0;
    await fc.assert(
      fc.asyncProperty(
        policy,
        fc.array(fc.tuple(callFields, payload), { minLength: 1, maxLength: 6 }),
        fc.option(redacting, { nil: undefined }),
        fc.constantFrom("enforce", "observe" as const),
        async (written, calls, audit, mode) => {
          const made = Policy.parse(JSON.stringify(written));
          const recorded = calls.map(([fields, data]) => ({ ...fields, payload: data }));
          const log = await records.write(made, recorded, { audit, mode });
          const replayed = (await replayAll(log, made)).calls.map(({ change }) => change);
          expect(replayed).toHaveLength(calls.length);
          for (const change of replayed) expect(["none", "undecidable", "refused"]).toContain(change);
          if (audit === undefined) expect(replayed).not.toContain("undecidable");
          decided += replayed.filter((change) => change === "none").length;
        },
      ),
      { numRuns: 60 },
    );
    expect(decided).toBeGreaterThan(100);
  });
});

/** A log of the same calls with the text of one entry changed, as an editor of SQLite files would. */
async function tampered(): Promise<string> {
  const path = await records.write(STRICT, CALLS);
  const { default: init } = await import("sql.js");
  const engine = await init();
  const database = new engine.Database(readFileSync(path));
  database.run("UPDATE entries SET body = replace(body, 'rm -rf /', 'rm -rf .') WHERE seq = 2");
  writeFileSync(path, database.export());
  database.close();
  return path;
}

describe("a broken chain", () => {
  it("ends with an error that names the entry", async () => {
    await expect(replayAll(await tampered(), LOOSE)).rejects.toMatchObject({
      code: "ERR_AUDIT_CORRUPT",
      seq: 2,
      message: expect.stringContaining("the chain is broken at entry 2"),
    });
  });

  it("is read as far as it can be, on demand", async () => {
    const { calls, end } = await replayAll(await tampered(), LOOSE, { force: true });
    expect(calls.map(({ name }) => name)).toEqual(["entry 1", "entry 3", "entry 5", "entry 6"]);
    expect(end.verified).toMatchObject({ intact: false });
  });

  it("is an error where there is no log at all", async () => {
    await expect(replayAll(records.path("none.db"), LOOSE)).rejects.toMatchObject({ code: "ERR_AUDIT_UNAVAILABLE" });
  });
});

it("tells how far it has come", async () => {
  const log = await records.write(STRICT, CALLS);
  const told: number[] = [];
  await replayAll(log, LOOSE, { onProgress: (progress) => told.push(progress) });
  expect(told.at(-1)).toBe(1);
  expect(told).toEqual(told.toSorted((left, right) => left - right));
});
