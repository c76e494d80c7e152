import { BaseCallbackHandler } from "@langchain/core/callbacks/base";
import { RunnableLambda } from "@langchain/core/runnables";
import { describe, expect, it } from "vitest";
import { z } from "zod";

import { openGate } from "./gate.ts";
import { KINDS, type CallableTool } from "./kinds.ts";

/** Writes down every callback of a run, ids replaced by the order in which they came up. */
class Witness extends BaseCallbackHandler {
  name = "witness";
  override awaitHandlers = true;
  readonly seen: unknown[] = [];
  readonly #ids: string[] = [];

  override handleToolStart(...args: unknown[]): void {
    this.#note("tool start", args);
  }
  override handleToolEvent(...args: unknown[]): void {
    this.#note("tool event", args);
  }
  override handleToolEnd(...args: unknown[]): void {
    this.#note("tool end", args);
  }
  override handleToolError(...args: unknown[]): void {
    this.#note("tool error", args);
  }
  override handleChainStart(...args: unknown[]): void {
    this.#note("chain start", args);
  }
  override handleChainEnd(...args: unknown[]): void {
    this.#note("chain end", args);
  }
  override handleChainError(...args: unknown[]): void {
    this.#note("chain error", args);
  }
  override handleCustomEvent(...args: unknown[]): void {
    this.#note("custom event", args);
  }

  #note(kind: string, args: unknown[]): void {
    this.seen.push([kind, ...args.map((arg) => this.#plain(arg))]);
  }

  #plain(arg: unknown): unknown {
    if (typeof arg === "string" && /^[0-9a-f]{8}-[0-9a-f]{4}-/.test(arg)) {
      if (!this.#ids.includes(arg)) this.#ids.push(arg);
      return `run ${this.#ids.indexOf(arg)}`;
    }
    if (arg instanceof Error) return String(arg);
    return arg === undefined ? undefined : structuredClone(JSON.parse(JSON.stringify(arg)));
  }
}

const envelope = (args: unknown) => ({ type: "tool_call", id: "call-1", name: "unit", args });
const config = (witness: Witness) => ({
  callbacks: [witness],
  tags: ["given"],
  metadata: { given: true },
  configurable: { thread_id: "t1" },
});

/** What a call came to: its value, or the error it threw. */
async function outcome(run: () => Promise<unknown>): Promise<unknown> {
  try {
    return { value: await run() };
  } catch (error) {
    return { error };
  }
}

async function events(tool: CallableTool, args: unknown): Promise<unknown[]> {
  const seen: unknown[] = [];
  try {
    for await (const { event, name, data } of tool.streamEvents(args, { version: "v2" })) {
      seen.push({ event, name, data });
    }
  } catch (error) {
    seen.push(String(error));
  }
  return seen;
}

async function chunks(tool: CallableTool, args: unknown): Promise<unknown> {
  return outcome(async () => {
    const seen: unknown[] = [];
    for await (const chunk of await tool.stream(args)) seen.push(chunk);
    return seen;
  });
}

/** Errors in events carry stacks, which differ by the wrapper's own frames. */
const withoutStacks = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (key, item: unknown) =>
      key === "error" ? String(item).split("\n")[0] : key === "run_id" ? undefined : item,
    ),
  );

const STRUCTURED = KINDS.filter(({ isRunnable }) => isRunnable !== true);

describe("an allowed call of a wrapped tool", () => {
  it.each(STRUCTURED)("comes to the same: $name", async ({ make, allowed }) => {
    const gate = openGate();
    const calls = { bare: [] as unknown[], wrapped: [] as unknown[] };
    const bare = make(calls.bare);
    const wrapped = gate.wrap(make(calls.wrapped));
    const inputs: unknown[] = [
      allowed,
      envelope(allowed),
      { ...allowed, extra: 1 },
      envelope({ ...allowed, extra: 1 }),
    ];
    if (Object.keys(allowed).join() === "input") inputs.push(allowed["input"]);
    for (const input of inputs) {
      const [expected, actual] = [await outcome(() => bare.invoke(input)), await outcome(() => wrapped.invoke(input))];
      expect(actual).toStrictEqual(expected);
      expect(await chunks(wrapped, input)).toStrictEqual(await chunks(bare, input));
    }
    expect(calls.wrapped.length).toBe(inputs.length * 2);
    expect(calls.wrapped).toStrictEqual(calls.bare);
  });

  it.each(STRUCTURED)("refuses wrong arguments alike: $name", async ({ make }) => {
    const gate = openGate();
    const bare = make([]);
    const wrapped = gate.wrap(make([]));
    for (const input of [{ path: 7, input: 7 }, envelope({ path: 7, input: 7 }), 7]) {
      const [expected, actual] = [await outcome(() => bare.invoke(input)), await outcome(() => wrapped.invoke(input))];
      expect(actual).toStrictEqual(expected);
    }
    expect(await gate.recorded()).toEqual([]);
  });

  it.each(STRUCTURED)("calls the same callbacks, once each: $name", async ({ make, allowed }) => {
    const gate = openGate();
    for (const input of [allowed, envelope(allowed)]) {
      const [expected, actual] = [new Witness(), new Witness()];
      await outcome(() => make([]).invoke(input, config(expected)));
      const wrapped = gate.wrap(make([]));
      await outcome(() => wrapped.invoke(input, config(actual)));
      expect(expected.seen.length).toBeGreaterThan(1);
      expect(actual.seen).toStrictEqual(expected.seen);
    }
  });

  it.each(STRUCTURED)("streams the same events: $name", async ({ make, allowed }) => {
    const gate = openGate();
    const expected = await events(make([]), allowed);
    const actual = await events(gate.wrap(make([])), allowed);
    expect(expected.length).toBeGreaterThan(1);
    expect(withoutStacks(actual)).toStrictEqual(withoutStacks(expected));
  });

  it.each(KINDS)("looks the same from outside: $name", ({ make }) => {
    const gate = openGate();
    const bare = make([]);
    const wrapped = gate.wrap(bare);
    for (const field of [
      "name",
      "description",
      "schema",
      "responseFormat",
      "verboseParsingErrors",
      "callbacks",
      "tags",
      "metadata",
      "verbose",
      "defaultConfig",
      "extras",
      "returnDirect",
    ]) {
      const given: unknown = Reflect.get(bare, field);
      if (given !== undefined) expect(Reflect.get(wrapped, field), field).toBe(given);
    }
    expect(JSON.stringify(wrapped.toJSON())).toBe(JSON.stringify(bare));
  });

  describe.each(KINDS.filter(({ isRunnable }) => isRunnable === true))("$name", ({ make, allowed }) => {
    it.each([allowed, envelope(allowed)])("comes to the same, in the same runs: %#", async (input) => {
      const gate = openGate();
      const calls = { bare: [] as unknown[], wrapped: [] as unknown[] };
      const [expected, actual] = [new Witness(), new Witness()];
      const bare = await make(calls.bare).invoke(input, config(expected));
      expect(await gate.wrap(make(calls.wrapped)).invoke(input, config(actual))).toStrictEqual(bare);
      expect(calls.wrapped).toStrictEqual(calls.bare);
      // The arguments that were judged stand where the tool call stood.
      const runs = (witness: Witness) =>
        witness.seen.map((entry) => (Array.isArray(entry) ? [entry[0], ...(entry as unknown[]).slice(3)] : entry));
      expect(runs(expected).length).toBeGreaterThan(1);
      expect(runs(actual)).toStrictEqual(runs(expected));
    });

    it("refuses a tool call's wrong arguments alike", async () => {
      const gate = openGate();
      const wrong = envelope({ path: 7, input: 7 });
      const expected = await outcome(() => make([]).invoke(wrong));
      expect(expected).toHaveProperty("error.message", "Received tool input did not match expected schema");
      expect(await outcome(() => gate.wrap(make([])).invoke(wrong))).toStrictEqual(expected);
    });

    it("shows a refusal in the trace, under the run that called it", async () => {
      const gate = openGate("deny: ['*']\n");
      const witness = new Witness();
      const gated = gate.wrap(make([]));
      const outer = RunnableLambda.from(async (_input: unknown, options) => await gated.invoke(allowed, options));
      await expect(outer.invoke({}, { callbacks: [witness] })).rejects.toThrow("Blocked: policy_deny");
      const seen = witness.seen.map((entry) => (Array.isArray(entry) ? entry : []));
      expect(seen.map(([kind]) => kind as unknown)).toEqual(["chain start", "tool start", "tool error", "chain error"]);
      expect(seen[1]).toMatchObject({ 3: "run 1", 4: "run 0" });
      expect((await gate.recorded())[0]).toMatchObject({ context: { parentRunId: expect.any(String) } });
    });
  });
});

it.each(STRUCTURED)("tags given to call() count as they do without the gate: $name", async ({ make, allowed }) => {
  const gate = openGate();
  const tagsOf = async (tool: CallableTool): Promise<unknown> => {
    const seen: unknown[] = [];
    const handler = {
      name: "h",
      awaitHandlers: true,
      handleToolStart: (...args: unknown[]) => void seen.push(args[4]),
    };
    const call = Reflect.get(tool, "call") as (...args: unknown[]) => Promise<unknown>;
    await outcome(() => Reflect.apply(call, tool, [allowed, { callbacks: [handler] }, ["given"]]));
    return seen;
  };
  const expected = await tagsOf(make([]));
  expect(expected).toHaveLength(1);
  expect(await tagsOf(gate.wrap(make([])))).toEqual(expected);
});

it("a tool inside a runnable answers the runnable, not the tool call", async () => {
  const gate = openGate();
  const inside = KINDS[0]?.make([]) ?? expect.fail("no kinds");
  const runnable = RunnableLambda.from<Record<string, unknown>, unknown>((args, options) =>
    inside.invoke(args, options),
  ).asTool({ name: "outside", schema: z.object({ path: z.string() }) });
  expect(await gate.wrap(runnable).invoke(envelope({ path: "a" }))).toBe("read a");
});

describe("the tool inside", () => {
  it.each(KINDS)("cannot be reached from the wrapper: $name", async ({ make, allowed }) => {
    const gate = openGate();
    const bare = make([]);
    const wrapped = gate.wrap(bare);
    await outcome(() => wrapped.invoke(allowed));
    const hidden = new Set<unknown>([bare, Reflect.get(bare, "func"), Reflect.get(bare, "bound")]);
    hidden.delete(undefined);
    const found = new Set<unknown>();
    // The schema and the config fields are shared on purpose.
    const waiting: unknown[] = [wrapped, wrapped.toJSON(), wrapped.lc_kwargs];
    while (waiting.length > 0) {
      const value = waiting.pop();
      if ((typeof value !== "object" && typeof value !== "function") || value === null || found.has(value)) continue;
      expect(hidden.has(value)).toBe(false);
      found.add(value);
      for (const key of Reflect.ownKeys(value)) {
        if (key === "schema" || key === "caller" || key === "callee" || key === "arguments") continue;
        const descriptor = Object.getOwnPropertyDescriptor(value, key);
        waiting.push(descriptor?.get === undefined ? descriptor?.value : Reflect.get(wrapped, key));
      }
      if (value === wrapped) waiting.push(Object.getPrototypeOf(value));
    }
    expect(found.size).toBeGreaterThan(5);
    expect(Object.keys(wrapped)).not.toContain("tool");
  });
});
