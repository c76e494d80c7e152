import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { ActionRuntime, assertGated, Policy, replay, verifyLog } from "../src/index.ts";

const log = join(mkdtempSync(join(tmpdir(), "capfence-options-")), "audit.db");
const policy = Policy.parse("allow: [shell.execute]");
const runtime = ActionRuntime.fromPolicy(policy, { auditLog: log });
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
    "approvals: unknown option use",
    async (options) => await runtime.approvals.grant(options),
    { by: "ann", agent: "a", capability: "c", expiresInSeconds: 9, use: 1 },
  ],
  ["approvals: options must be an object", async (options) => await runtime.approvals.grant(options), undefined],
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
];

describe("an option that means nothing", () => {
  it.each(MISTAKES)("is refused: %s", async (message, use, options) => {
    const refusal: unknown = await (async () => await use(options as never))().catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(TypeError);
    expect(String(refusal)).toContain(message);
  });

  it("has left no log behind", async () => {
    await expect(verifyLog(log)).rejects.toMatchObject({ code: "ERR_AUDIT_UNAVAILABLE" });
  });
});
