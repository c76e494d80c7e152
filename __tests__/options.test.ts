import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { ActionEvent, ActionRuntime, assertGated, Policy, replay, verifyLog } from "../src/index.ts";

const log = join(mkdtempSync(join(tmpdir(), "capfence-options-")), "audit.db");
const policy = Policy.parse("allow: [shell.execute]");
const runtime = ActionRuntime.fromPolicy(policy, { auditLog: log });
const verdict = { eventId: "x", entry: { seq: 1, hash: "0".repeat(64) } };
const call = { actor: "ann", action: "execute", resource: "shell" };

/** Options that are not the entrance's own, or mean nothing, and what is said about them. */
const MISTAKES: readonly (readonly [string, (options: never) => unknown, unknown])[] = [
  ["verifyLog: unknown option anchor", async (options) => await verifyLog(log, options), { anchor: [] }],
  ["verifyLog: minSize must be", async (options) => await verifyLog(log, options), { minSize: "3" }],
  ["verifyLog: minSize must be", async (options) => await verifyLog(log, options), { minSize: Number.NaN }],
  ["verifyLog: minSize must be", async (options) => await verifyLog(log, options), { minSize: -1 }],
  ["verifyLog: anchors must be", async (options) => await verifyLog(log, options), { anchors: 3 }],
  ["verifyLog: anchors must be", async (options) => await verifyLog(log, options), { anchors: [{}] }],
  ["verifyLog: anchors must be", async (options) => await verifyLog(log, options), { anchors: ["note"] }],
  ["replay: unknown option from", async (options) => await replay(log, policy, options).next(), { from: 1 }],
  ["replay: since must be", async (options) => await replay(log, policy, options).next(), { since: "1d" }],
  ["replay: until must be", async (options) => await replay(log, policy, options).next(), { until: Number.NaN }],
  ["replay: agent must be text", async (options) => await replay(log, policy, options).next(), { agent: 7 }],
  [
    "ActionRuntime: unknown option onAproval",
    async (options) => await runtime.execute(call, options),
    { onAproval: "wait" },
  ],
  ["ActionRuntime: tool must be", async (options) => await runtime.execute(call, options), { tool: 7 }],
  ["ActionRuntime: options must be an object", async (options) => await runtime.execute(call, options), []],
  [
    "approvals.grant: unknown option use",
    async (options) => await runtime.approvals.grant(options),
    { by: "ann", agent: "a", capability: "c", expiresInSeconds: 9, use: 1 },
  ],
  ["assertGated: unknown option unguarded", (options) => assertGated([], options), { unguarded: [] }],
  [
    "ActionRuntime: unknown option audit.redacted",
    (options) => ActionRuntime.fromPolicy(policy, options),
    { audit: { redacted: [] } },
  ],
  ["ActionRuntime: audit must be an object", (options) => ActionRuntime.fromPolicy(policy, options), { audit: "none" }],
  [
    "replay: force must be true or false",
    async (options) => await replay(log, policy, options).next(),
    { force: "no" },
  ],
  [
    "replay: waiveChecksum must be true or false",
    async (options) => await replay(log, policy, options).next(),
    { waiveChecksum: 1 },
  ],
  [
    "replay: onProgress must be a function",
    async (options) => await replay(log, policy, options).next(),
    { onProgress: true },
  ],
  ["assertGated: ungated must be a list", (options) => assertGated([], options), { ungated: "shell" }],
  [
    "approvals: unknown option requst",
    async (options) => await runtime.approvals.approve("x", options),
    { by: "ann", requst: "x" },
  ],
  ["approvals: options must be an object", async (options) => await runtime.approvals.approve("x", options), undefined],
  [
    "approvals: key must be a signing key",
    async (options) => await runtime.approvals.approve("x", options),
    { by: "ann", key: "PRIVATE+KEY+ann" },
  ],
  [
    "approvals: key must be a signing key",
    async (options) => await runtime.approvals.reject("x", options),
    { by: "ann", key: {} },
  ],
  [
    "approvals.revoke: unknown option note",
    async (options) => await runtime.approvals.revoke("x", options),
    { by: "ann", note: "x" },
  ],
  ["approvals.grant: options must be an object", async (options) => await runtime.approvals.grant(options), undefined],
  ["ActionRuntime: unknown option tol", async (options) => await runtime.ask(call, options), { tol: "x" }],
  ["ActionEvent: unknown field arguments", async (fields) => await runtime.execute(fields), { ...call, arguments: {} }],
  ["Policy.parse: unknown option file", (options) => Policy.parse("allow: [a]", options), { file: "x" }],
  [
    "checkpoints.keyFile must be the path",
    (options) => ActionRuntime.fromPolicy(policy, options),
    { checkpoints: { to: "x" } },
  ],
];

describe("an option that means nothing", () => {
  it.each(MISTAKES)("is refused: %s", async (message, use, options) => {
    const refusal: unknown = await (async () => await use(options as never))().catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(TypeError);
    expect(String(refusal)).toContain(message);
  });

  it.each<[string, unknown, unknown]>([
    ["no outcome", verdict, undefined],
    ["an outcome that is a text", verdict, "finished"],
    ["a status that is none", verdict, { status: "done", durationMs: 1 }],
    ["a status of another type", verdict, { status: 5, durationMs: 1 }],
    ["a duration that is no number", verdict, { status: "finished", durationMs: "1" }],
    ["a misspelt output", verdict, { status: "finished", durationMs: 1, outptu: "x" }],
    ["a verdict without its entry", { eventId: "x" }, { status: "finished", durationMs: 1 }],
    ["a verdict of no whole entry", { eventId: "x", entry: { seq: 1.5 } }, { status: "finished", durationMs: 1 }],
    ["no verdict", {}, { status: "finished", durationMs: 1 }],
  ])("is no end of a call, and stops nothing: %s", async (_, given, outcome) => {
    const event = ActionEvent.create(call);
    await expect(runtime.recordOutcome(event, given as never, outcome as never)).rejects.toThrow(/^recordOutcome: /);
  });

  it("has left no log behind", async () => {
    await expect(verifyLog(log)).rejects.toMatchObject({ code: "ERR_AUDIT_UNAVAILABLE" });
  });
});
