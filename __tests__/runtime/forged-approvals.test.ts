/** Somebody who can append to the log, and computes the chain rightly, but has no approver's key. */

import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import canonicalize from "canonicalize";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { PreparedEntry, type EntryContent, type Head } from "../../src/audit/format/entry.ts";
import { AuditLog } from "../../src/audit/log.ts";
import { readEntries } from "../../src/audit/read.ts";
import { verifyLog } from "../../src/audit/verify.ts";
import type { ActionEventFields, Verdict } from "../../src/event.ts";
import { generateKeys, parseSignerKey } from "../../src/note.ts";
import { Policy } from "../../src/policy/policy.ts";
import { ActionRuntime } from "../../src/runtime/runtime.ts";
import { underTest } from "./log-under-test.ts";

const POLICY = Policy.parse("require_approval:\n  - pay.send\nallow:\n  - mail.send\n");
const START = Date.parse("2026-01-15T10:00:00Z");
const CALL = {
  actor: "agent",
  action: "send",
  resource: "pay",
  environment: "production",
  payload: { amount: 1, to: "ACME" },
} satisfies ActionEventFields;
const THEFT = { ...CALL, payload: { amount: 9_999, to: "MALLORY" } };

const [[alice, aliceVerifier], [bob, bobVerifier]] = ["alice", "bob"].map((name) => {
  const { signer, verifier } = generateKeys(name);
  return [{ by: name, key: parseSignerKey(signer) }, verifier];
}) as [[Approver, string], [Approver, string]];

interface Approver {
  readonly by: string;
  readonly key: ReturnType<typeof parseSignerKey>;
}

type Told = Readonly<Record<string, unknown>>;

let directory: string;
let auditLog: string;
const open: ActionRuntime[] = [];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: START });
  directory = mkdtempSync(join(tmpdir(), "capfence-forged-"));
  auditLog = underTest.newLog(directory);
});

afterEach(async () => {
  vi.useRealTimers();
  await close();
  rmSync(directory, { recursive: true });
});

async function close(): Promise<void> {
  await Promise.all(open.splice(0).map(async (runtime) => await runtime.close()));
}

function runtimeOf(path = auditLog): ActionRuntime {
  const approverKeys = [aliceVerifier, bobVerifier];
  const runtime = ActionRuntime.fromPolicy(POLICY, { auditLog: path, approverKeys });
  open.push(runtime);
  return runtime;
}

async function ask(runtime: ActionRuntime, call: ActionEventFields = CALL): Promise<string> {
  return (await runtime.execute(call)).approvalId ?? "";
}

/** Appends what was made by hand; its chain is right. */
async function forge(...contents: readonly Told[]): Promise<readonly Head[]> {
  const log = new AuditLog(auditLog);
  const places: Head[] = [];
  for (const content of contents) places.push(await log.append(new PreparedEntry(content as unknown as EntryContent)));
  await log.close();
  return places;
}

/** The last entry of a status, as it was recorded, without what the log adds; and where it lies. */
async function recorded(status: string, path = auditLog): Promise<{ content: Told; seq: number; hash: string }> {
  for await (const { entry, seq, hash } of readEntries(path, "latest first")) {
    if ((entry as { status?: unknown }).status !== status) continue;
    const { v: _v, log: _log, seq: _seq, prev: _prev, ts: _ts, ...content } = entry;
    return { content, seq, hash };
  }
  throw new Error(`nothing is ${status}`);
}

/** Lets the log think that it is long past, and comes back. */
async function leap(): Promise<void> {
  vi.setSystemTime(START + 86_400_000);
  await forge({ kind: "policy", policy: "0" });
  vi.setSystemTime(START);
}

async function identity(): Promise<string> {
  for await (const { entry } of readEntries(auditLog)) return entry.log;
  throw new Error("no entries");
}

async function digestOf(payload: object): Promise<string> {
  const text = canonicalize(payload) ?? "";
  return createHash("sha256")
    .update(Buffer.from(await identity(), "hex"))
    .update(text)
    .digest("hex");
}

const REFUSED: Partial<Verdict> = { authorized: false, decision: "require_approval" };

describe("what a signed answer lets run", () => {
  it("is not what a forged request commits to while it shows something else", async () => {
    const runtime = runtimeOf();
    await ask(runtime);
    const { content } = await recorded("requested");
    await forge({ ...content, id: "kobu-tasi", digest: await digestOf(THEFT.payload) });
    const forged = (await runtime.approvals.pending()).find(({ id }) => id === "kobu-tasi");
    expect(forged).toMatchObject({ payload: CALL.payload });
    await runtime.approvals.approve("kobu-tasi", alice);
    expect(await runtime.execute(THEFT)).toMatchObject(REFUSED);
    expect(await runtime.execute(CALL)).toMatchObject(REFUSED);
  });

  it("is not shown where what is recorded of it is not what it commits to", async () => {
    const runtime = runtimeOf();
    const id = await ask(runtime, THEFT);
    const { content } = await recorded("requested");
    await runtime.approvals.reject(id, alice);
    await forge({ ...content, id: "kobu-tasi", payload: CALL.payload });
    const forged = (await runtime.approvals.pending()).find((each) => each.id === "kobu-tasi");
    expect(forged).toMatchObject({ isAltered: true });
    expect(forged).not.toHaveProperty("payload");
  });

  it.each<[string, ActionEventFields, (theft: Told) => Promise<Told> | Told]>([
    ["the arguments", THEFT, async () => ({ digest: await digestOf(THEFT.payload) })],
    ["the arguments, and what is shown", THEFT, ({ digest, shown }) => ({ digest, shown })],
    ["the actor", { ...CALL, actor: "mallory" }, () => ({ actor: "mallory" })],
    ["the expiry", CALL, () => ({ expires: "2099-01-01T00:00:00.000Z" })],
  ])("is not what a forged segment entry makes of the request: %s", async (what, call, change) => {
    const runtime = runtimeOf();
    const id = await ask(runtime);
    await runtime.approvals.approve(id, alice);
    await ask(runtime, THEFT);
    const theft = await recorded("requested");
    const log = new AuditLog(auditLog);
    const { answer } = await log.propose(({ open: { requests } }) => ({ entries: [], answer: requests.get(id) }));
    await log.close();
    const entry = { ...answer?.entry, ...(await change(theft.content)) };
    // As if all before it had been sealed and archived.
    const [last] = await forge({ kind: "policy", policy: "0" });
    const sealed = { first: 0, last: last?.seq, head: last?.hash, digest: "0".repeat(64) };
    await forge({ kind: "segment", ...sealed, open: { requests: [{ ...answer, entry }] } });
    await close();
    if (what === "the expiry") vi.setSystemTime(START + 3_601_000);
    expect(await runtimeOf().execute(call)).toMatchObject(REFUSED);
  });
});

describe("a signed answer that is recorded once more", () => {
  it("does not let the call run once more", async () => {
    const runtime = runtimeOf();
    await runtime.approvals.approve(await ask(runtime), alice);
    const [request, answer] = [await recorded("requested"), await recorded("approved")];
    expect((await runtime.execute(CALL)).authorized).toBe(true);
    await forge(answer.content, request.content, answer.content);
    expect(await runtime.execute(CALL)).toMatchObject(REFUSED);
    const again = await recorded("requested");
    await forge({ ...answer.content, id: again.content["id"], of: again.seq, request: again.hash });
    expect(await runtime.execute(CALL)).toMatchObject(REFUSED);
    await close();
    expect(await runtimeOf().execute(CALL)).toMatchObject(REFUSED);
    expect((await verifyLog(auditLog)).problems).toEqual([]);
  });

  it.each([
    ["another request's", {}],
    ["turned from a rejection", { status: "approved" }],
    ["by another name", { by: "carol" }],
    ["with another note", { note: "for everybody" }],
  ])("counts for nothing when it is changed: %s", async (_, change) => {
    const runtime = runtimeOf();
    const id = await ask(runtime);
    const wasRejected = "status" in change;
    await runtime.approvals[wasRejected ? "reject" : "approve"](id, alice);
    const { content } = await recorded(wasRejected ? "rejected" : "approved");
    await runtime.approvals.reject(id, alice).catch(() => {});
    const other = await ask(runtime, THEFT);
    const { seq: of, hash: request } = await recorded("requested");
    await forge({ ...content, ...change, id: other, of, request });
    expect(await runtime.execute(THEFT)).toMatchObject(REFUSED);
  });
});

describe("a signed rejection", () => {
  it("counts though the log is full of answers that nobody has signed", async () => {
    const runtime = runtimeOf();
    const id = await ask(runtime);
    await runtime.approvals.approve(id, alice);
    const { content } = await recorded("approved");
    const { signature: _, ...unsigned } = content;
    await forge(...Array.from({ length: 9 }, () => unsigned));
    await runtime.approvals.reject(id, bob);
    expect(await runtime.execute(CALL)).toMatchObject(REFUSED);
    await forge(...Array.from({ length: 9 }, () => ({ ...unsigned, status: "rejected" })));
    await forge(content);
    expect(await runtime.execute(CALL)).toMatchObject(REFUSED);
    await close();
    expect(await runtimeOf().execute(CALL)).toMatchObject(REFUSED);
  });

  it("is no answer to a person whose approval finds no room: they are told", async () => {
    const runtime = runtimeOf();
    const id = await ask(runtime);
    const { seq: of, hash: request } = await recorded("requested");
    const answer = { kind: "approval", status: "approved", id, of, request, by: "x", user: "x" };
    await forge(...Array.from({ length: 9 }, () => answer));
    await expect(runtime.approvals.approve(id, alice)).rejects.toMatchObject({ reason: "too_many_answers" });
  });
});

describe("a signed grant", () => {
  const offer = { agent: "agent", capability: "pay.send", expiresInSeconds: 3_600 };

  it.each([
    ["is used up", async (runtime: ActionRuntime) => void (await runtime.execute(CALL))],
    ["is revoked", async (runtime: ActionRuntime, id: string) => await runtime.approvals.revoke(id, { by: "bob" })],
  ])("that %s does not come back by being recorded once more", async (_, end) => {
    const runtime = runtimeOf();
    const id = await runtime.approvals.grant({ ...offer, ...alice, uses: 1 });
    await end(runtime, id);
    const { content } = await recorded("granted");
    await forge(content);
    expect(await runtime.execute(CALL)).toMatchObject(REFUSED);
    await leap();
    await forge(content, { ...content, id: "kobu-tasi" });
    expect(await runtime.execute(CALL)).toMatchObject(REFUSED);
    await close();
    expect(await runtimeOf().execute(CALL)).toMatchObject(REFUSED);
  });

  it("of another log is none", async () => {
    mkdirSync(join(directory, "elsewhere"));
    const elsewhere = underTest.newLog(join(directory, "elsewhere"));
    await runtimeOf(elsewhere).approvals.grant({ ...offer, ...alice });
    const { content, seq } = await recorded("granted", elsewhere);
    expect(seq).toBe(1);
    await forge(content);
    expect((await recorded("granted")).seq).toBe(seq);
    expect(await runtimeOf().execute(CALL)).toMatchObject(REFUSED);
  });
});

describe("keys that change", () => {
  it("take with them what they have signed", async () => {
    const runtime = runtimeOf();
    await runtime.approvals.approve(await ask(runtime), alice);
    const rotated = ActionRuntime.fromPolicy(POLICY, { auditLog, approverKeys: [bobVerifier] });
    open.push(rotated);
    expect(await rotated.execute(CALL)).toMatchObject(REFUSED);
    await rotated.approvals.approve(await ask(rotated), bob);
    expect((await rotated.execute(CALL)).authorized).toBe(true);
  });
});

describe("entries about approvals whose members make no sense", () => {
  const expires = "2026-01-15T11:00:00.000Z";
  const request = {
    kind: "approval",
    status: "requested",
    id: "kobu-tasi",
    event: "e",
    expires,
    digest: "0",
    policy: "0",
  };
  const bound = { actor: "agent", action: "send", resource: "pay", capability: "pay.send", environment: "production" };
  const grant = { kind: "grant", status: "granted", id: "tasi-kobu", expires, by: "x", user: "x", ...bound };

  it.each<[string, Told]>([
    ["a request", { ...request, ...bound, actor: 5 }],
    ["a request", { ...request, ...bound, capability: ["pay"] }],
    ["a request", { ...request, ...bound, rule: 5, context: 5, payload: "text", redacted: "text", cut: {}, tool: {} }],
    ["a grant", { ...grant, capability: 5 }],
    ["a grant", { ...grant, by: {}, session: 5 }],
  ])("stop neither a runtime nor a reviewer: %s", async (_, content) => {
    const runtime = runtimeOf();
    const id = await ask(runtime);
    await forge(content);
    expect((await runtime.approvals.pending()).map((each) => each.id)).toContain(id);
    await runtime.approvals.grants();
    await runtime.approvals.approve("kobu-tasi", alice).catch(() => {});
    expect(await runtime.execute(THEFT)).toMatchObject(REFUSED);
    await runtime.approvals.approve(id, alice);
    expect((await runtime.execute(CALL)).authorized).toBe(true);
  });
});
