import { tool } from "@langchain/core/tools";
import { RunnableLambda } from "@langchain/core/runnables";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";

import type { ActionEvent } from "../../src/event.ts";
import { isActionBlocked } from "../../src/langchain/blocked.ts";
import { openGate, type Gate } from "./gate.ts";

const OPEN = { type: "object", properties: { path: { type: "string" } } } as const;

/** A tool that takes any object as it comes, and shows what it and its config hold. */
const witness = (calls: unknown[], schema: object = OPEN) =>
  tool(
    (args: unknown, config) => {
      calls.push({ args, toolCall: config.toolCall?.args });
      return "done";
    },
    { name: "unit", schema },
  );

/** Runs `before` and `after` around the runtime's own judging and recording. */
function around(gate: Gate, before: () => void, after: () => void = () => {}): void {
  const judge = gate.runtime.execute.bind(gate.runtime);
  vi.spyOn(gate.runtime, "execute").mockImplementation(async (event) => {
    before();
    const verdict = await judge(event);
    after();
    return verdict;
  });
}

const envelope = (args: Record<string, unknown>) => ({ type: "tool_call" as const, id: "id", name: "unit", args });

describe("what runs is what was judged", () => {
  it("when the caller's object changes while the decision is being recorded", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const list = ["x"];
    const args: Record<string, unknown> = { path: "a", list };
    const change = (): void => {
      args["path"] = "forbidden";
      args["added"] = "forbidden";
      list.push("forbidden");
    };
    around(gate, change, change);
    await gate.wrap(witness(calls)).invoke(args);
    await gate.wrap(witness(calls)).invoke({ path: "b" });
    expect(calls).toEqual([
      { args: { path: "a", list: ["x"] }, toolCall: undefined },
      { args: { path: "b" }, toolCall: undefined },
    ]);
    expect(await gate.judged()).toEqual([{ path: "a", list: ["x"] }, { path: "b" }]);
  });

  it("when the envelope and the config change meanwhile", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const call = envelope({ path: "a" });
    const config = { toolCall: envelope({ path: "a" }) };
    const change = (): void => {
      call.args = { path: "forbidden" };
      config.toolCall.args = { path: "forbidden" };
    };
    around(gate, change, change);
    const gated = gate.wrap(witness(calls));
    await gated.invoke(call);
    call.args = { path: "a" };
    await gated.call({ path: "b" }, config);
    expect(calls).toEqual([
      { args: { path: "a" }, toolCall: { path: "a" } },
      { args: { path: "b" }, toolCall: { path: "b" } },
    ]);
    expect(await gate.judged()).toEqual([{ path: "a" }, { path: "b" }]);
  });

  it("when the tool writes into its arguments", async () => {
    const gate = openGate();
    const seen: unknown[] = [];
    const args = { path: "a", deep: { list: [1] } };
    const writer = tool(
      (given: unknown, config) => {
        const own = z.looseObject({ deep: z.looseObject({ list: z.array(z.number()) }) }).parse(given);
        own.deep.list.push(2);
        Reflect.set(Object(given), "path", "written");
        seen.push(structuredClone(config.toolCall?.args));
        return "done";
      },
      { name: "unit", schema: OPEN },
    );
    await gate.wrap(writer).invoke(envelope(args));
    expect(args).toEqual({ path: "a", deep: { list: [1] } });
    expect(seen).toEqual([{ path: "a", deep: { list: [1] } }]);
    expect(await gate.judged()).toEqual([args]);
  });

  it("after the schema has decoded the arguments", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const schema = z.object({ path: z.string().transform((path) => decodeURIComponent(path)) });
    const gated = gate.wrap(witness(calls, schema));
    const error: unknown = await gated.invoke({ path: "%66orbidden" }).catch((thrown: unknown) => thrown);
    expect(isActionBlocked(error)).toBe(true);
    await gated.invoke(envelope({ path: "%61" }));
    expect(calls).toEqual([{ args: { path: "a" }, toolCall: { path: "a" } }]);
    expect(await gate.judged()).toEqual([{ path: "forbidden" }, { path: "a" }]);
  });

  it("without the keys that the schema strips", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const gated = gate.wrap(witness(calls, z.object({ path: z.string() })));
    await gated.invoke(envelope({ path: "a", sneaked: "forbidden" }));
    expect(calls).toEqual([{ args: { path: "a" }, toolCall: { path: "a" } }]);
    expect(await gate.judged()).toEqual([{ path: "a" }]);
  });

  it("when the schema answers differently each time", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    let times = 0;
    const schema = z.object({
      path: z.string().transform(() => {
        times += 1;
        return times === 1 ? "a" : "forbidden";
      }),
    });
    await gate.wrap(witness(calls, schema)).invoke({ path: "x" });
    expect(times).toBe(1);
    expect(calls).toMatchObject([{ args: { path: "a" } }]);
    expect(await gate.judged()).toEqual([{ path: "a" }]);
  });

  it("for a Date, which the tool gets as a fresh Date", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const when = new Date(0);
    const schema = z.object({ when: z.date() });
    around(
      gate,
      () => {},
      () => when.setTime(1e12),
    );
    await gate.wrap(witness(calls, schema)).invoke({ when });
    expect(calls).toStrictEqual([{ args: { when: new Date(0) }, toolCall: undefined }]);
    expect(await gate.judged()).toEqual([{ when: "1970-01-01T00:00:00.000Z" }]);
  });

  it("for a runnable, whose arguments would else be unpacked once more", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const runnable = RunnableLambda.from<Record<string, unknown>, string>((args) => {
      calls.push(args);
      return "done";
    }).asTool({ name: "unit", schema: z.looseObject({}) });
    const gated = gate.wrap(runnable);
    const nested = { type: "tool_call", id: "x", name: "y", args: { path: "anything" } };
    const error: unknown = await gated.invoke(envelope({ ...envelope(nested) })).catch((thrown: unknown) => thrown);
    expect(isActionBlocked(error)).toBe(true);
    expect(calls).toEqual([]);
    const recorded = await gate.recorded();
    expect(recorded).toMatchObject([{ decision: "deny", reason: "payload_invalid" }]);
  });

  it("when a callback handler writes into the arguments before they are judged", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const args = { path: "a" };
    const gated = gate.wrap(witness(calls));
    const handler = {
      name: "writer",
      awaitHandlers: true,
      handleToolStart: () => {
        args.path = "forbidden";
      },
    };
    const error: unknown = await gated.invoke(args, { callbacks: [handler] }).catch((thrown: unknown) => thrown);
    expect(isActionBlocked(error)).toBe(true);
    expect(calls).toEqual([]);
    expect(await gate.judged()).toEqual([{ path: "forbidden" }]);
  });
});

describe("arguments that cannot be judged never run", () => {
  let ran = 0;
  const trap = (): never => {
    ran += 1;
    throw new Error("code of the payload ran");
  };
  const cycle: Record<string, unknown> = {};
  cycle["self"] = cycle;
  class Instance {
    path = "a";
  }
  const cases: readonly (readonly [string, () => unknown])[] = [
    ["a cycle", () => cycle],
    ["an instance of a class", () => new Instance()],
    ["a Map", () => new Map([["path", "a"]])],
    ["a function", () => () => "a"],
    ["a BigInt", () => 1n],
    ["NaN", () => Number.NaN],
    ["a lone surrogate", () => "\uD800"],
    ["a URL", () => new URL("https://example.test")],
    ["a toJSON", () => ({ toJSON: trap })],
    ["too deep", () => Array.from({ length: 70 }).reduce<unknown>((inner) => [inner], "x")],
    ["too large", () => "x".repeat(1_100_000)],
  ];

  it.each(cases)("%s", async (_name, value) => {
    const gate = openGate();
    const calls: unknown[] = [];
    const gated = gate.wrap(witness(calls, z.object({ value: z.unknown() })));
    const error: unknown = await gated.invoke({ value: value() }).catch((thrown: unknown) => thrown);
    expect(isActionBlocked(error)).toBe(true);
    expect(String(error)).toContain("Blocked: payload_invalid");
    expect(calls).toEqual([]);
    const recorded = await gate.recorded();
    expect(recorded).toMatchObject([{ kind: "decision", decision: "deny", reason: "payload_invalid" }]);
    expect(recorded[0]).not.toHaveProperty("payload");
  });

  it("a getter, whose second answer is another", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    let reads = 0;
    const args = Object.defineProperty({}, "path", {
      enumerable: true,
      get: () => {
        reads += 1;
        return reads < 3 ? "a" : "forbidden";
      },
    });
    const error: unknown = await gate
      .wrap(witness(calls))
      .invoke(args)
      .catch((thrown: unknown) => thrown);
    expect(isActionBlocked(error)).toBe(true);
    expect(calls).toEqual([]);
  });

  it("a Proxy, at the top and inside", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const gated = gate.wrap(witness(calls));
    for (const args of [new Proxy({ path: "a" }, {}), { path: "a", more: new Proxy({}, {}) }]) {
      const error: unknown = await gated.invoke(args).catch((thrown: unknown) => thrown);
      expect(isActionBlocked(error)).toBe(true);
    }
    expect(calls).toEqual([]);
    expect(ran).toBe(0);
  });

  it("gives the judge the event, and no event the tool could touch", async () => {
    const gate = openGate();
    const events: ActionEvent[] = [];
    const judge = gate.runtime.execute.bind(gate.runtime);
    vi.spyOn(gate.runtime, "execute").mockImplementation(async (event) => {
      if ("payloadCopy" in event) events.push(event);
      return judge(event);
    });
    const calls: { args: unknown }[] = [];
    await gate.wrap(witness(calls), { environment: "staging", context: { user_role: "ops" } }).invoke({ path: "a" });
    expect(events[0]).toMatchObject({
      actor: "tester",
      resource: "unit",
      action: "run",
      capability: "unit.run",
      environment: "staging",
      context: { user_role: "ops" },
    });
    expect(calls[0]?.args).not.toBe(events[0]?.payload);
    expect(Object.isFrozen(calls[0]?.args)).toBe(false);
  });
});
