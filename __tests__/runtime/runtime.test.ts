import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import canonicalize from "canonicalize";
import initSqlJs from "sql.js";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { DecisionEntry, Entry, OutcomeEntry } from "../../src/audit/format/entry.ts";
import { readEntries } from "../../src/audit/read.ts";
import { verifyLog } from "../../src/audit/verify.ts";
import { AuditUnavailableError, PolicyLoadError } from "../../src/errors.ts";
import { ActionEvent, type ActionEventFields, type Verdict } from "../../src/event.ts";
import { Policy } from "../../src/policy/policy.ts";
import type { Outcome } from "../../src/runtime/outcome.ts";
import { ActionRuntime } from "../../src/runtime/runtime.ts";

const DEMO = `deny:
  - capability: shell.execute
    contains: "rm -rf"
allow:
  - capability: shell.execute
`;

const FIELDS: ActionEventFields = {
  actor: "demo-agent",
  action: "execute",
  resource: "shell",
  environment: "production",
};
const LS: ActionEventFields = { ...FIELDS, payload: { command: "ls -la /tmp" } };
const RM: ActionEventFields = { ...FIELDS, payload: { command: "rm -rf /var/lib/postgresql" } };

let directory = "";
let log = "";
const open: ActionRuntime[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "capfence-runtime-"));
  log = join(directory, "audit.db");
});

afterEach(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  vi.resetModules();
  await Promise.all(open.splice(0).map((runtime) => runtime.close()));
  rmSync(directory, { recursive: true, force: true });
});

type Options = NonNullable<Parameters<typeof ActionRuntime.fromPolicy>[1]>;

/** A runtime that is closed after the test at the latest. */
function runtimeOf(policy: string | Policy, options: Options = {}): ActionRuntime {
  const runtime = ActionRuntime.fromPolicy(policy, { auditLog: log, ...options });
  open.push(runtime);
  return runtime;
}

async function entriesOf(path = log): Promise<(Entry & { readonly hash: string })[]> {
  const entries: (Entry & { readonly hash: string })[] = [];
  for await (const { entry, hash } of readEntries(path)) entries.push({ ...entry, hash });
  return entries;
}

async function decisionsOf(path = log): Promise<(DecisionEntry & { readonly hash: string })[]> {
  return (await entriesOf(path)).filter((entry) => entry.kind === "decision");
}

async function outcomesOf(path = log): Promise<OutcomeEntry[]> {
  return (await entriesOf(path)).filter((entry) => entry.kind === "outcome");
}

function sha256(...parts: Buffer[]): string {
  return createHash("sha256").update(Buffer.concat(parts)).digest("hex");
}

describe("the walkthrough", () => {
  it("allows the harmless command, denies the dangerous one, and records both", async () => {
    const policyPath = join(directory, "demo.yaml");
    writeFileSync(policyPath, DEMO);
    const runtime = runtimeOf(policyPath);
    const safe = await runtime.execute(ActionEvent.create(LS));
    expect(safe.authorized).toBe(true);
    const dangerous = await runtime.execute(ActionEvent.create(RM));
    expect(dangerous.authorized).toBe(false);
    expect(dangerous.reason).toBe("policy_deny");
    await runtime.close();

    const { intact, entries, problems, last } = await verifyLog(log);
    expect({ intact, entries, problems }).toEqual({ intact: true, entries: 2, problems: [] });
    expect(last?.seq).toBe(2);
    expect(readdirSync(directory).toSorted()).toEqual(["audit.db", "demo.yaml"]);

    const { Database } = await initSqlJs();
    const database = new Database(readFileSync(log));
    const [table] = database.exec("SELECT * FROM decisions");
    database.close();
    expect(table?.columns.slice(0, 5)).toEqual(["timestamp", "agent_id", "capability", "decision", "reason"]);
    expect(table?.values.map((row) => row.slice(1, 5))).toEqual([
      ["demo-agent", "shell.execute", "allow", "policy_allow"],
      ["demo-agent", "shell.execute", "deny", "policy_deny"],
    ]);
  });

  it("holds with the policy that is shipped", async () => {
    const runtime = runtimeOf(fileURLToPath(new URL("../../policies/demo.yaml", import.meta.url)));
    const verdicts = await Promise.all([runtime.execute(LS), runtime.execute(RM)]);
    expect(verdicts.map(({ authorized, reason }) => [authorized, reason])).toEqual([
      [true, "policy_allow"],
      [false, "policy_deny"],
    ]);
  });
});

describe("a verdict", () => {
  const POLICY = Policy.parse(
    `deny:
  - capability: shell.execute
    contains: "rm -rf"
require_approval:
  - id: big-transfer
    capability: payments.transfer
    contains: "1000"
  - capability: shell.execute
    contains: sudo
allow:
  - shell
  - payments.transfer
`,
    { source: "team.yaml" },
  );

  it.each<[string, ActionEventFields, Partial<Verdict>]>([
    ["what allow covers", LS, { authorized: true, decision: "allow", reason: "policy_allow" }],
    ["what deny covers", RM, { authorized: false, decision: "deny", reason: "policy_deny" }],
    [
      "what require_approval covers",
      { actor: "a", resource: "payments", action: "transfer", payload: { amount: "1000" } },
      { authorized: false, decision: "require_approval", reason: "approval_required" },
    ],
    [
      "what require_approval and allow cover",
      { ...FIELDS, payload: { command: "sudo ls" } },
      { authorized: false, decision: "require_approval", reason: "approval_required" },
    ],
    [
      "what deny, require_approval and allow cover",
      { ...FIELDS, payload: { command: "sudo rm -rf /" } },
      { authorized: false, decision: "deny", reason: "policy_deny" },
    ],
    [
      "what nothing covers",
      { actor: "a", resource: "mail", action: "send" },
      { authorized: false, decision: "deny", reason: "policy_default_deny" },
    ],
    [
      "a payload that can't be judged",
      { ...FIELDS, payload: { amount: 1n } },
      { authorized: false, decision: "deny", reason: "payload_invalid" },
    ],
    ["a capability that is no name", { ...FIELDS, capability: "shell.*" }, { authorized: false, decision: "deny" }],
  ])("on %s", async (_name, fields, expected) => {
    const runtime = runtimeOf(POLICY);
    const event = ActionEvent.create(fields);
    const verdict = await runtime.execute(event);
    expect(verdict).toMatchObject({ ...expected, eventId: event.id });
    expect(Object.isFrozen(verdict)).toBe(true);
    await runtime.close();
    const [recorded, ...more] = await decisionsOf();
    expect(more).toEqual([]);
    expect(recorded).toMatchObject({
      seq: verdict.entry.seq,
      hash: verdict.entry.hash,
      event: event.id,
      decision: verdict.decision,
      authorized: verdict.authorized,
      reason: verdict.reason,
      policy: POLICY.digest,
    });
  });

  it("names the rule that decided, and so does its record", async () => {
    const runtime = runtimeOf(POLICY);
    const verdict = await runtime.execute({
      actor: "a",
      resource: "payments",
      action: "transfer",
      payload: { amount: "1000" },
    });
    expect(verdict.rule).toMatchObject({
      id: "big-transfer",
      section: "require_approval",
      index: 0,
      source: { file: "team.yaml" },
    });
    const [recorded] = await decisionsOf();
    expect(recorded?.rule).toEqual({
      id: "big-transfer",
      section: "require_approval",
      index: 0,
      file: "team.yaml",
      line: verdict.rule?.source.line,
    });
    const nothing = await runtime.execute({ actor: "a", resource: "mail", action: "send" });
    expect("rule" in nothing).toBe(false);
    expect((await decisionsOf())[1]).not.toHaveProperty("rule");
  });

  it("is frozen, its rule and entry too: changing one breaks no chain", async () => {
    const runtime = runtimeOf(POLICY);
    const verdict = await runtime.execute(LS);
    expect([verdict, verdict.entry, verdict.rule, verdict.rule?.source].map((part) => Object.isFrozen(part))).toEqual([
      true,
      true,
      true,
      true,
    ]);
    Reflect.set(verdict.entry, "hash", "0".repeat(64));
    Reflect.set(verdict.entry, "seq", 41);
    await runtime.execute(LS);
    await runtime.close();
    expect(await verifyLog(log)).toMatchObject({ intact: true, entries: 2, problems: [] });
  });

  it("is durable when it is given: the entry can be read before the log is closed", async () => {
    const runtime = runtimeOf(POLICY);
    const verdict = await runtime.execute(LS);
    expect((await decisionsOf()).map(({ seq, hash }) => ({ seq, hash }))).toEqual([verdict.entry]);
  });
});

describe("the record of a decision", () => {
  it("holds all fields of the event, the payload, and a salted digest of it", async () => {
    const runtime = runtimeOf(Policy.parse(DEMO, { source: "demo.yaml" }));
    const event = ActionEvent.create({
      ...LS,
      context: { user_role: "operator", tenant: { id: 7 } },
      scope: "eu",
      risk: 3,
      sessionId: "session-1",
      payload: { command: "ls", options: ["-l", { b: 1, a: null }] },
    });
    await runtime.execute(event);
    const [recorded] = await decisionsOf();
    expect(recorded).toMatchObject({
      kind: "decision",
      event: event.id,
      actor: "demo-agent",
      action: "execute",
      resource: "shell",
      capability: "shell.execute",
      environment: "production",
      scope: "eu",
      risk: 3,
      session: "session-1",
      context: { user_role: "operator", tenant: { id: 7 } },
      payload: { command: "ls", options: ["-l", { b: 1, a: null }] },
    });
    const salt = Buffer.from(recorded?.digest?.salt ?? "", "hex");
    expect(salt).toHaveLength(16);
    const text = Buffer.from('{"command":"ls","options":["-l",{"a":null,"b":1}]}');
    expect(recorded?.digest?.sha256).toBe(sha256(salt, text));
  });

  it("has another salt for each decision, so equal payloads don't show as equal", async () => {
    const runtime = runtimeOf(Policy.parse(DEMO), { audit: { payload: "none" } });
    await Promise.all([runtime.execute(LS), runtime.execute(LS)]);
    const digests = (await decisionsOf()).map(({ digest }) => digest);
    expect(new Set(digests.map((digest) => digest?.salt)).size).toBe(2);
    expect(new Set(digests.map((digest) => digest?.sha256)).size).toBe(2);
  });

  it("leaves out what it is told to, and judges it all the same", async () => {
    const runtime = runtimeOf(Policy.parse(DEMO), { audit: { redact: ["password", "auth.token"] } });
    const payload = { command: "ls", password: "hunter2", auth: { token: "t0ken", user: "bob" } };
    const verdicts = [
      await runtime.execute({ ...FIELDS, payload }),
      await runtime.execute({ ...FIELDS, payload: { password: "rm -rf /" } }),
    ];
    expect(verdicts.map(({ reason }) => reason)).toEqual(["policy_allow", "policy_deny"]);
    const [first] = await decisionsOf();
    expect(first?.payload).toMatchObject({ command: "ls", auth: { user: "bob" } });
    expect(JSON.stringify(await entriesOf())).not.toMatch(/hunter2|t0ken|rm -rf/);
    const salt = Buffer.from(first?.digest?.salt ?? "", "hex");
    expect(first?.digest?.sha256).toBe(sha256(salt, Buffer.from(canonicalize(payload) ?? "")));
  });

  it("holds no payload at all when told so, only the digest", async () => {
    const runtime = runtimeOf(Policy.parse(DEMO), { audit: { payload: "none" } });
    await runtime.execute(LS);
    const [recorded] = await decisionsOf();
    expect(recorded).not.toHaveProperty("payload");
    expect(recorded?.digest?.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  it("says what was wrong with a payload that can't be judged, and holds nothing of it", async () => {
    const runtime = runtimeOf(Policy.parse("allow: ['*']"));
    const verdict = await runtime.execute({
      ...FIELDS,
      payload: { secret: "hunter2", list: [{ amount: Number.NaN }] },
    });
    expect(verdict).toMatchObject({ authorized: false, decision: "deny", reason: "payload_invalid" });
    expect(verdict).not.toHaveProperty("rule");
    const [recorded] = await decisionsOf();
    expect(recorded).toMatchObject({ reason: "payload_invalid", problem: "list[0].amount: NaN is not a JSON number" });
    for (const field of ["payload", "digest", "redacted", "rule"]) expect(recorded).not.toHaveProperty(field);
    expect(JSON.stringify(recorded)).not.toContain("hunter2");
  });
});

describe("what is judged", () => {
  it("is the payload as it was when execute was called", async () => {
    const runtime = runtimeOf(Policy.parse(DEMO));
    const payload = { command: "ls", more: ["a"] };
    const verdict = runtime.execute({ ...FIELDS, payload });
    payload.command = "rm -rf /";
    payload.more.push("rm -rf /");
    expect((await verdict).authorized).toBe(true);
    expect((await decisionsOf())[0]?.payload).toEqual({ command: "ls", more: ["a"] });
  });

  it("is a Date's ISO text", async () => {
    const runtime = runtimeOf(Policy.parse('deny:\n  - capability: shell\n    contains: "1970-01-01"\nallow: [shell]'));
    const verdict = await runtime.execute({ ...FIELDS, payload: { when: new Date(0) } });
    expect(verdict.reason).toBe("policy_deny");
    expect((await decisionsOf())[0]?.payload).toEqual({ when: "1970-01-01T00:00:00.000Z" });
  });

  it.each<[string, () => unknown]>([
    ["a getter", () => Object.defineProperty({}, "command", { get: () => "ls", enumerable: true })],
    ["a Proxy", () => new Proxy({ command: "ls" }, {})],
    ["a toJSON", () => ({ command: "rm -rf /", toJSON: () => ({ command: "ls" }) })],
    ["an inherited toJSON", () => Object.create({ toJSON: () => ({ command: "ls" }) })],
    ["a hidden member", () => Object.defineProperty({ command: "ls" }, "path", { value: "rm -rf /" })],
    ["null", () => null],
    ["text", () => "ls"],
    ["a list", () => ["ls"]],
  ])("is never a payload that is %s", async (_name, make) => {
    const runtime = runtimeOf(Policy.parse("allow: ['*']"));
    const verdict = await runtime.execute({ ...FIELDS, payload: make() });
    expect(verdict).toMatchObject({ authorized: false, reason: "payload_invalid" });
  });
});

describe("a look-alike of an event", () => {
  it("is judged by a copy of its own, when it is plain fields", async () => {
    const runtime = runtimeOf(Policy.parse(DEMO));
    const verdict = await runtime.execute(LS);
    const [recorded] = await decisionsOf();
    expect(verdict.eventId).toMatch(/^[0-9a-f-]{36}$/);
    expect(recorded).toMatchObject({ event: verdict.eventId, payload: { command: "ls -la /tmp" } });
  });

  it("is copied again, when it is an event of another copy of the package", async () => {
    vi.resetModules();
    const copy = await import("../../src/event.ts");
    const foreign = copy.ActionEvent.create({ ...RM, scope: "eu", sessionId: "s", context: { tenant: "t" } });
    const runtime = runtimeOf(Policy.parse(DEMO));
    const verdict = await runtime.execute(foreign);
    expect(verdict).toMatchObject({ authorized: false, reason: "policy_deny" });
    expect(verdict.eventId).not.toBe(foreign.id);
    expect((await decisionsOf())[0]).toMatchObject({
      event: verdict.eventId,
      scope: "eu",
      session: "s",
      context: { tenant: "t" },
    });
  });

  it("is refused, when it is an event of another copy whose payload could not be taken", async () => {
    vi.resetModules();
    const copy = await import("../../src/event.ts");
    const foreign = copy.ActionEvent.create({ ...FIELDS, payload: new Map([["command", "rm -rf /"]]) });
    const runtime = runtimeOf(Policy.parse("allow: ['*']"));
    expect(await runtime.execute(foreign)).toMatchObject({ authorized: false, reason: "payload_invalid" });
    expect((await decisionsOf())[0]).toMatchObject({ problem: "payload: an instance of a class" });
  });

  it("is read once, when it shows something else each time", async () => {
    const event = ActionEvent.create(LS);
    const answers = {
      payload: [{ command: "ls" }, { command: "rm -rf /" }],
      capability: ["shell.execute", "mail.send"],
    };
    const turning = new Proxy(Object.assign({}, event), {
      get: (target, name) => {
        const left: unknown[] = Reflect.get(answers, name) ?? [];
        return left.length > 0 ? left.shift() : Reflect.get(target, name);
      },
    });
    const runtime = runtimeOf(Policy.parse(DEMO));
    const verdict = await runtime.execute(turning);
    const [recorded] = await decisionsOf();
    expect(verdict).toMatchObject({ authorized: true, reason: "policy_allow" });
    expect(recorded).toMatchObject({ capability: "shell.execute", payload: { command: "ls" }, event: verdict.eventId });
    expect(verdict.eventId).not.toBe(event.id);
  });

  it("with an event's prototype is no event: its payload is copied", async () => {
    const payload = { command: "ls" };
    const forged = Object.create(ActionEvent.prototype, {
      ...Object.getOwnPropertyDescriptors(ActionEvent.create(FIELDS)),
      payload: { value: payload, enumerable: true },
    }) as ActionEvent;
    const runtime = runtimeOf(Policy.parse(DEMO));
    const verdict = runtime.execute(forged);
    payload.command = "rm -rf /";
    expect((await verdict).authorized).toBe(true);
    expect((await decisionsOf())[0]?.payload).toEqual({ command: "ls" });
  });

  it.each([undefined, null, "shell.execute", {}, { ...FIELDS, actor: "" }])(
    "that can't be made an event is a TypeError, and nothing is recorded: %j",
    async (event) => {
      const runtime = runtimeOf(Policy.parse("allow: ['*']"));
      await expect(runtime.execute(event as never)).rejects.toThrow(TypeError);
      await runtime.close();
      expect(existsSync(log)).toBe(false);
    },
  );
});

describe("recordOutcome", () => {
  it.each<[string, Outcome, Partial<OutcomeEntry>, string | undefined]>([
    ["a text", { status: "finished", durationMs: 12.3456, output: "done ✓" }, { ms: 12.346 }, "done ✓"],
    ["plain JSON", { status: "finished", durationMs: 0, output: { b: [1], a: null } }, { ms: 0 }, '{"a":null,"b":[1]}'],
    ["a number", { status: "finished", durationMs: 1, output: 0 }, {}, "0"],
    ["nothing", { status: "failed", durationMs: 5 }, { status: "failed", ms: 5 }, undefined],
    ["a function", { status: "finished", durationMs: 5, output: () => "x" }, {}, undefined],
    ["a Proxy", { status: "finished", durationMs: 5, output: new Proxy({}, {}) }, {}, undefined],
    ["what was aborted", { status: "aborted", durationMs: -1 }, { status: "aborted", ms: 0 }, undefined],
  ])(
    "records how the call ended, and commits to its output when that is %s",
    async (_name, outcome, expected, text) => {
      const runtime = runtimeOf(Policy.parse(DEMO));
      const event = ActionEvent.create(LS);
      const verdict = await runtime.execute(event);
      await runtime.recordOutcome(event, verdict, outcome);
      const [recorded, ...more] = await outcomesOf();
      expect(more).toEqual([]);
      expect(recorded).toMatchObject({
        event: event.id,
        of: verdict.entry.seq,
        actor: "demo-agent",
        capability: "shell.execute",
        environment: "production",
        status: outcome.status,
        ...expected,
      });
      const salt = Buffer.from(recorded?.output?.salt ?? "", "hex");
      expect(recorded?.output?.sha256).toBe(text === undefined ? undefined : sha256(salt, Buffer.from(text)));
      await runtime.close();
      expect(await verifyLog(log)).toMatchObject({ intact: true, entries: 2 });
    },
  );

  it("names the event of its decision, when that was a copy of another copy's event", async () => {
    vi.resetModules();
    const copy = await import("../../src/event.ts");
    const foreign = copy.ActionEvent.create(LS);
    const runtime = runtimeOf(Policy.parse(DEMO));
    const verdict = await runtime.execute(foreign);
    await runtime.recordOutcome(foreign, verdict, { status: "finished", durationMs: 1 });
    expect((await outcomesOf())[0]).toMatchObject({ event: verdict.eventId, of: verdict.entry.seq });
  });

  it("records each outcome with its own decision, whatever the order they end in", async () => {
    const runtime = runtimeOf(Policy.parse(DEMO));
    const events = Array.from({ length: 20 }, () => ActionEvent.create(LS));
    const verdicts = await Promise.all(events.map((event) => runtime.execute(event)));
    const calls = events.map((event, index) => ({ event, verdict: verdicts[index] as Verdict }));
    const ends = calls.toReversed();
    await Promise.all(
      ends.map(({ event, verdict }) => runtime.recordOutcome(event, verdict, { status: "finished", durationMs: 1 })),
    );
    const seqOf = new Map((await decisionsOf()).map(({ event, seq }) => [event, seq]));
    const outcomes = await outcomesOf();
    expect(outcomes).toHaveLength(20);
    expect(outcomes.map(({ event }) => seqOf.get(event))).toEqual(outcomes.map(({ of }) => of));
  });
});

describe("concurrency", () => {
  it("200 calls at once: each verdict's entry is in the log, with the content that was judged", async () => {
    const runtime = runtimeOf(Policy.parse(DEMO));
    const events = Array.from({ length: 200 }, (_, index) =>
      ActionEvent.create({
        ...FIELDS,
        payload: { command: index % 3 === 0 ? `rm -rf /${index}` : `ls /${index}`, index },
      }),
    );
    const verdicts = await Promise.all(events.map((event) => runtime.execute(event)));
    await runtime.close();
    const recorded = new Map((await decisionsOf()).map((entry) => [entry.event, entry]));
    expect(recorded.size).toBe(200);
    for (const [index, event] of events.entries()) {
      const { decision, reason, authorized, entry, eventId } = verdicts[index] as Verdict;
      expect(reason).toBe(index % 3 === 0 ? "policy_deny" : "policy_allow");
      expect(eventId).toBe(event.id);
      expect(recorded.get(event.id)).toMatchObject({ ...entry, decision, reason, authorized, payload: event.payload });
    }
    expect(new Set(verdicts.map(({ entry }) => entry.seq)).size).toBe(200);
    expect(await verifyLog(log)).toMatchObject({ intact: true, entries: 200, problems: [] });
  });

  it("two runtimes on one log share one chain", async () => {
    const strict = runtimeOf(Policy.parse("deny: [shell]"));
    const mild = runtimeOf(Policy.parse("allow: [shell]"));
    const verdicts = await Promise.all(
      Array.from({ length: 60 }, (_, index) => (index % 2 === 0 ? strict : mild).execute(LS)),
    );
    await strict.close();
    verdicts.push(await mild.execute(LS));
    await mild.close();
    const decisions = await decisionsOf();
    expect(decisions.map(({ seq }) => seq)).toEqual(Array.from({ length: 61 }, (_, index) => index + 1));
    expect(new Set(decisions.map(({ log: identity }) => identity)).size).toBe(1);
    expect(new Set(decisions.map(({ policy }) => policy)).size).toBe(2);
    for (const { entry, eventId, reason } of verdicts) {
      expect(decisions.find(({ event }) => event === eventId)).toMatchObject({ ...entry, reason });
    }
    expect(await verifyLog(log)).toMatchObject({ intact: true, entries: 61 });
  });

  it("a runtime of another copy of the package, on the same log, continues the same chain", async () => {
    const ours = runtimeOf(Policy.parse(DEMO));
    await ours.execute(LS);
    vi.resetModules();
    const copy = { ...(await import("../../src/runtime/runtime.ts")), ...(await import("../../src/policy/policy.ts")) };
    const theirs = copy.ActionRuntime.fromPolicy(copy.Policy.parse(DEMO), { auditLog: log });
    const verdicts = await Promise.all([ours.execute(LS), theirs.execute(RM), ours.execute(RM), theirs.execute(LS)]);
    await theirs.close();
    await ours.execute(LS);
    await ours.close();
    expect(verdicts.map(({ authorized }) => authorized)).toEqual([true, false, false, true]);
    expect(await verifyLog(log)).toMatchObject({ intact: true, entries: 6 });
  });

  it("a log that was closed is continued by the next runtime", async () => {
    for (const round of [1, 2, 3]) {
      const runtime = runtimeOf(Policy.parse(DEMO));
      expect((await runtime.execute(LS)).entry.seq).toBe(round);
      await runtime.close();
    }
    expect(await verifyLog(log)).toMatchObject({ intact: true, entries: 3 });
  });
});

describe("closing", () => {
  it("refuses further calls, and records none of them", async () => {
    const runtime = runtimeOf(Policy.parse(DEMO));
    await runtime.execute(LS);
    await runtime.close();
    const refused = runtime.execute(LS);
    await expect(refused).rejects.toBeInstanceOf(AuditUnavailableError);
    await expect(refused).rejects.toMatchObject({ path: log, message: expect.stringMatching(/closed/) });
    expect(await decisionsOf()).toHaveLength(1);
  });

  it("waits for calls under way: each is in the log, or was refused", async () => {
    const runtime = runtimeOf(Policy.parse(DEMO));
    const first = await runtime.execute(LS);
    const calls = Promise.allSettled(Array.from({ length: 50 }, () => runtime.execute(LS)));
    await runtime.close();
    const settled = await calls;
    const given = [first, ...settled.filter((call) => call.status === "fulfilled").map((call) => call.value)];
    const refused = settled.filter((call) => call.status === "rejected").map((call): unknown => call.reason);
    expect(refused.filter((error) => !AuditUnavailableError.isInstance(error))).toEqual([]);
    expect((await decisionsOf()).map(({ seq, hash }) => ({ seq, hash }))).toEqual(given.map(({ entry }) => entry));
    expect(await verifyLog(log)).toMatchObject({ intact: true, entries: given.length });
  });

  it("waits for the first call, which opens the log", async () => {
    const runtime = runtimeOf(Policy.parse(DEMO));
    const calls = Promise.allSettled([runtime.execute(LS), runtime.execute(RM)]);
    await runtime.close();
    const given = (await calls).filter((call) => call.status === "fulfilled");
    if (given.length > 0) expect(await verifyLog(log)).toMatchObject({ intact: true, entries: given.length });
    expect(readdirSync(directory).filter((name) => name !== "audit.db")).toEqual([]);
  });

  it("can be done twice", async () => {
    const runtime = runtimeOf(Policy.parse(DEMO));
    const other = runtimeOf(Policy.parse(DEMO));
    await Promise.all([runtime.execute(LS), other.execute(LS)]);
    await runtime.close();
    await runtime.close();
    expect((await other.execute(LS)).entry.seq).toBe(3);
    await other.close();
    await other.close();
    expect(await verifyLog(log)).toMatchObject({ intact: true, entries: 3 });
  });

  it("can be done twice at the same time", async () => {
    const runtime = runtimeOf(Policy.parse(DEMO));
    await runtime.execute(LS);
    await Promise.all([runtime.close(), runtime.close()]);
    expect(await verifyLog(log)).toMatchObject({ intact: true, entries: 1 });
  });

  it("twice at the same time lets go of the log once: another runtime goes on", async () => {
    const runtime = runtimeOf(Policy.parse(DEMO));
    const other = runtimeOf(Policy.parse(DEMO));
    await Promise.all([runtime.execute(LS), other.execute(LS)]);
    await Promise.all([runtime.close(), runtime.close()]);
    expect((await other.execute(LS)).entry.seq).toBe(3);
  });

  it("makes no log when nothing was decided", async () => {
    await runtimeOf(Policy.parse(DEMO)).close();
    expect(readdirSync(directory)).toEqual([]);
  });

  it("is what Symbol.asyncDispose does", async () => {
    const runtime = runtimeOf(Policy.parse(DEMO));
    await runtime.execute(LS);
    await runtime[Symbol.asyncDispose]();
    await expect(runtime.execute(LS)).rejects.toBeInstanceOf(AuditUnavailableError);
    expect(readdirSync(directory)).toEqual(["audit.db"]);
  });
});

describe("the audit log's path", () => {
  it("is CAPFENCE_AUDIT_LOG when no option names one", async () => {
    const path = join(directory, "from-environment.db");
    vi.stubEnv("CAPFENCE_AUDIT_LOG", path);
    const runtime = runtimeOf(Policy.parse(DEMO), { auditLog: undefined });
    vi.stubEnv("CAPFENCE_AUDIT_LOG", join(directory, "later.db"));
    await runtime.execute(LS);
    await runtime.close();
    expect(readdirSync(directory)).toEqual(["from-environment.db"]);
  });

  it("is the option's, whatever CAPFENCE_AUDIT_LOG says", async () => {
    vi.stubEnv("CAPFENCE_AUDIT_LOG", join(directory, "from-environment.db"));
    const runtime = runtimeOf(Policy.parse(DEMO));
    await runtime.execute(LS);
    await runtime.close();
    expect(readdirSync(directory)).toEqual(["audit.db"]);
  });

  it.each([undefined, ""])("is ./audit.db when CAPFENCE_AUDIT_LOG is %j", async (configured) => {
    vi.stubEnv("CAPFENCE_AUDIT_LOG", configured);
    const workingDirectory = vi.spyOn(process, "cwd").mockReturnValue(directory);
    const runtime = runtimeOf(Policy.parse(DEMO), { auditLog: undefined });
    workingDirectory.mockRestore();
    await runtime.execute(LS);
    await runtime.close();
    expect(readdirSync(directory)).toEqual(["audit.db"]);
  });
});

describe("fromPolicy", () => {
  it("throws at once for a policy that is missing or wrong, and makes no log", () => {
    const path = join(directory, "missing.yaml");
    expect(() => runtimeOf(path)).toThrow(PolicyLoadError);
    writeFileSync(path, "alow: [shell]\n");
    expect(() => runtimeOf(path)).toThrow(PolicyLoadError);
    expect(readdirSync(directory)).toEqual(["missing.yaml"]);
  });

  it.each<[string, unknown]>([
    ["nothing", undefined],
    ["null", null],
    ["a document", { allow: ["*"] }],
    [
      "an object with a policy's methods",
      { ready: () => undefined, evaluate: () => ({ decision: "allow" }), digest: "" },
    ],
  ])("throws a TypeError at once for what is no policy: %s", (_name, policy) => {
    expect(() => ActionRuntime.fromPolicy(policy as never, { auditLog: log })).toThrow(TypeError);
  });

  it("reads the policy once: changing the file later changes nothing", async () => {
    const path = join(directory, "demo.yaml");
    writeFileSync(path, DEMO);
    const runtime = runtimeOf(path);
    writeFileSync(path, "allow: ['*']\n");
    expect((await runtime.execute(RM)).authorized).toBe(false);
  });

  it.each<[string, object]>([
    ["ActionRuntime: unknown option auditlog", { auditlog: "audit.db" }],
    ["ActionRuntime: unknown option audit.redacted", { audit: { redacted: ["password"] } }],
    [
      "ActionRuntime: auditLog must be the path of a file, a postgres:// URL, or a Pool of the package pg",
      { auditLog: "" },
    ],
    [
      "ActionRuntime: auditLog must be the path of a file, a postgres:// URL, or a Pool of the package pg",
      { auditLog: ":memory:" },
    ],
    [
      "ActionRuntime: auditLog must be the path of a file, a postgres:// URL, or a Pool of the package pg",
      { auditLog: 5 },
    ],
    [
      "ActionRuntime: auditLog must be the path of a file, a postgres:// URL, or a Pool of the package pg",
      { auditLog: null },
    ],
    ["ActionRuntime: onAuditError must be a function", { onAuditError: "warn" }],
    ['ActionRuntime: audit.payload must be "redacted" or "none"', { audit: { payload: "all" } }],
    ["ActionRuntime: audit.redact must be a list of paths", { audit: { redact: "password" } }],
    ["ActionRuntime: audit.redact must be a list of paths", { audit: { redact: [""] } }],
    ["ActionRuntime: audit.redact must be a list of paths", { audit: { redact: [/password/] } }],
  ])("refuses an option that means nothing: %s", (message, options) => {
    expect(() => runtimeOf(Policy.parse(DEMO), options)).toThrow(TypeError(message));
  });

  it.each([
    "$",
    "$.x",
    "$[0]",
    "$['x']",
    "a[0]",
    "a[]",
    "a[0].b",
    "b[*]",
    "b['c']",
    'b["c"]',
    " password",
    "password ",
    "a. b",
    "a..b",
    ".x",
    "x.",
    ".",
    "**",
    "**.x",
    "x.**",
    "pass*",
  ])("refuses a path to leave out that is written otherwise than paths are: %j", (path) => {
    expect(() => runtimeOf(Policy.parse(DEMO), { audit: { redact: ["password", path] } })).toThrow(
      TypeError(
        `ActionRuntime: audit.redact has ${JSON.stringify(path)}, but paths are written like "items.0.card", or "*.token" with * for any one member`,
      ),
    );
  });

  it.each([
    "password",
    "*",
    "*.token",
    "items.0.card",
    "items.*.card",
    "a b",
    "$filter",
    "$ref.x",
    "user[name]",
    "x-y",
  ])("takes %j as a path to leave out", (path) => {
    expect(() => runtimeOf(Policy.parse(DEMO), { audit: { redact: [path] } })).not.toThrow();
  });
});
