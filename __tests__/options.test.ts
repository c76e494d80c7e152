import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { ActionRuntime, assertGated, Policy, replay, verifyLog } from "../src/index.ts";

const log = join(mkdtempSync(join(tmpdir(), "capfence-options-")), "audit.db");
const policy = Policy.parse("allow: [shell.execute]");
const runtime = ActionRuntime.fromPolicy(policy, { auditLog: log });
const call = { actor: "ann", action: "execute", resource: "shell" };

/** Every entrance that takes options, given some that are not its own or mean nothing. */
const MISTAKES: readonly (readonly [string, (options: never) => unknown, unknown, string])[] = [
  ["verifyLog", async (options) => await verifyLog(log, options), { anchor: [] }, "verifyLog: unknown option anchor"],
  ["verifyLog", async (options) => await verifyLog(log, options), { minSize: "3" }, "verifyLog: minSize must be"],
  [
    "verifyLog",
    async (options) => await verifyLog(log, options),
    { minSize: Number.NaN },
    "verifyLog: minSize must be",
  ],
  ["verifyLog", async (options) => await verifyLog(log, options), { minSize: -1 }, "verifyLog: minSize must be"],
  ["verifyLog", async (options) => await verifyLog(log, options), { anchors: 3 }, "verifyLog: anchors must be"],
  ["verifyLog", async (options) => await verifyLog(log, options), { anchors: [{}] }, "verifyLog: anchors must be"],
  ["verifyLog", async (options) => await verifyLog(log, options), { anchors: ["note"] }, "verifyLog: anchors must be"],
  ["replay", async (options) => await replay(log, policy, options).next(), { from: 1 }, "replay: unknown option from"],
  ["replay", async (options) => await replay(log, policy, options).next(), { since: "1d" }, "replay: since must be"],
  [
    "replay",
    async (options) => await replay(log, policy, options).next(),
    { until: Number.NaN },
    "replay: until must be",
  ],
  ["replay", async (options) => await replay(log, policy, options).next(), { agent: 7 }, "replay: agent must be text"],
  [
    "execute",
    async (options) => await runtime.execute(call, options),
    { onAproval: "wait" },
    "ActionRuntime: unknown option onAproval",
  ],
  ["execute", async (options) => await runtime.execute(call, options), { tool: 7 }, "ActionRuntime: tool must be"],
  ["execute", async (options) => await runtime.execute(call, options), [], "ActionRuntime: options must be an object"],
  [
    "grant",
    async (options) => await runtime.approvals.grant(options),
    { by: "ann", agent: "a", capability: "c", expiresInSeconds: 9, use: 1 },
    "approvals: unknown option use",
  ],
  [
    "grant",
    async (options) => await runtime.approvals.grant(options),
    undefined,
    "approvals: options must be an object",
  ],
  ["assertGated", (options) => assertGated([], options), { unguarded: [] }, "assertGated: unknown option unguarded"],
  [
    "fromPolicy",
    (options) => ActionRuntime.fromPolicy(policy, options),
    { audit: { redacted: [] } },
    "ActionRuntime: unknown option audit.redacted",
  ],
  [
    "fromPolicy",
    (options) => ActionRuntime.fromPolicy(policy, options),
    { audit: "none" },
    "ActionRuntime: audit must be an object",
  ],
];

describe("an option that means nothing", () => {
  it.each(MISTAKES)("is refused by %s", async (_, use, options, message) => {
    const refusal: unknown = await (async () => await use(options as never))().catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(TypeError);
    expect(String(refusal)).toContain(message);
  });

  it("has left no log behind", async () => {
    await expect(verifyLog(log)).rejects.toMatchObject({ code: "ERR_AUDIT_UNAVAILABLE" });
  });
});
