import { RunnableLambda } from "@langchain/core/runnables";
import { tool } from "@langchain/core/tools";
import { describe, expect, it } from "vitest";
import { z } from "zod";

import { AgentActionBlocked } from "../../src/errors.ts";
import { isActionBlocked } from "../../src/langchain/blocked.ts";
import { entrances, type Entrance } from "../../src/testing/index.ts";
import { openGate } from "./gate.ts";
import { KINDS, type Kind } from "./kinds.ts";

/** The ways in that lead through no agent, which would make a message of a refusal. */
const direct = (kind: Kind): Entrance[] => [...entrances(kind)].filter(({ name }) => !name.startsWith("createAgent"));

describe("a wrapped tool", () => {
  it.each(KINDS)("blocks a denied call at every entrance: $name", async (kind) => {
    const gate = openGate();
    const calls: unknown[] = [];
    const gated = gate.wrap(kind.make(calls));
    const ways = direct(kind);
    for (const { name, run } of ways) {
      const outcome: unknown = await run(gated, kind.denied).catch((thrown: unknown) => thrown);
      // `batch` can be told to give errors as results; of fallbacks, core throws the first one's error.
      if (name !== "as a fallback") expect([outcome].flat().some(isActionBlocked), name).toBe(true);
      expect(calls, name).toEqual([]);
    }
    const recorded = await gate.recorded();
    expect(recorded.length).toBeGreaterThanOrEqual(ways.length);
    for (const entry of recorded) {
      expect(entry).toMatchObject({ kind: "decision", decision: "deny", reason: "policy_deny", authorized: false });
    }
  });

  it.each(KINDS)("says so at every entrance when told to: $name", async (kind) => {
    const gate = openGate();
    const calls: unknown[] = [];
    const gated = gate.wrap(kind.make(calls), { onBlocked: "message" });
    for (const { name, run } of direct(kind)) {
      const result = JSON.stringify(await run(gated, kind.denied));
      // Events show a run's error as it was, and no output.
      const expected = name.startsWith("streamEvents") ? "Blocked" : "Blocked by policy: policy_deny. The same call";
      expect(result, name).toContain(expected);
      expect(calls, name).toEqual([]);
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
