import { createHash } from "node:crypto";

import { describe, expect, it } from "vitest";

import type { PreparedEntry, SaltedDigest } from "../../src/audit/format/entry.ts";
import {
  decisionEntry,
  outcomeEntry,
  policyEntry,
  recordedEvent,
  refusedPolicyEntry,
} from "../../src/audit/recording/record.ts";
import { cutTexts, MAX_RECORDED, MAX_TEXT, redact } from "../../src/audit/recording/redact.ts";
import { newSalt } from "../../src/audit/recording/salt.ts";
import { ActionEvent, type ActionEventFields, type Decision } from "../../src/event.ts";

const POLICY = "ab".repeat(32);
const ALLOW: Decision = { decision: "allow", reason: "policy_allow" };
const DENY: Decision = { decision: "deny", reason: "policy_deny" };
const TOKEN = `ghp_${"a".repeat(36)}`;

function event(fields: Partial<ActionEventFields> = {}): ActionEvent {
  return ActionEvent.create({ actor: "a", action: "b", resource: "r", environment: "test", ...fields });
}

/** What an entry says, without what the log adds. */
function said(entry: PreparedEntry): Record<string, unknown> {
  const { body } = entry.follow({ seq: 0, hash: "" }, "", "");
  const { v: _, log: __, seq: ___, prev: ____, ts: _____, ...own } = JSON.parse(body) as Record<string, unknown>;
  return own;
}

function decided(
  fields: Partial<ActionEventFields>,
  verdict: Decision & { approvalId?: string } = ALLOW,
  authorized = true,
) {
  const {
    event: id,
    digest: _,
    ...rest
  } = said(decisionEntry(recordedEvent(event(fields), {}), verdict, authorized, POLICY));
  expect(id).toMatch(/^[0-9a-f-]{36}$/);
  return rest;
}

function expectDigest(digest: unknown, text: string): void {
  const { salt, sha256 } = digest as SaltedDigest;
  expect(salt).toMatch(/^[0-9a-f]{32}$/);
  expect(sha256).toBe(createHash("sha256").update(Buffer.from(salt, "hex")).update(text, "utf8").digest("hex"));
}

describe("a decision's entry", () => {
  const FRAME = {
    kind: "decision",
    actor: "a",
    action: "b",
    resource: "r",
    capability: "r.b",
    environment: "test",
    decision: "allow",
    authorized: true,
    reason: "policy_allow",
    policy: POLICY,
    payload: {},
  };

  it.each<readonly [string, Partial<ActionEventFields>, object]>([
    ["nothing more than must be", {}, {}],
    ["the scope", { scope: "eu" }, { scope: "eu" }],
    ["a risk that is a number", { risk: 0 }, { risk: 0 }],
    ["a risk that is a name", { risk: "high" }, { risk: "high" }],
    ["the session", { sessionId: "s" }, { session: "s" }],
    ["that approval was asked for", { requireApproval: true }, { requireApproval: true }],
    ["that approval was not asked for, by nothing", { requireApproval: false }, {}],
    ["the context", { context: { tenant: "t" } }, { context: { tenant: "t" } }],
    ["the payload", { payload: { n: 1 } }, { payload: { n: 1 } }],
  ])("says %s", (_name, fields, members) => {
    expect(decided(fields)).toEqual({ ...FRAME, ...members });
  });

  it("says which rule decided, and where that stands", () => {
    const rule = { id: "no mail", section: "deny", index: 2, source: { file: "p.yaml", line: 7 } } as const;
    expect(decided({}, { ...DENY, rule }, false)).toEqual({
      ...FRAME,
      decision: "deny",
      reason: "policy_deny",
      authorized: false,
      rule: { id: "no mail", section: "deny", index: 2, file: "p.yaml", line: 7 },
    });
  });

  it("says when a call was let through that was not allowed", () => {
    expect(decided({}, DENY, true)).toMatchObject({ authorized: true, enforced: false });
    expect(decided({}, DENY, false)).not.toHaveProperty("enforced");
    expect(decided({}, ALLOW, false)).not.toHaveProperty("enforced");
    expect(decided({}, ALLOW, true)).not.toHaveProperty("enforced");
  });

  it("says what the call waits for", () => {
    expect(decided({}, { ...ALLOW, approvalId: "q" })).toMatchObject({ approval: "q" });
  });

  it("says of a context what fits, and how long it was", () => {
    const full = textOfLength(MAX_RECORDED);
    expect(decided({ context: { a: full } })).toMatchObject({ context: { a: full } });
    const { context, contextCut } = decided({ context: { a: `${full}x` } });
    expect(contextCut).toBe(MAX_RECORDED + 1);
    expect(context).toEqual({ a: `${"x".repeat(MAX_TEXT)}[cut: ${full.length + 1 - MAX_TEXT} more characters]` });
  });
});

/** A text that makes `{"a":"…"}` so long. */
function textOfLength(json: number): string {
  return "x".repeat(json - '{"a":""}'.length);
}

describe("what is recorded of a payload", () => {
  it("is all of it, up to a length, and its digest", () => {
    const a = textOfLength(MAX_RECORDED);
    const { digest, ...whole } = recordedEvent(event({ payload: { a } }), {}).payload;
    expect(whole).toEqual({ payload: { a } });
    expectDigest(digest, JSON.stringify({ a }));
    const { digest: digestOfAll, ...cut } = recordedEvent(event({ payload: { a: `${a}x` } }), {}).payload;
    expect(cut).toEqual({
      payload: { a: `${"x".repeat(MAX_TEXT)}[cut: ${a.length + 1 - MAX_TEXT} more characters]` },
      cut: MAX_RECORDED + 1,
    });
    expectDigest(digestOfAll, JSON.stringify({ a: `${a}x` }));
  });

  it("is nothing but the digest when no payload is to be recorded", () => {
    const { digest, ...rest } = recordedEvent(event({ payload: { b: 1, a: 2 } }), { payload: "none" }).payload;
    expect(rest).toEqual({});
    expectDigest(digest, '{"a":2,"b":1}');
  });

  it("is not what was to be left out", () => {
    const { digest, ...rest } = recordedEvent(event({ payload: { a: 1, b: 2 } }), { redact: ["b"] }).payload;
    expect(rest).toEqual({ payload: { a: 1, b: "[redacted]" }, redacted: ["b"] });
    expectDigest(digest, '{"a":1,"b":2}');
  });

  it("is why it could not be taken, and not where, when no payload is to be recorded", () => {
    const broken = event({ payload: { [TOKEN]: { in: () => 1 } } });
    const { payloadProblem = "" } = broken;
    expect(payloadProblem).toContain(TOKEN);
    const what = payloadProblem.slice(payloadProblem.lastIndexOf(": ") + 2);
    expect(recordedEvent(broken, { payload: "none" }).payload).toEqual({ problem: what });
    expect(recordedEvent(broken, {}).payload).toEqual({
      problem: payloadProblem.replaceAll(TOKEN, "[redacted: GitHub token]"),
    });
  });

  it("takes text for long that is longer, and a whole for too large that is larger", () => {
    expect(cutTexts({ a: "x".repeat(MAX_TEXT) })).toEqual({ a: "x".repeat(MAX_TEXT) });
    expect(cutTexts({ a: `${"x".repeat(MAX_TEXT)}y` })).toEqual({
      a: `${"x".repeat(MAX_TEXT)}[cut: 1 more characters]`,
    });
    const many = Array.from({ length: 63 }, () => "x".repeat(MAX_TEXT));
    const left = MAX_RECORDED - JSON.stringify({ a: [...many, ""] }).length;
    expect(cutTexts({ a: [...many, "x".repeat(left)] })).toBeDefined();
    expect(cutTexts({ a: [...many, "x".repeat(left + 1)] })).toBeUndefined();
  });

  it("has any one member left out by a star alone", () => {
    expect(redact({ a: 1, b: { c: 2 } }, ["*"]).json).toEqual({ a: "[redacted]", b: "[redacted]" });
  });

  it("has no secret in a member's name", () => {
    expect(redact({ [TOKEN]: { [TOKEN]: [TOKEN, null, 7] } }, [])).toEqual({
      json: { "[redacted: GitHub token]": { "[redacted: GitHub token]": ["[redacted: GitHub token]", null, 7] } },
      redacted: ["GitHub token"],
    });
  });
});

describe("an outcome's entry", () => {
  const verdict = { ...ALLOW, authorized: true, enforced: true, eventId: "e", entry: { seq: 4, hash: "" } };
  const ended = (durationMs: number, output?: unknown): Record<string, unknown> =>
    said(outcomeEntry(event(), verdict, { status: "failed", durationMs, output }));

  it.each([
    [1.5, 1.5],
    [1.23456, 1.235],
    [-3, 0],
    [0, 0],
  ])("says how long a call of %d milliseconds took", (durationMs, ms) => {
    const { capability, environment } = event();
    const frame = { kind: "outcome", event: "e", actor: "a", capability, environment, of: 4, status: "failed" };
    expect(ended(durationMs)).toEqual({ ...frame, ms });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])("says nothing of a time of %d", (durationMs) => {
    expect(ended(durationMs)).not.toHaveProperty("ms");
  });

  it.each<readonly [unknown, string]>([
    ["done é", "done é"],
    ["", ""],
    [{ b: 1, a: ["x"] }, '{"a":["x"],"b":1}'],
    [null, "null"],
    [7, "7"],
  ])("commits to an output of %j", (output, text) => {
    expectDigest(ended(1, output)["output"], text);
  });

  it.each([undefined, () => 1, Symbol("x"), { in: () => 1 }])(
    "has no digest of what is no plain JSON: %s",
    (output) => {
      expect(ended(1, output)).not.toHaveProperty("output");
    },
  );
});

describe("a policy's entry", () => {
  it("says which one came into force, and which was before", () => {
    expect(said(policyEntry("new", "old"))).toEqual({ kind: "policy", policy: "new", previous: "old" });
  });

  it("says why another was refused, in so many characters, none of them split", () => {
    expect(said(refusedPolicyEntry("old", "line 7"))).toEqual({ kind: "policy", policy: "old", problem: "line 7" });
    const { problem } = said(refusedPolicyEntry("old", `${"x".repeat(1_023)}\u{1F600}`));
    expect(problem).toBe(`${"x".repeat(1_023)}\uFFFD`);
  });
});

it("no two salts are the same, and none changes when others are given out", () => {
  const salts = Array.from({ length: 1_000 }, () => newSalt());
  const early = salts.map((salt) => salt.toString("hex"));
  expect(early.every((salt) => salt.length === 32)).toBe(true);
  expect(new Set(early).size).toBe(1_000);
  for (let n = 0; n < 1_000; n += 1) newSalt();
  expect(salts.map((salt) => salt.toString("hex"))).toEqual(early);
});
