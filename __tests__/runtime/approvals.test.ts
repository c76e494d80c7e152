import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { ApprovalProblem } from "../../src/approval.ts";
import { readEntries } from "../../src/audit/read.ts";
import { verifyLog } from "../../src/audit/verify.ts";
import { ApprovalError, AuditUnavailableError } from "../../src/errors.ts";
import type { ActionEventFields } from "../../src/event.ts";
import { generateKeys, parseSignerKey } from "../../src/note.ts";
import { Policy } from "../../src/policy/policy.ts";
import type { PendingApproval } from "../../src/runtime/approvals-interface.ts";
import type { ActionRuntimeOptions } from "../../src/runtime/options.ts";
import { ActionRuntime } from "../../src/runtime/runtime.ts";
import { underTest } from "./log-under-test.ts";

const POLICY = `require_approval:
  - pay.send
allow:
  - mail.send
deny:
  - capability: pay.send
    contains: mallory
`;

const CALL = {
  actor: "agent",
  action: "send",
  resource: "pay",
  environment: "production",
  payload: { amount: 2500, to: "ACME" },
} satisfies ActionEventFields;

const START = Date.parse("2026-01-15T10:00:00Z");

let directory: string;
let auditLog: string;
const open: ActionRuntime[] = [];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: START });
  directory = mkdtempSync(join(tmpdir(), "capfence-approvals-"));
  auditLog = underTest.newLog(directory);
});

afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(open.splice(0).map(async (runtime) => await runtime.close()));
  rmSync(directory, { recursive: true });
});

function runtimeOf(policy: string | Policy = Policy.parse(POLICY), options: ActionRuntimeOptions = {}): ActionRuntime {
  const runtime = ActionRuntime.fromPolicy(typeof policy === "string" ? Policy.parse(policy) : policy, {
    auditLog,
    ...options,
  });
  open.push(runtime);
  return runtime;
}

/** The id of the request that a call makes. */
async function ask(runtime: ActionRuntime, call: ActionEventFields = CALL): Promise<string> {
  const { approvalId } = await runtime.execute(call);
  return approvalId ?? "";
}

async function problemOf(work: Promise<unknown>): Promise<ApprovalProblem | undefined> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error === undefined || !(error instanceof ApprovalError)) throw new Error(`no refusal, but ${String(error)}`);
  return error.reason;
}

function later(seconds: number): void {
  vi.setSystemTime(Date.now() + seconds * 1000);
}

/** What the log says about approvals: `requested`, `refused expired`, … */
async function recorded(): Promise<string[]> {
  const said: string[] = [];
  for await (const { entry } of readEntries(auditLog)) {
    if (entry.kind !== "approval" && entry.kind !== "grant") continue;
    said.push(entry.status === "refused" ? `refused ${entry.problem}` : entry.status);
  }
  return said;
}

async function decisionsOf(event: string): Promise<number> {
  let count = 0;
  for await (const { entry } of readEntries(auditLog))
    if (entry.kind === "decision" && entry.event === event) count += 1;
  return count;
}

describe("a call that needs approval", () => {
  it("is not authorized, and says which request waits", async () => {
    const verdict = await runtimeOf().execute(CALL);
    expect(verdict).toMatchObject({ authorized: false, decision: "require_approval", reason: "approval_required" });
    expect(verdict.approvalId).toMatch(/^[bdfgkmnprstvz][aeiou][bdfgkmnprstvz][aeiou]-(?:[bdfgkmnprstvz][aeiou]){2}$/);
  });

  it("joins the request that waits", async () => {
    const runtime = runtimeOf();
    const id = await ask(runtime);
    const again = await Promise.all([ask(runtime), ask(runtime, { ...CALL, payload: { to: "ACME", amount: 2500 } })]);
    expect(again).toEqual([id, id]);
    expect(await recorded()).toEqual(["requested"]);
  });

  it("runs once when it is approved, and then asks again", async () => {
    const runtime = runtimeOf();
    const id = await ask(runtime);
    await runtime.approvals.approve(id, { by: "alice" });
    expect(await runtime.execute(CALL)).toMatchObject({
      authorized: true,
      decision: "allow",
      reason: "approval_granted",
      approvalId: id,
      enforced: true,
    });
    const again = await runtime.execute(CALL);
    expect(again).toMatchObject({ authorized: false, reason: "approval_required" });
    expect(again.approvalId).not.toBe(id);
    expect(await recorded()).toEqual(["requested", "approved", "consumed", "requested"]);
  });

  it("runs once however often it is repeated at the same time", async () => {
    const runtime = runtimeOf();
    await runtime.approvals.approve(await ask(runtime), { by: "alice" });
    const verdicts = await Promise.all(Array.from({ length: 50 }, async () => await runtime.execute(CALL)));
    expect(verdicts.filter(({ authorized }) => authorized)).toHaveLength(1);
    expect(new Set(verdicts.map(({ approvalId }) => approvalId)).size).toBe(2);
  });

  it("stays rejected, with what the reviewer said, until the request expires", async () => {
    const runtime = runtimeOf();
    const id = await ask(runtime);
    await runtime.approvals.reject(id, { by: "alice", note: "Ask ACME for an invoice." });
    expect(await runtime.execute(CALL)).toMatchObject({
      authorized: false,
      decision: "require_approval",
      reason: "approval_rejected",
      approvalId: id,
      message: "Ask ACME for an invoice.",
    });
    expect(await ask(runtime)).toBe(id);
    later(3601);
    expect(await runtime.execute(CALL)).toMatchObject({ authorized: false, reason: "approval_required" });
  });

  it("is rejected when it was approved before, or after", async () => {
    const runtime = runtimeOf();
    const id = await ask(runtime);
    await runtime.approvals.approve(id, { by: "alice" });
    await runtime.approvals.reject(id, { by: "bob" });
    expect(await problemOf(runtime.approvals.approve(id, { by: "alice" }))).toBe("rejected");
    expect(await runtime.execute(CALL)).toMatchObject({ authorized: false, reason: "approval_rejected" });
  });

  it.each<[string, Partial<ActionEventFields>]>([
    ["actor", { actor: "other" }],
    ["environment", { environment: "staging" }],
    ["capability", { capability: "pay.send.eu" }],
    ["resource, with the same capability", { resource: "purse", capability: "pay.send" }],
    ["amount", { payload: { amount: 2501, to: "ACME" } }],
    ["member", { payload: { amount: 2500, to: "ACME", cc: "x" } }],
    ["type of a member", { payload: { amount: "2500", to: "ACME" } }],
    ["tool", { context: { tool_name: "wire" } }],
    ["tenant", { context: { tenant: "two" } }],
    ["role", { context: { user_role: "guest" } }],
  ])("asks anew for another %s", async (_, changed) => {
    const runtime = runtimeOf();
    const id = await ask(runtime);
    await runtime.approvals.approve(id, { by: "alice" });
    const other = await runtime.execute({ ...CALL, ...changed });
    expect(other).toMatchObject({ authorized: false, reason: "approval_required" });
    expect(other.approvalId).not.toBe(id);
    expect((await runtime.execute(CALL)).authorized).toBe(true);
  });

  it("does not mind what may differ from call to call", async () => {
    const runtime = runtimeOf();
    await runtime.approvals.approve(await ask(runtime, { ...CALL, context: { runId: "1" } }), { by: "alice" });
    expect((await runtime.execute({ ...CALL, context: { runId: "2" }, sessionId: "s" })).authorized).toBe(true);
  });

  it("asks anew under another policy", async () => {
    const path = join(directory, "policy.yaml");
    writeFileSync(path, POLICY);
    const runtime = runtimeOf(Policy.load(path));
    await runtime.approvals.approve(await ask(runtime), { by: "alice" });
    const other = runtimeOf(`${POLICY}  - mail.delete\n`);
    expect(await other.execute(CALL)).toMatchObject({ authorized: false, reason: "approval_required" });
  });

  it("is denied when a rule denies it, approved or not", async () => {
    const runtime = runtimeOf();
    const denied = { ...CALL, payload: { amount: 1, to: "mallory" } };
    expect(await runtime.execute(denied)).toMatchObject({ reason: "policy_deny" });
    await runtime.approvals.grant({ agent: "agent", capability: "pay", expiresInSeconds: 60, by: "alice" });
    expect(await runtime.execute(denied)).toMatchObject({ authorized: false, reason: "policy_deny" });
  });

  it("is asked for by the event too, which lifts no deny", async () => {
    const runtime = runtimeOf();
    const mail = { actor: "agent", action: "send", resource: "mail", environment: "production" };
    expect((await runtime.execute(mail)).authorized).toBe(true);
    expect(await runtime.execute({ ...mail, requireApproval: true })).toMatchObject({ reason: "approval_required" });
    const unknown = { ...mail, action: "burn", requireApproval: true };
    expect(await runtime.execute(unknown)).toMatchObject({ decision: "deny", reason: "policy_default_deny" });
  });

  it("asks nobody where the runtime only observes", async () => {
    const runtime = runtimeOf(POLICY, { mode: "observe" });
    const verdict = await runtime.execute(CALL);
    expect(verdict).toMatchObject({ authorized: true, enforced: false, decision: "require_approval" });
    expect(verdict.approvalId).toBeUndefined();
    expect(await runtime.approvals.pending()).toEqual([]);
  });

  it("is refused without a request when too many wait", async () => {
    const runtime = runtimeOf();
    const calls = Array.from({ length: 257 }, (_, amount) => ({ ...CALL, payload: { amount } }));
    const verdicts = await Promise.all(calls.map(async (call) => await runtime.execute(call)));
    expect(verdicts.filter(({ approvalId }) => approvalId !== undefined)).toHaveLength(256);
    expect(verdicts.every(({ authorized }) => !authorized)).toBe(true);
    later(3601);
    expect(await ask(runtime, { ...CALL, payload: { amount: 256 } })).not.toBe("");
  });

  it("waits across a restart", async () => {
    const first = runtimeOf();
    const id = await ask(first);
    await first.close();
    const answering = runtimeOf();
    await answering.approvals.approve(id, { by: "alice" });
    await answering.close();
    expect(await runtimeOf().execute(CALL)).toMatchObject({ authorized: true, approvalId: id });
  });
});

describe("an answer is refused, for a reason of its own, and the attempt is recorded", () => {
  const alice = { by: "alice" };

  it.each<[ApprovalProblem, boolean, (runtime: ActionRuntime, id: string) => Promise<unknown>]>([
    ["unknown", false, async ({ approvals }) => await approvals.approve("nobody-asked", alice)],
    ["own_request", true, async ({ approvals }, id) => await approvals.approve(id, { by: " Agent" })],
    ["wrong_request", true, async ({ approvals }, id) => await approvals.approve(id, { ...alice, request: "0" })],
    [
      "already_approved",
      true,
      async ({ approvals }, id) => {
        await approvals.approve(id, alice);
        await approvals.approve(id, alice);
      },
    ],
    [
      "consumed",
      true,
      async (runtime, id) => {
        await runtime.approvals.approve(id, alice);
        await runtime.execute(CALL);
        await runtime.approvals.approve(id, alice);
      },
    ],
    [
      "rejected",
      true,
      async ({ approvals }, id) => {
        await approvals.reject(id, alice);
        await approvals.approve(id, alice);
      },
    ],
    [
      "expired",
      true,
      async ({ approvals }, id) => {
        later(3600.001);
        await approvals.approve(id, alice);
      },
    ],
    [
      "expired",
      true,
      async (runtime, id) => {
        later(3601);
        await runtime.execute({ ...CALL, capability: "mail.send" });
        await runtime.approvals.approve(id, alice);
      },
    ],
  ])("%s", async (problem, isRecorded, work) => {
    const runtime = runtimeOf();
    const id = await ask(runtime);
    expect(await problemOf(work(runtime, id))).toBe(problem);
    expect((await recorded()).includes(`refused ${problem}`)).toBe(isRecorded);
    expect((await verifyLog(auditLog)).problems).toEqual([]);
  });
});

describe("the time of a request", () => {
  it("includes its last moment", async () => {
    const runtime = runtimeOf(`${POLICY}approval_timeout_seconds: 60\n`);
    const id = await ask(runtime);
    later(60);
    await runtime.approvals.approve(id, { by: "alice" });
    expect((await runtime.execute(CALL)).authorized).toBe(true);
  });

  it("ends an approval that was not used", async () => {
    const runtime = runtimeOf();
    const id = await ask(runtime);
    await runtime.approvals.approve(id, { by: "alice" });
    later(3600.001);
    expect(await runtime.execute(CALL)).toMatchObject({ authorized: false, reason: "approval_required" });
    expect(await recorded()).toEqual(["requested", "approved", "expired", "requested"]);
  });

  it.each<[string, (runtime: ActionRuntime) => Promise<unknown>]>([
    ["looked at", async (runtime) => await runtime.approvals.pending()],
    ["outlived by any entry", async (runtime) => await runtime.execute({ ...CALL, capability: "mail.send" })],
    ["asked for again", async (runtime) => await runtime.execute(CALL)],
  ])("is over for good once it was seen to be over: %s", async (_, look) => {
    const runtime = runtimeOf();
    const id = await ask(runtime);
    await runtime.approvals.approve(id, { by: "alice" });
    later(3601);
    await look(runtime);
    vi.setSystemTime(START);
    expect(await problemOf(runtime.approvals.approve(id, { by: "bob" }))).toBe("expired");
    const verdict = await runtime.execute(CALL);
    expect(verdict).toMatchObject({ authorized: false, reason: "approval_required" });
    await runtime.close();
    expect((await runtimeOf().execute(CALL)).approvalId).toBe(verdict.approvalId);
  });

  it("is not stretched for requests after a clock that ran ahead", async () => {
    const runtime = runtimeOf();
    later(86_400 * 365);
    await runtime.execute({ ...CALL, capability: "mail.send" });
    vi.setSystemTime(START);
    const id = await ask(runtime);
    await runtime.approvals.approve(id, { by: "alice" });
    later(3601);
    expect(await runtime.execute(CALL)).toMatchObject({ authorized: false, reason: "approval_required" });
  });
});

describe("with approverKeys", () => {
  const keys = generateKeys("alice");
  const others = generateKeys("alice");
  const signed = { approverKeys: [keys.verifier] };
  const key = parseSignerKey(keys.signer);

  it("an answer counts when one of the keys has signed it", async () => {
    const runtime = runtimeOf(POLICY, signed);
    await runtime.approvals.approve(await ask(runtime), { by: "alice", key });
    expect((await runtime.execute(CALL)).authorized).toBe(true);
  });

  it.each([
    ["no key", {}],
    ["another key of the same name", { key: parseSignerKey(others.signer) }],
  ])("an answer with %s is refused", async (_, given) => {
    const runtime = runtimeOf(POLICY, signed);
    expect(await problemOf(runtime.approvals.approve(await ask(runtime), { by: "alice", ...given }))).toBe("unsigned");
    expect((await runtime.execute(CALL)).authorized).toBe(false);
  });

  it("the key's name is a name of who answers, too", async () => {
    const agents = generateKeys("Agent");
    const runtime = runtimeOf(POLICY, { approverKeys: [agents.verifier] });
    const own = { by: "alice", key: parseSignerKey(agents.signer) };
    expect(await problemOf(runtime.approvals.approve(await ask(runtime), own))).toBe("own_request");
    const offer = { agent: "agent", capability: "pay", expiresInSeconds: 60, ...own };
    expect(await problemOf(runtime.approvals.grant(offer))).toBe("own_request");
  });

  it("an unsigned answer of another process is ignored, and a signed one still counts", async () => {
    const runtime = runtimeOf(POLICY, signed);
    const id = await ask(runtime);
    const unsigned = runtimeOf(POLICY);
    await unsigned.approvals.approve(id, { by: "alice" });
    expect((await runtime.execute(CALL)).authorized).toBe(false);
    await unsigned.approvals.reject(id, { by: "mallory" });
    await runtime.approvals.approve(id, { by: "alice", key });
    expect((await runtime.execute(CALL)).authorized).toBe(true);
  });

  it("grants that are made at the same time count each, among other entries", async () => {
    const runtime = runtimeOf(POLICY, signed);
    const agents = Array.from({ length: 5 }, (_, index) => `agent-${index}`);
    const offer = { capability: "pay.send", uses: 1, expiresInSeconds: 60, by: "alice", key };
    await Promise.all(
      agents.flatMap((agent) => [
        runtime.execute({ ...CALL, resource: "mail", actor: agent }),
        runtime.approvals.grant({ ...offer, agent }),
      ]),
    );
    const verdicts = await Promise.all(agents.map(async (actor) => await runtime.execute({ ...CALL, actor })));
    expect(verdicts.map(({ reason }) => reason)).toEqual(agents.map(() => "grant_used"));
  });

  it("an unsigned grant is ignored", async () => {
    const offer = { agent: "agent", capability: "pay", expiresInSeconds: 60, by: "alice" };
    await runtimeOf().approvals.grant(offer);
    const runtime = runtimeOf(POLICY, signed);
    expect((await runtime.execute(CALL)).authorized).toBe(false);
    expect(await problemOf(runtime.approvals.grant(offer))).toBe("unsigned");
    await runtime.approvals.grant({ ...offer, key });
    expect((await runtime.execute(CALL)).reason).toBe("grant_used");
  });
});

describe("a standing grant", () => {
  const offer = { agent: "agent", capability: "pay.send", expiresInSeconds: 60, by: "alice" };

  it("lets calls through without asking, as often as it says", async () => {
    const runtime = runtimeOf();
    const id = await runtime.approvals.grant({ ...offer, uses: 2 });
    const calls = await Promise.all(
      Array.from({ length: 5 }, async (_, amount) => await runtime.execute({ ...CALL, payload: { amount } })),
    );
    const through = calls.filter(({ authorized }) => authorized);
    expect(through).toHaveLength(2);
    expect(through[0]).toMatchObject({ decision: "allow", reason: "grant_used", approvalId: id });
    expect(await runtime.approvals.grants()).toEqual([]);
  });

  it.each<[string, object, boolean]>([
    ["any agent", { agent: "*" }, true],
    ["another agent", { agent: "other" }, false],
    ["the environment", { environment: "production" }, true],
    ["another environment", { environment: "staging" }, false],
    ["a part of the environment's name", { environment: "prod*" }, false],
    ["a capability above", { capability: "pay" }, true],
    ["the completed capability", { capability: "pay.send.production" }, true],
    ["a capability below", { capability: "pay.send.production.eu" }, false],
    ["any segment", { capability: "*.send" }, true],
    ["another capability", { capability: "pay.refund" }, false],
    ["a session", { session: "s" }, true],
    ["another session", { session: "S" }, false],
  ])("for %s", async (_, changed, covers) => {
    const runtime = runtimeOf();
    await runtime.approvals.grant({ ...offer, ...changed });
    expect((await runtime.execute({ ...CALL, sessionId: "s" })).authorized).toBe(covers);
  });

  it("ends with its time, to the moment", async () => {
    const runtime = runtimeOf();
    await runtime.approvals.grant(offer);
    later(60);
    expect((await runtime.execute(CALL)).authorized).toBe(true);
    later(0.001);
    expect((await runtime.execute(CALL)).authorized).toBe(false);
  });

  it("ends when it is revoked", async () => {
    const runtime = runtimeOf();
    const id = await runtime.approvals.grant(offer);
    await runtime.approvals.revoke(id, { by: "bob" });
    expect((await runtime.execute(CALL)).authorized).toBe(false);
    expect(await problemOf(runtime.approvals.revoke(id, { by: "bob" }))).toBe("revoked");
    expect(await problemOf(runtime.approvals.revoke("nothing-here", { by: "bob" }))).toBe("unknown");
  });

  it("does not lift a rejection", async () => {
    const runtime = runtimeOf();
    await runtime.approvals.reject(await ask(runtime), { by: "alice" });
    await runtime.approvals.grant(offer);
    expect((await runtime.execute(CALL)).reason).toBe("approval_rejected");
  });

  it("is not made by the agent itself", async () => {
    expect(await problemOf(runtimeOf().approvals.grant({ ...offer, by: "AGENT" }))).toBe("own_request");
  });

  it.each([
    ["uses", { uses: 0 }],
    ["expiresInSeconds", { expiresInSeconds: Number.NaN }],
    ["expiresInSeconds", { expiresInSeconds: -5 }],
    ["expiresInSeconds", { expiresInSeconds: Infinity }],
    ["capability", { capability: "bad cap" }],
    ["environment", { environment: "" }],
    ["by", { by: " " }],
  ])("needs sound %s", async (name, changed) => {
    const made = runtimeOf().approvals.grant({ ...offer, ...changed });
    await expect(made).rejects.toThrow(new RegExp(`^approvals: ${name} `));
  });
});

describe("waiting for an answer", () => {
  it("answers as soon as there is one", async () => {
    const runtime = runtimeOf(POLICY, { onApproval: "wait" });
    const asked = new Promise<PendingApproval>((resolve) => void runtime.approvals.on("requested", resolve));
    const verdict = runtime.execute(CALL);
    const { id, payload } = await asked;
    expect(payload).toEqual(CALL.payload);
    await runtimeOf().approvals.approve(id, { by: "alice" });
    expect(await verdict).toMatchObject({ authorized: true, reason: "approval_granted", approvalId: id });
  });

  it("lets one of two run for one approval", async () => {
    const runtime = runtimeOf(POLICY, { onApproval: "wait", timeoutMs: 1_000 });
    const approveFirst = runtime.approvals.on("requested", async ({ id }) => {
      approveFirst();
      await runtime.approvals.approve(id, { by: "alice" });
    });
    const verdicts = await Promise.all([runtime.execute(CALL), runtime.execute(CALL)]);
    expect(verdicts.map(({ reason }) => reason).toSorted()).toEqual(["approval_granted", "approval_required"]);
    expect(await recorded()).toEqual(["requested", "approved", "consumed", "requested"]);
  });

  it("ends with the time that was given, and the request stays", async () => {
    const runtime = runtimeOf();
    const verdict = await runtime.execute(CALL, { onApproval: "wait", timeoutMs: 1 });
    expect(verdict).toMatchObject({ authorized: false, reason: "approval_required" });
    expect(await runtime.approvals.pending()).toMatchObject([{ id: verdict.approvalId }]);
  });

  it("is recorded once while too many wait, and asks when there is room", async () => {
    const runtime = runtimeOf();
    const others = Array.from({ length: 256 }, (_, amount) => ({ ...CALL, payload: { amount } }));
    const [first] = await Promise.all(others.map(async (call) => await ask(runtime, call)));
    const verdict = await runtime.execute(CALL, { onApproval: "wait", timeoutMs: 1 });
    expect(verdict).toMatchObject({ authorized: false, reason: "approval_required" });
    expect(verdict.approvalId).toBeUndefined();
    expect(await decisionsOf(verdict.eventId)).toBe(1);
    const asked = new Promise<PendingApproval>((resolve) => void runtime.approvals.on("requested", resolve));
    const waiting = runtime.execute(CALL, { onApproval: "wait" });
    await runtime.approvals.approve(first ?? "", { by: "alice" });
    await runtime.execute({ ...CALL, payload: { amount: 0 } });
    await runtime.approvals.approve((await asked).id, { by: "alice" });
    expect(await waiting).toMatchObject({ authorized: true });
  });

  it("ends with the signal, with its reason", async () => {
    const runtime = runtimeOf();
    const ending = new AbortController();
    runtime.approvals.on("requested", () => ending.abort(new Error("enough")));
    const verdict = runtime.execute(CALL, { onApproval: "wait", signal: ending.signal });
    await expect(verdict).rejects.toThrow("enough");
    await expect(runtime.execute(CALL, { signal: ending.signal })).rejects.toThrow("enough");
  });

  it.each(["while it waits", "as it begins to"])("ends with the runtime, closed %s", async (when) => {
    // Another one holds the log, and no time passes: nothing in the log's files changes.
    vi.useFakeTimers({ toFake: ["Date", "setTimeout"], now: START });
    const other = runtimeOf();
    await ask(other, { ...CALL, actor: "other" });
    const runtime = runtimeOf();
    const asked = new Promise<void>((resolve) => void runtime.approvals.on("requested", () => resolve()));
    const refused = expect(runtime.execute(CALL, { onApproval: "wait" })).rejects.toSatisfy(
      (error) => AuditUnavailableError.isInstance(error) && error.message.includes("it has been closed"),
    );
    await asked;
    // It asks once more before it waits. What is asked after that is answered after it.
    for (let turns = when === "while it waits" ? 3 : 0; turns > 0; turns -= 1) await runtime.approvals.pending();
    await runtime.close();
    await refused;
    expect(await other.approvals.pending()).toHaveLength(2);
  });
});

describe("listening for requests", () => {
  it("tells of each new request once, until it is ended, whatever the listener does", async () => {
    const runtime = runtimeOf();
    const told: string[] = [];
    const end = runtime.approvals.on("requested", ({ id }) => {
      told.push(id);
      throw new Error("of the listener's own");
    });
    const id = await ask(runtime);
    await ask(runtime);
    end();
    await ask(runtime, { ...CALL, actor: "other" });
    expect(told).toEqual([id]);
  });

  it("tells what pending requests show, whatever another listener has done to that", async () => {
    const runtime = runtimeOf(POLICY, { audit: { redact: ["to"] } });
    const told: PendingApproval[] = [];
    runtime.approvals.on("requested", ({ payload }) => Object.assign(payload ?? {}, { to: "nobody" }));
    runtime.approvals.on("requested", (approval) => void told.push(approval));
    const long = {
      ...CALL,
      sessionId: "s",
      context: { tenant: "acme" },
      payload: { ...CALL.payload, n: "x".repeat(99_999) },
    };
    await runtime.execute(CALL);
    await runtime.execute(long, { tool: "pay" });
    expect(told).toHaveLength(2);
    expect(told).toEqual(await runtime.approvals.pending());
  });
});
