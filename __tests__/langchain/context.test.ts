import { RunnableLambda } from "@langchain/core/runnables";
import { tool } from "@langchain/core/tools";
import { describe, expect, it } from "vitest";
import { z } from "zod";

import { isActionBlocked } from "../../src/langchain/blocked.ts";
import type { CallConfig } from "../../src/langchain/options.ts";
import { openGate } from "./gate.ts";

const POLICY = `deny:
  - capability: unit.run
    user_role: guest
    reason: Guests may look, but not touch
allow:
  - capability: unit.run
    user_role: [admin, clerk]
`;

const unit = (calls: unknown[] = []) =>
  tool(
    (args) => {
      calls.push(args);
      return "done";
    },
    { name: "unit", schema: z.looseObject({}) },
  );

const RUN = "0198c8d2-0000-7000-8000-000000000001";

describe("what the host knows about a call", () => {
  it("is asked for at every call and goes to the policy and the log", async () => {
    const gate = openGate(POLICY);
    const roles = ["admin", "guest", "clerk"];
    const gated = gate.wrap(unit(), {
      context: { tenant: "acme", user_role: "nobody" },
      contextFrom: async () => ({ user_role: roles.shift() }),
      onBlocked: "message",
    });
    expect([await gated.invoke({}), await gated.invoke({}), await gated.invoke({})]).toEqual([
      "done",
      "Blocked by policy: policy_deny. Guests may look, but not touch. The same call will be refused again.",
      "done",
    ]);
    const decisions = (await gate.recorded()).filter(({ kind }) => kind === "decision");
    expect(decisions.map((entry) => entry["context"])).toEqual(
      ["admin", "guest", "clerk"].map((role) => ({ tenant: "acme", user_role: role })),
    );
  });

  it("can be read from the call's config, in which there are no arguments", async () => {
    const gate = openGate(POLICY);
    const seen: CallConfig[] = [];
    const gated = gate.wrap(unit(), {
      contextFrom: (config) => {
        seen.push(config);
        return { user_role: config.metadata?.["role"] };
      },
    });
    const call = { type: "tool_call", id: "call-1", name: "unit", args: { user_role: "admin" } } as const;
    await gated.invoke(call, { metadata: { role: "clerk" } });
    expect(JSON.stringify(seen)).not.toContain("admin");
    expect(seen[0]).not.toHaveProperty("toolCall");
  });

  it("is never taken from the arguments or from configurable", async () => {
    const gate = openGate(POLICY);
    const calls: unknown[] = [];
    const gated = gate.wrap(unit(calls));
    const claims = { user_role: "admin", context: { user_role: "admin" } };
    const running = gated.invoke(claims, { configurable: claims, metadata: claims });
    await expect(running).rejects.toThrow("Blocked: policy_default_deny");
    expect(calls).toEqual([]);
    expect((await gate.recorded())[0]).not.toHaveProperty("context");
  });

  it.each<readonly [string, () => unknown, RegExp]>([
    ["throws", () => Promise.reject(new Error("directory is down")), /directory is down/],
    ["throws what is no error", () => Promise.reject("down"), /down/],
    ["answers a function", () => ({ user_role: () => "admin" }), /contextFrom must answer plain JSON \(user_role/],
    ["answers text", () => "admin", /contextFrom must answer plain JSON/],
  ])("does not run when it cannot be told: it %s", async (_name, contextFrom, cause) => {
    for (const onBlocked of ["throw", "message"] as const) {
      const gate = openGate(POLICY);
      const calls: unknown[] = [];
      const gated = gate.wrap(unit(calls), {
        context: { user_role: "admin" },
        contextFrom: contextFrom as () => Record<string, unknown>,
        onBlocked,
      });
      const error: unknown = await gated.invoke({ path: "a" }).catch((thrown: unknown) => thrown);
      expect(isActionBlocked(error)).toBe(true);
      expect(error).toMatchObject({
        message: "Blocked: context_invalid",
        cause: { message: expect.stringMatching(cause) },
      });
      expect(calls).toEqual([]);
      expect(await gate.recorded()).toMatchObject([
        { kind: "decision", decision: "deny", authorized: false, reason: "context_invalid", payload: { path: "a" } },
      ]);
    }
  });

  it("may be nothing more", async () => {
    const gate = openGate(POLICY);
    const gated = gate.wrap(unit(), { context: { user_role: "admin" }, contextFrom: () => undefined });
    expect(await gated.invoke({})).toBe("done");
  });

  it("must come from a function", () => {
    const gate = openGate(POLICY);
    expect(() => gate.wrap(unit(), { contextFrom: {} as () => undefined })).toThrow(/contextFrom must be a function/);
    expect(() => gate.wrap(unit(), { sessionId: "" })).toThrow(/sessionId must be a non-empty string/);
  });
});

describe("where a call comes from", () => {
  it("is recorded: the run, the run that called it, the thread", async () => {
    const gate = openGate();
    const gated = gate.wrap(unit());
    const runs: unknown[] = [];
    const handler = {
      name: "h",
      awaitHandlers: true,
      handleChainStart: (...args: unknown[]) => void runs.push(args[2]),
    };
    const outer = RunnableLambda.from(async (_input: unknown, config) => await gated.invoke({}, config));
    await outer.invoke({}, { callbacks: [handler], configurable: { thread_id: "thread-7" } });
    const [decision] = await gate.recorded();
    expect(decision).toMatchObject({
      session: "thread-7",
      context: { parentRunId: runs[0], runId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
    });
  });

  it("is recorded when nobody listens", async () => {
    const gate = openGate();
    await gate.wrap(unit()).invoke({}, { runId: RUN });
    expect((await gate.recorded())[0]).toMatchObject({ context: { runId: RUN } });
  });

  it("is what the host says, when it says so", async () => {
    const gate = openGate();
    const gated = gate.wrap(unit(), { sessionId: "mine", contextFrom: () => ({ runId: "host", caller_depth: 2 }) });
    await gated.invoke({}, { runId: RUN, configurable: { thread_id: "thread-7" } });
    expect((await gate.recorded())[0]).toMatchObject({ session: "mine", context: { runId: "host", caller_depth: 2 } });
  });

  it.each([
    [7, "7"],
    ["", undefined],
    ["x".repeat(1025), undefined],
    ["\uD800", undefined],
    [{}, undefined],
    [null, undefined],
  ])("takes a thread id for what it is: %#", async (thread, expected) => {
    const gate = openGate();
    await gate.wrap(unit()).invoke({}, { configurable: { thread_id: thread } });
    expect((await gate.recorded())[0]?.["session"]).toBe(expected);
  });
});

describe("what the model is told", () => {
  it.each([
    ["Ask a manager", "Ask a manager."],
    ["Ask a manager!  ", "Ask a manager!"],
  ])("is in the words of the rule's author: %s", async (reason, expected) => {
    const gate = openGate(`deny: [{ capability: unit.run, reason: ${JSON.stringify(reason)} }]\n`);
    expect(await gate.wrap(unit(), { onBlocked: "message" }).invoke({ path: "secret" })).toBe(
      `Blocked by policy: policy_deny. ${expected} The same call will be refused again.`,
    );
  });
});
