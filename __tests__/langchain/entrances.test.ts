import { RunnableLambda, RunnableSequence } from "@langchain/core/runnables";
import { tool } from "@langchain/core/tools";
import { describe, expect, it } from "vitest";
import { z } from "zod";

import { AgentActionBlocked } from "../../src/errors.ts";
import { isActionBlocked } from "../../src/langchain/blocked.ts";
import type { CapFenceTool } from "../../src/langchain/capfence-tool.ts";
import { openGate } from "./gate.ts";
import { KINDS } from "./kinds.ts";

const envelope = (args: Record<string, unknown>) => ({
  type: "tool_call" as const,
  id: "call-1",
  name: "unit",
  args,
});

async function drain(source: AsyncIterable<unknown> | Promise<AsyncIterable<unknown>>): Promise<unknown[]> {
  const chunks: unknown[] = [];
  for await (const chunk of await source) chunks.push(chunk);
  return chunks;
}

async function* once(value: unknown): AsyncGenerator {
  yield value;
}

type Args = Record<string, unknown>;

/** Every public way to make a tool run. */
const ENTRANCES: readonly (readonly [string, (gated: CapFenceTool, args: Args) => Promise<unknown>])[] = [
  ["invoke(args)", (gated, args) => gated.invoke(args)],
  ["invoke(envelope)", (gated, args) => gated.invoke(envelope(args))],
  ["invoke(args, { toolCall })", (gated, args) => gated.invoke(args, { toolCall: envelope(args) })],
  ["call(args)", (gated, args) => gated.call(args)],
  ["call(args, callbacks)", (gated, args) => Reflect.apply(Reflect.get(gated, "call"), gated, [args, []])],
  ["call(envelope)", (gated, args) => gated.call(envelope(args))],
  ["batch", (gated, args) => gated.batch([args])],
  ["batch of envelopes", (gated, args) => gated.batch([envelope(args), envelope(args)])],
  ["stream", (gated, args) => drain(gated.stream(args))],
  ["stream of an envelope", (gated, args) => drain(gated.stream(envelope(args)))],
  ["streamEvents v1", (gated, args) => drain(gated.streamEvents(args, { version: "v1" }))],
  ["streamEvents v2", (gated, args) => drain(gated.streamEvents(args, { version: "v2" }))],
  ["streamLog", (gated, args) => drain(gated.streamLog(args))],
  ["transform", (gated, args) => drain(gated.transform(once(args), {}))],
  ["pipe", (gated, args) => gated.pipe((output: unknown) => output).invoke(args)],
  ["pipe of an envelope", (gated, args) => gated.pipe((output: unknown) => output).invoke(envelope(args))],
  ["RunnableSequence", (gated, args) => RunnableSequence.from([() => args, gated]).invoke({})],
  ["RunnableLambda returning it", (gated, args) => RunnableLambda.from(() => gated).invoke(args)],
  ["withConfig", (gated, args) => gated.withConfig({ runName: "other", tags: ["x"] }).invoke(args)],
  ["withRetry", (gated, args) => gated.withRetry({ stopAfterAttempt: 1 }).invoke(args)],
  ["withFallbacks", (gated, args) => gated.withFallbacks([gated]).invoke(args)],
  ["withListeners", (gated, args) => gated.withConfig({}).withListeners({}).invoke(args)],
  ["asTool", (gated, args) => gated.asTool({ name: "again", schema: z.looseObject({}) }).invoke(args)],
  [
    "assign",
    (gated, args) =>
      RunnableLambda.from(() => ({}))
        .assign({ out: () => gated.invoke(args) })
        .invoke({}),
  ],
];

describe("a wrapped tool", () => {
  it.each(KINDS)("blocks a denied call at every entrance: $name", async ({ make, denied }) => {
    const gate = openGate();
    const calls: unknown[] = [];
    const gated = gate.wrap(make(calls));
    for (const [entrance, enter] of ENTRANCES) {
      const error: unknown = await enter(gated, denied).then(
        () => "let through",
        (thrown: unknown) => thrown,
      );
      expect(isActionBlocked(error), entrance).toBe(true);
      expect(calls, entrance).toEqual([]);
    }
    const recorded = await gate.recorded();
    expect(recorded.length).toBeGreaterThanOrEqual(ENTRANCES.length);
    for (const entry of recorded) {
      expect(entry).toMatchObject({ kind: "decision", decision: "deny", reason: "policy_deny", authorized: false });
    }
  });

  it.each(KINDS)("says so at every entrance when told to: $name", async ({ make, denied }) => {
    const gate = openGate();
    const calls: unknown[] = [];
    const gated = gate.wrap(make(calls), { onBlocked: "message" });
    for (const [entrance, enter] of ENTRANCES) {
      const result = JSON.stringify(await enter(gated, denied));
      // Events show a run's error as it was, and no output.
      const expected = entrance.startsWith("streamEvents")
        ? "Blocked"
        : "Blocked by policy: policy_deny. The same call";
      expect(result, entrance).toContain(expected);
      expect(calls, entrance).toEqual([]);
    }
  });

  it.each(KINDS.filter(({ denied }) => "input" in denied))("blocks a bare string: $name", async ({ make }) => {
    const gate = openGate();
    const calls: unknown[] = [];
    const gated = gate.wrap(make(calls));
    await expect(gated.invoke("forbidden")).rejects.toBeInstanceOf(AgentActionBlocked);
    await expect(gated.call("forbidden")).rejects.toBeInstanceOf(AgentActionBlocked);
    await expect(gated.batch(["forbidden"])).rejects.toBeInstanceOf(AgentActionBlocked);
    expect(calls).toEqual([]);
    expect(await gated.invoke("fine")).toBe("read fine");
    expect(calls).toEqual(["fine"]);
    expect(await gate.judged()).toEqual([
      { input: "forbidden" },
      { input: "forbidden" },
      { input: "forbidden" },
      { input: "fine" },
    ]);
  });

  it("judges an absent text as an empty payload and hands the tool the absence", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const text = KINDS.find(({ name }) => name === "a class that extends Tool");
    const gated = gate.wrap(text?.make(calls) ?? expect.fail("no such kind"));
    await gated.invoke({});
    await Reflect.apply(Reflect.get(gated, "invoke"), gated, [undefined]);
    expect(calls).toEqual([undefined, undefined]);
    expect(await gate.judged()).toEqual([{}, {}]);
  });

  it("judges what a runnable is given outside a tool call as it is, since nobody parses that", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const runnable = RunnableLambda.from((input) => void calls.push(input)).asTool({
      name: "unit",
      schema: z.object({ path: z.string() }),
    });
    const gated = gate.wrap(runnable);
    await Reflect.apply(Reflect.get(gated, "invoke"), gated, [undefined]);
    await Reflect.apply(Reflect.get(gated, "invoke"), gated, [{ path: 7, more: true }]);
    expect(calls).toEqual([undefined, { path: 7, more: true }]);
    expect(await gate.judged()).toEqual([{}, { path: 7, more: true }]);
  });

  it("judges a list or a number as the input", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    for (const [schema, input] of [
      [{ type: "array" }, [1, "two"]],
      [{ type: "number" }, 7],
    ] as const) {
      const gated = gate.wrap(tool((args: unknown) => void calls.push(args), { name: "unit", schema: { ...schema } }));
      await Reflect.apply(Reflect.get(gated, "invoke"), gated, [input]);
    }
    expect(calls).toEqual([[1, "two"], 7]);
    expect(await gate.judged()).toEqual([{ input: [1, "two"] }, { input: 7 }]);
  });

  it("judges each of many calls made at once by itself", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const gated = gate.wrap(
      tool(
        ({ n }) => {
          calls.push(n);
          return `did ${n}`;
        },
        { name: "many", schema: z.object({ n: z.number(), note: z.string() }) },
      ),
    );
    const results = await Promise.allSettled(
      Array.from({ length: 50 }, (_, n) => gated.invoke({ n, note: n % 2 === 0 ? "fine" : "forbidden" })),
    );
    expect(results.map(({ status }) => status)).toEqual(
      Array.from({ length: 50 }, (_, n) => (n % 2 === 0 ? "fulfilled" : "rejected")),
    );
    expect(calls.toSorted((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 25 }, (_, n) => n * 2));
    const recorded = await gate.recorded();
    expect(recorded.filter(({ kind }) => kind === "decision")).toHaveLength(50);
    expect(recorded.filter(({ kind }) => kind === "outcome")).toHaveLength(25);
  });

  it("runs no more of a batch at once than it is told", async () => {
    const gate = openGate();
    let [running, most] = [0, 0];
    const busy = tool(
      async ({ path }) => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        return path;
      },
      { name: "unit", schema: z.object({ path: z.string() }) },
    );
    const inputs = ["a", "forbidden", "b", "c", "d"].map((path) => ({ path }));
    const results = await gate.wrap(busy).batch(inputs, { maxConcurrency: 2 }, { returnExceptions: true });
    expect(results.map((result) => isActionBlocked(result) || result)).toEqual(["a", true, "b", "c", "d"]);
    expect(most).toBeLessThanOrEqual(2);
    expect(await gate.judged()).toEqual(inputs);
  });

  it("is timed out as the bare tool is", async () => {
    const gate = openGate();
    const endless = tool(() => new Promise(() => {}), { name: "unit", schema: z.object({}) });
    const timedOut = { name: "TimeoutError" };
    await expect(endless.invoke({}, { timeout: 50 })).rejects.toMatchObject(timedOut);
    await expect(gate.wrap(endless).invoke({}, { timeout: 50 })).rejects.toMatchObject(timedOut);
  });

  it("judges every attempt of a retry, and what it falls back to", async () => {
    const gate = openGate();
    let times = 0;
    const flaky = tool(
      () => {
        times += 1;
        if (times === 1) throw new Error("busy");
        return "at last";
      },
      { name: "unit", schema: z.object({ path: z.string() }) },
    );
    const gated = gate.wrap(flaky);
    expect(await gated.withRetry({ stopAfterAttempt: 2 }).invoke({ path: "a" })).toBe("at last");
    const fallingBack = gated.withFallbacks([RunnableLambda.from(() => gated.invoke({ path: "b" }))]);
    expect(await fallingBack.invoke({ path: "forbidden" })).toBe("at last");
    expect((await gate.recorded()).map(({ reason, status }) => reason ?? status)).toEqual([
      "policy_allow",
      "failed",
      "policy_allow",
      "finished",
      "policy_deny",
      "policy_allow",
      "finished",
    ]);
  });
});
