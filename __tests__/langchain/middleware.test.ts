import { AIMessage, ToolMessage, type BaseMessage } from "@langchain/core/messages";
import { fakeModel } from "@langchain/core/testing";
import { RunnableLambda } from "@langchain/core/runnables";
import { tool } from "@langchain/core/tools";
import { Command, interrupt, MemorySaver } from "@langchain/langgraph";
import {
  createAgent,
  createMiddleware,
  toolErrorMiddleware,
  toolRetryMiddleware,
  type AgentMiddleware,
} from "langchain";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";

import type { GateOptions } from "../../src/langchain/gate-options.ts";
import { assertGated, capfenceMiddleware, CapFenceTool, isActionBlocked } from "../../src/langchain/index.ts";
import { openGate, type Gate, type Recorded } from "./gate.ts";

const schema = z.object({ path: z.string() });
const user = { messages: [{ role: "user", content: "go" }] };
const call = (path: string, name = "read", id = `call-${path}`) => ({ name, args: { path }, id });

const reader = (calls: unknown[], name = "read") =>
  tool(
    ({ path }) => {
      calls.push(path);
      return `read ${path}`;
    },
    { name, description: "Reads.", schema },
  );

const gateFor = ({ runtime }: Gate, options: Partial<GateOptions> = {}): AgentMiddleware =>
  capfenceMiddleware({ runtime, agentId: "tester", capability: "unit.run", ...options }) as AgentMiddleware;

const swapping = (other: ReturnType<typeof reader>): AgentMiddleware =>
  createMiddleware({ name: "swapping", wrapToolCall: (request, handler) => handler({ ...request, tool: other }) });

/** Runs another tool where the one that was asked for fails. */
const fallingBackTo = (other: ReturnType<typeof reader>): AgentMiddleware =>
  createMiddleware({
    name: "falling back",
    wrapToolCall: async (request, handler) => {
      try {
        return await handler(request);
      } catch {
        return await handler({ ...request, tool: other });
      }
    },
  });

/** Runs the tool that was asked for and answers with another. */
const insteadOf = (other: ReturnType<typeof reader>): AgentMiddleware =>
  createMiddleware({
    name: "instead of",
    wrapToolCall: async (request, handler) => {
      await handler(request);
      return await handler({ ...request, tool: other, toolCall: { ...request.toolCall, args: { path: "other" } } });
    },
  });

/** How gated tools are known; anybody can come by it. */
const MARK = Symbol.for("capfence.tool");

const markOf = (gated: object) => Object.getOwnPropertyDescriptor(gated, MARK) ?? expect.fail("no mark");

const passing = createMiddleware({ name: "passing", wrapToolCall: (request, handler) => handler(request) });

/** Runs an agent whose model makes these calls in one message each. */
async function run(
  middleware: readonly AgentMiddleware[],
  tools: object[],
  ...turns: readonly ReturnType<typeof call>[][]
): Promise<BaseMessage[]> {
  let model = fakeModel();
  for (const turn of turns) model = model.respondWithTools(turn);
  const agent = createAgent({
    model: model.respond(new AIMessage("done")),
    tools: tools as CapFenceTool[],
    middleware: [...middleware],
  });
  return (await agent.invoke(user)).messages;
}

async function thrownBy(running: Promise<unknown>): Promise<unknown> {
  return await running.then(
    () => expect.fail("it did not throw"),
    (error: unknown) => error,
  );
}

const answers = (messages: readonly BaseMessage[]): string[] =>
  messages.filter((message) => ToolMessage.isInstance(message)).map((message) => message.text);

const shown = (entries: readonly Recorded[]): unknown[] =>
  entries.map(({ kind, reason, status }) => [kind, reason ?? status]);

describe("capfenceMiddleware", () => {
  it("lets an allowed call run and ends the run at a denied one", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const messages = await run([gateFor(gate)], [reader(calls)], [call("a")]);
    expect(answers(messages)).toEqual(["read a"]);
    const error = await thrownBy(run([gateFor(gate)], [reader(calls)], [call("forbidden")]));
    expect(isActionBlocked(error)).toBe(true);
    expect(calls).toEqual(["a"]);
    expect(shown(await gate.recorded())).toEqual([
      ["decision", "policy_allow"],
      ["outcome", "finished"],
      ["decision", "policy_deny"],
    ]);
  });

  it("answers the model when told to, and the run goes on", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const middleware = gateFor(gate, { onBlocked: "message" });
    const messages = await run([middleware], [reader(calls)], [call("forbidden"), call("a"), call("forbidden too")]);
    const refusal = "Blocked by policy: policy_deny. The same call will be refused again.";
    expect(answers(messages)).toEqual([refusal, "read a", refusal]);
    expect(messages.at(-1)?.text).toBe("done");
  });

  it("gates tools that come from other middleware, in any way", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const hidden = reader(calls);
    const brings = createMiddleware({ name: "brings", tools: [reader(calls, "brought")] });
    const hands = createMiddleware({
      name: "hands",
      wrapModelCall: (request, handler) => handler({ ...request, tools: [...request.tools, hidden] }),
      wrapToolCall: (request, handler) => handler(request.tool === undefined ? { ...request, tool: hidden } : request),
    });
    const middleware = [brings, hands, gateFor(gate, { onBlocked: "message" })];
    const turn = [call("a", "brought"), call("forbidden", "brought"), call("b"), call("forbidden", "read", "last")];
    await run(middleware, [], turn);
    expect(new Set(calls)).toEqual(new Set(["a", "b"]));
    expect((await gate.recorded()).filter(({ kind }) => kind === "decision")).toHaveLength(4);
  });

  it("wraps each tool once, however often it is called", async () => {
    const gate = openGate();
    const names: unknown[] = [];
    const options = { capability: ({ name }: { name: string }) => (names.push(name), "unit.run") };
    await run([gateFor(gate, options)], [reader([])], [call("a"), call("b")], [call("c")]);
    expect(names).toEqual(["read"]);
  });

  it("gates a thousand tools, each when it is called", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const gated: unknown[] = [];
    const tools = Array.from({ length: 1000 }, (_, index) => reader(calls, `tool_${index}`));
    const turn = [0, 499, 999].flatMap((index) => [
      call("a", `tool_${index}`, `yes-${index}`),
      call("forbidden", `tool_${index}`, `no-${index}`),
    ]);
    const capability = ({ name }: { name: string }) => (gated.push(name), "unit.run");
    const middleware = gateFor(gate, { onBlocked: "message", capability });
    expect(answers(await run([middleware], tools, turn)).filter((text) => text === "read a")).toHaveLength(3);
    expect(gated).toEqual(["tool_0", "tool_499", "tool_999"]);
    expect(calls).toEqual(["a", "a", "a"]);
    const recorded = await gate.recorded();
    expect(recorded.filter(({ kind }) => kind === "decision")).toHaveLength(6);
    expect(recorded.filter(({ kind }) => kind === "outcome")).toHaveLength(3);
  });

  it("does not gate a gated tool again", async () => {
    const gate = openGate();
    const own = gate.wrap(reader([]), { agentId: "its own" });
    await run([gateFor(gate)], [own], [call("a")]);
    const decisions = (await gate.recorded()).filter(({ kind }) => kind === "decision");
    expect(decisions).toMatchObject([{ actor: "its own" }]);
  });

  it.each(["throw", "message"] as const)("refuses a tool that nobody has brought: %s", async (onBlocked) => {
    const gate = openGate();
    const running = run([gateFor(gate, { onBlocked, capability: {} })], [reader([])], [call("a", "rm -rf /")]);
    if (onBlocked === "throw") expect(isActionBlocked(await thrownBy(running))).toBe(true);
    else expect(answers(await running)[0]).toContain("Blocked by policy: unknown_tool.");
    expect(await gate.recorded()).toMatchObject([
      { reason: "unknown_tool", capability: "rm_-rf_.execute", authorized: false, payload: { path: "a" } },
    ]);
  });

  it("refuses a tool that cannot be gated, and says why", async () => {
    const gate = openGate();
    const odd = Object.assign(reader([]), { invoke: async () => "went around" });
    const error = await thrownBy(run([gateFor(gate)], [odd], [call("a")]));
    expect(isActionBlocked(error)).toBe(true);
    expect(await gate.recorded()).toMatchObject([{ reason: "unknown_tool" }]);
  });

  describe("does not take for gated", () => {
    it.each<readonly [string, (gated: CapFenceTool, bare: ReturnType<typeof reader>) => object]>([
      ["a bare tool that bears the mark", (_, bare) => Object.defineProperty(bare, MARK, { value: true })],
      ["a bare tool that bears another's mark", (gated, bare) => Object.defineProperty(bare, MARK, markOf(gated))],
      [
        "a gated tool whose invoke was replaced",
        (gated, bare) => Object.assign(gated, { invoke: bare.invoke.bind(bare) }),
      ],
      [
        "one below a gated tool",
        (gated, bare) => Object.assign(Object.create(gated), { invoke: bare.invoke.bind(bare) }),
      ],
    ])("%s", async (_name, tamper) => {
      const gate = openGate();
      const calls: unknown[] = [];
      const tampered = tamper(gate.wrap(reader([])), reader(calls));
      expect(() => assertGated([tampered])).toThrow("assertGated: not gated: read");
      expect(isActionBlocked(await thrownBy(run([gateFor(gate)], [tampered], [call("a")])))).toBe(true);
      expect(calls).toEqual([]);
      expect(await gate.recorded()).toMatchObject([{ reason: "unknown_tool" }]);
    });

    it.each(["invoke", "call", "_call", "stream"])("one of a class with its own %s", async (method) => {
      const gate = openGate();
      const calls: unknown[] = [];
      class Own extends CapFenceTool {}
      Object.defineProperty(Own.prototype, method, { value: async (input: unknown) => void calls.push(input) });
      const own = new Own({ tool: reader([]), agentId: "tester", capability: "unit.run", runtime: gate.runtime });
      expect(() => assertGated([own])).toThrow("assertGated: not gated: read");
      expect(isActionBlocked(await thrownBy(run([gateFor(gate)], [own], [call("a")])))).toBe(true);
      expect(calls).toEqual([]);
      expect(await gate.recorded()).toMatchObject([{ reason: "unknown_tool" }]);
    });
  });

  it("leaves arguments that do not fit the schema to LangChain", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const wrong = { name: "read", args: { path: 7 }, id: "wrong" };
    const messages = await run([gateFor(gate)], [reader(calls)], [wrong as unknown as ReturnType<typeof call>]);
    expect(answers(messages)[0]).toContain("did not match expected schema");
    expect(calls).toEqual([]);
  });

  it.each(["throw", "message"] as const)(
    "has a tool's own error thrown, as all middleware has: %s",
    async (onBlocked) => {
      const gate = openGate();
      const own = new RangeError("disk on fire");
      const throwing = tool(
        () => {
          throw own;
        },
        { name: "read", schema },
      );
      expect(await thrownBy(run([gateFor(gate, { onBlocked })], [throwing], [call("a")]))).toBe(own);
      const shows = toolErrorMiddleware({ onError: (error) => `told: ${String(error)}` }) as AgentMiddleware;
      const messages = await run([shows, gateFor(gate, { onBlocked })], [throwing], [call("a")]);
      expect(answers(messages)).toEqual(["told: RangeError: disk on fire"]);
    },
  );
});

describe("every attempt has its own decision", () => {
  it("when middleware tries again", async () => {
    const gate = openGate();
    let times = 0;
    const flaky = tool(
      () => {
        times += 1;
        if (times < 3) throw new Error("busy");
        return "at last";
      },
      { name: "read", schema },
    );
    const retry = toolRetryMiddleware({ maxRetries: 3, initialDelayMs: 0 }) as AgentMiddleware;
    expect(answers(await run([retry, gateFor(gate)], [flaky], [call("a")]))).toEqual(["at last"]);
    expect(shown(await gate.recorded())).toEqual([
      ["decision", "policy_allow"],
      ["outcome", "failed"],
      ["decision", "policy_allow"],
      ["outcome", "failed"],
      ["decision", "policy_allow"],
      ["outcome", "finished"],
    ]);
  });

  it("when middleware tries a refused call again", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const retry = toolRetryMiddleware({ maxRetries: 2, initialDelayMs: 0, onFailure: "error" }) as AgentMiddleware;
    const error = await thrownBy(run([retry, gateFor(gate)], [reader(calls)], [call("forbidden")]));
    expect(isActionBlocked(error)).toBe(true);
    expect(calls).toEqual([]);
    expect(shown(await gate.recorded())).toEqual([1, 2, 3].map(() => ["decision", "policy_deny"]));
  });

  it("when one message asks for many calls", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const turn = Array.from({ length: 40 }, (_, index) => call(index % 2 === 0 ? `a${index}` : `forbidden ${index}`));
    await run([gateFor(gate, { onBlocked: "message" })], [reader(calls)], turn);
    expect(calls).toHaveLength(20);
    const recorded = await gate.recorded();
    expect(recorded.filter(({ kind }) => kind === "decision")).toHaveLength(40);
    expect(recorded.filter(({ kind }) => kind === "outcome")).toHaveLength(20);
  });
});

describe("a call that does not arrive at the gated tool", () => {
  const answering = createMiddleware({
    name: "answering",
    wrapToolCall: ({ toolCall }) => new ToolMessage({ content: "made up", tool_call_id: toolCall.id ?? "" }),
  });
  const failing = createMiddleware({
    name: "failing",
    wrapToolCall: () => {
      throw new Error("failed on the way");
    },
  });

  it.each<readonly [string, (calls: unknown[]) => AgentMiddleware]>([
    ["answered by middleware after ours", () => answering],
    ["swapped by middleware after ours", (calls) => swapping(reader(calls))],
    ["failed in middleware after ours", () => failing],
  ])("is recorded as bypassed and throws, whatever onBlocked says: %s", async (_name, make) => {
    for (const onBlocked of ["throw", "message"] as const) {
      const gate = openGate();
      const middleware = [gateFor(gate, { onBlocked }), make([])];
      const error = await thrownBy(run(middleware, [reader([])], [call("a")]));
      expect(isActionBlocked(error)).toBe(true);
      expect(String(error)).toContain("Blocked: bypassed");
      expect(await gate.recorded()).toMatchObject([
        { kind: "decision", decision: "deny", authorized: false, reason: "bypassed", payload: { path: "a" } },
      ]);
    }
  });

  it.each<readonly [string, string, (other: ReturnType<typeof reader>) => AgentMiddleware]>([
    ["after a refusal", "forbidden", fallingBackTo],
    ["after the call", "a", insteadOf],
  ])("is recorded when another tool answers %s, and so is the call itself", async (_name, path, make) => {
    const gate = openGate();
    const calls: unknown[] = [];
    const error = await thrownBy(run([gateFor(gate), make(reader([]))], [reader(calls)], [call(path)]));
    expect(String(error)).toContain("Blocked: bypassed");
    const [decision, ...others] = shown(await gate.recorded());
    expect(decision).toEqual(["decision", path === "a" ? "policy_allow" : "policy_deny"]);
    expect(others.at(-1)).toEqual(["decision", "bypassed"]);
  });

  it("is none when middleware after ours tries the same tool again", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const twice = createMiddleware({
      name: "twice",
      wrapToolCall: async (request, handler) => {
        await handler(request);
        return await handler(request);
      },
    });
    const direct = tool(() => new Command({ update: {} }), { name: "read", schema });
    const bare = RunnableLambda.from(({ path }: { path: string }) => ({ read: path, calls: calls.push(path) }));
    for (const subject of [reader(calls), direct, bare.asTool({ name: "read", schema })]) {
      await run([gateFor(gate), twice], [subject], [call("a")]);
    }
    expect(calls).toEqual(["a", "a", "a", "a"]);
    expect(shown(await gate.recorded()).filter((entry) => String(entry).startsWith("decision"))).toEqual(
      Array.from({ length: 6 }, () => ["decision", "policy_allow"]),
    );
  });

  it("is no matter when middleware before ours answers: nothing ran", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    expect(answers(await run([answering, gateFor(gate)], [reader(calls)], [call("a")]))).toEqual(["made up"]);
    expect(calls).toEqual([]);
    expect(await gate.recorded()).toEqual([]);
  });

  it("does not take another agent's call inside a tool for its own", async () => {
    const gate = openGate();
    const inner: unknown[] = [];
    const nested = tool(
      async ({ path }) =>
        answers(await run([passing, gateFor(gate)], [reader(inner, "inner")], [call(path, "inner")])).join(),
      { name: "read", schema },
    );
    expect(answers(await run([passing, gateFor(gate)], [nested], [call("a")]))).toEqual(["read a"]);
    expect(inner).toEqual(["a"]);
    expect((await gate.recorded()).filter(({ kind }) => kind === "decision")).toHaveLength(2);
  });
});

/** An agent whose model makes one call. */
function agentFor(gate: Gate, subject: object): ReturnType<typeof createAgent> {
  return createAgent({
    model: fakeModel()
      .respondWithTools([call("a")])
      .respond(new AIMessage("done")),
    tools: [subject as CapFenceTool],
    middleware: [gateFor(gate)],
  }) as ReturnType<typeof createAgent>;
}

/** Resolves when an outcome has been recorded: an aborted run does not wait for its tools. */
async function outcomeOf({ runtime }: Gate): Promise<void> {
  const record = runtime.recordOutcome.bind(runtime);
  await new Promise<void>((resolve) => {
    vi.spyOn(runtime, "recordOutcome").mockImplementation(async (...args) => {
      await record(...args);
      resolve();
    });
  });
}

describe("an aborted run", () => {
  it("judges nothing when it was aborted before", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    await thrownBy(agentFor(gate, reader(calls)).invoke(user, { signal: AbortSignal.abort(new Error("no")) }));
    expect(calls).toEqual([]);
    expect(await gate.recorded()).toEqual([]);
  });

  it("does not run a tool when it is aborted while that is judged", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const ended = outcomeOf(gate);
    const controller = new AbortController();
    const judge = gate.runtime.execute.bind(gate.runtime);
    vi.spyOn(gate.runtime, "execute").mockImplementation(async (event) => {
      const verdict = await judge(event);
      controller.abort(new Error("no"));
      return verdict;
    });
    await thrownBy(agentFor(gate, reader(calls)).invoke(user, { signal: controller.signal }));
    expect(calls).toEqual([]);
    await ended;
    expect(shown(await gate.recorded())).toEqual([
      ["decision", "policy_allow"],
      ["outcome", "aborted"],
    ]);
  });

  it("records as failed what it aborts while it runs", async () => {
    const gate = openGate();
    const ended = outcomeOf(gate);
    const controller = new AbortController();
    const waiting = tool(
      () => {
        controller.abort(new Error("no"));
        return new Promise<string>(() => {});
      },
      { name: "read", schema },
    );
    await thrownBy(agentFor(gate, waiting).invoke(user, { signal: controller.signal }));
    await ended;
    expect(shown(await gate.recorded())).toEqual([
      ["decision", "policy_allow"],
      ["outcome", "failed"],
    ]);
  });
});

describe("a paused run", () => {
  it("goes on when it is told to, and is judged again", async () => {
    const gate = openGate();
    const asking = tool(({ path }) => `${path}: ${String(interrupt("sure?"))}`, { name: "read", schema });
    const model = fakeModel()
      .respondWithTools([call("a")])
      .respond(new AIMessage("done"));
    const middleware = [gateFor(gate, { onBlocked: "message" })];
    const agent = createAgent({ model, tools: [asking], middleware, checkpointer: new MemorySaver() });
    const config = { configurable: { thread_id: "thread-1" } };
    expect(await agent.invoke(user, config)).toMatchObject({ __interrupt__: [{ value: "sure?" }] });
    const { messages } = await agent.invoke(new Command({ resume: "quite" }), config);
    expect(answers(messages)).toEqual(["a: quite"]);
    const recorded = await gate.recorded();
    expect(shown(recorded)).toEqual([
      ["decision", "policy_allow"],
      ["outcome", "failed"],
      ["decision", "policy_allow"],
      ["outcome", "finished"],
    ]);
    expect(recorded[0]).toMatchObject({ session: "thread-1" });
  });

  it("is no bypass when middleware after ours pauses it", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const model = fakeModel()
      .respondWithTools([call("a")])
      .respond(new AIMessage("done"));
    const pausing = createMiddleware({
      name: "pausing",
      wrapToolCall: async (request, handler) => {
        interrupt("may I?");
        return await handler(request);
      },
    });
    const agent = createAgent({
      model,
      tools: [reader(calls)],
      middleware: [gateFor(gate), pausing],
      checkpointer: new MemorySaver(),
    });
    const config = { configurable: { thread_id: "thread-1" } };
    expect(await agent.invoke(user, config)).toMatchObject({ __interrupt__: [{ value: "may I?" }] });
    expect(calls).toEqual([]);
    await agent.invoke(new Command({ resume: true }), config);
    expect(calls).toEqual(["a"]);
    expect(shown(await gate.recorded())).toEqual([
      ["decision", "policy_allow"],
      ["outcome", "finished"],
    ]);
  });
});

describe("its options", () => {
  it.each<readonly [string, object, RegExp]>([
    ["no runtime", { runtime: undefined }, /runtime must be an ActionRuntime/],
    ["an unknown one", { capabilities: {} }, /unknown option capabilities/],
    ["a capability that is none", { capability: 7 }, /capability must be/],
    ["ungated that is no list", { ungated: "web_search" }, /ungated must be a list/],
    ["no agent", { agentId: "" }, /agentId must be a non-empty string/],
    ["another onBlocked", { onBlocked: "ignore" }, /onBlocked must be/],
    ["an environment that is none", { environment: "" }, /environment must be/],
  ])("are refused at once: %s", (_name, options, message) => {
    const { runtime } = openGate();
    const make = (): unknown => Reflect.apply(capfenceMiddleware, undefined, [{ runtime, agentId: "a", ...options }]);
    expect(make).toThrow(TypeError);
    expect(make).toThrow(message);
  });

  it("are needed", () => {
    expect(() => Reflect.apply(capfenceMiddleware, undefined, [])).toThrow(/options must be an object/);
  });
});
