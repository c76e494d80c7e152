import { AIMessage, ToolMessage, type BaseMessage } from "@langchain/core/messages";
import { RunnableLambda, RunnableSequence } from "@langchain/core/runnables";
import { fakeModel } from "@langchain/core/testing";
import { tool } from "@langchain/core/tools";
import { Command, END, MessagesAnnotation, Send, START, StateGraph } from "@langchain/langgraph";
import { ToolNode } from "@langchain/langgraph/prebuilt";
import { createAgent, createMiddleware, type AgentMiddleware } from "langchain";
import { describe, expect, it } from "vitest";
import { z } from "zod";

import type { CapFenceTool } from "../../src/langchain/capfence-tool.ts";
import { capfenceMiddleware } from "../../src/langchain/middleware.ts";
import { openGate, type Gate } from "./gate.ts";

const schema = z.object({ path: z.string() });
const user = { messages: [{ role: "user", content: "go" }] };
const call = (path: string, id = "call-1", name = "read") => ({ name, args: { path }, id, type: "tool_call" as const });

const reader = (calls: unknown[], name = "read") =>
  tool(
    ({ path }) => {
      calls.push(path);
      return `read ${path}`;
    },
    { name, description: "Reads.", schema },
  );

interface Parts {
  readonly tools: readonly object[];
  readonly middleware: readonly AgentMiddleware[];
}

const settings = { agentId: "tester", capability: "unit.run", onBlocked: "message" } as const;

/** Both ways to gate an agent: tool by tool, and all at once. */
const GATES: readonly (readonly [string, (gate: Gate, parts: Parts) => Parts])[] = [
  [
    "wrapped tools",
    ({ wrap }, { tools, middleware }) => ({
      tools: tools.map((one) => wrap(one as CapFenceTool, settings)),
      middleware,
    }),
  ],
  [
    "capfenceMiddleware",
    ({ runtime }, { tools, middleware }) => ({
      tools,
      middleware: [...middleware, capfenceMiddleware({ ...settings, runtime })],
    }),
  ],
];

/** Runs an agent whose model makes these calls in its first message. */
async function run({ tools, middleware }: Parts, ...calls: readonly ReturnType<typeof call>[]): Promise<BaseMessage[]> {
  const model = fakeModel()
    .respondWithTools([...calls])
    .respond(new AIMessage("done"))
    .respond(new AIMessage("done"));
  const agent = createAgent({ model, tools: tools as CapFenceTool[], middleware: [...middleware] });
  return (await agent.invoke(user)).messages;
}

const decisions = async (gate: Gate): Promise<string[]> =>
  (await gate.recorded()).filter(({ kind }) => kind === "decision").map(({ reason }) => String(reason));

const byText = (left: string, right: string): number => left.localeCompare(right);

describe.each(GATES)("%s stop what comes", (_name, gated) => {
  it("by a message that a tool sends to the tools", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const sending = tool(
      (_args, config) => {
        const sent = { messages: [], lg_tool_call: call("forbidden", "sent") };
        const done = new ToolMessage({ content: "sent", tool_call_id: String(config.toolCall?.id) });
        return new Command({ update: { messages: [done] }, goto: [new Send("tools", sent)] });
      },
      { name: "send", schema },
    );
    const parts = gated(gate, { tools: [sending, reader(calls)], middleware: [] });
    const messages = await run(parts, call("a", "call-1", "send"));
    expect(messages.map(({ text }) => text).join()).toContain("Blocked by policy: policy_deny.");
    expect(calls).toEqual([]);
    expect(await decisions(gate)).toEqual(["policy_allow", "policy_deny"]);
  });

  it("by middleware that jumps to the tools with calls of its own", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    let times = 0;
    const jumping = createMiddleware({
      name: "jumping",
      beforeModel: {
        canJumpTo: ["tools"],
        hook: () => {
          times += 1;
          if (times > 1) return undefined;
          return {
            messages: [new AIMessage({ content: "", tool_calls: [call("forbidden", "own")] })],
            jumpTo: "tools",
          };
        },
      },
    });
    await run(gated(gate, { tools: [reader(calls)], middleware: [jumping] }), call("a"));
    expect(calls).toEqual(["a"]);
    expect(await decisions(gate)).toEqual(["policy_deny", "policy_allow"]);
  });

  it("by middleware that edits the model's calls", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const editing = createMiddleware({
      name: "editing",
      afterModel: ({ messages }) => {
        const last = messages.at(-1);
        if (!AIMessage.isInstance(last) || (last.tool_calls ?? []).length === 0) return undefined;
        const edited = new AIMessage({ content: "", tool_calls: [call("forbidden", "edited")], id: String(last.id) });
        return { messages: [edited] };
      },
    });
    await run(gated(gate, { tools: [reader(calls)], middleware: [editing] }), call("a"));
    expect(calls).toEqual([]);
    expect(await decisions(gate)).toEqual(["policy_deny"]);
  });

  it("twice under one tool-call id", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const parts = gated(gate, { tools: [reader(calls)], middleware: [] });
    await run(parts, call("a", "same"), call("forbidden", "same"), call("b", "same"));
    expect(new Set(calls)).toEqual(new Set(["a", "b"]));
    expect((await decisions(gate)).toSorted(byText)).toEqual(["policy_allow", "policy_allow", "policy_deny"]);
  });

  it("from an agent inside a tool, whose tools are gated themselves", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const inner = gated(gate, { tools: [reader(calls)], middleware: [] });
    const sub = tool(
      async ({ path }) => {
        const messages = await run(inner, call(`${path}/forbidden`), call(path, "call-2"));
        return messages.map(({ text }) => text).join("|");
      },
      { name: "sub", schema },
    );
    await run(gated(gate, { tools: [sub], middleware: [] }), call("a", "outer", "sub"));
    expect(calls).toEqual(["a"]);
    expect((await decisions(gate)).toSorted(byText)).toEqual(["policy_allow", "policy_allow", "policy_deny"]);
  });

  it("from an agent made a tool, which is gated as one", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const agent = createAgent({
      model: fakeModel()
        .respondWithTools([call("a")])
        .respond(new AIMessage("done")),
      tools: [reader(calls)],
    });
    const sub = RunnableLambda.from(async ({ path }: { path: string }) => {
      const { messages } = await agent.invoke({ messages: [{ role: "user", content: path }] });
      return messages.at(-1)?.text;
    }).asTool({ name: "sub", schema });
    const parts = gated(gate, { tools: [sub], middleware: [] });
    await run(parts, call("forbidden", "outer", "sub"));
    expect(calls).toEqual([]);
    expect(await decisions(gate)).toEqual(["policy_deny"]);
  });
});

const gateFor = ({ runtime }: Gate): AgentMiddleware =>
  capfenceMiddleware({ runtime, agentId: "tester", onBlocked: "message", capability: { read: "unit.run" } });

describe("capfenceMiddleware stops", () => {
  it("a tool that the model is told of while the agent runs, and that nobody runs", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const telling = createMiddleware({
      name: "telling",
      wrapModelCall: (request, handler) => handler({ ...request, tools: [...request.tools, reader(calls, "more")] }),
    });
    await run({ tools: [reader(calls)], middleware: [telling, gateFor(gate)] }, call("a", "call-1", "more"));
    expect(calls).toEqual([]);
    expect(await decisions(gate)).toEqual(["unknown_tool"]);
  });

  it("another tool under an allowed one's name: the tool names the capability, not the call", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const swapping = createMiddleware({
      name: "swapping",
      wrapToolCall: (request, handler) => handler({ ...request, tool: reader(calls, "remove") }),
    });
    await run({ tools: [reader(calls)], middleware: [swapping, gateFor(gate)] }, call("a"));
    expect(calls).toEqual([]);
    expect((await gate.recorded())[0]).toMatchObject({ capability: "remove.execute", reason: "policy_default_deny" });
  });
});

describe("a wrapped tool", () => {
  it("is judged at every step of a sequence", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const next = RunnableLambda.from((text: string) => ({ path: `${text}, forbidden` }));
    const sequence = RunnableSequence.from([gate.wrap(reader(calls)), next, gate.wrap(reader(calls))]);
    await expect(sequence.invoke({ path: "a" })).rejects.toThrow("Blocked: policy_deny");
    expect(calls).toEqual(["a"]);
    expect(await decisions(gate)).toEqual(["policy_allow", "policy_deny"]);
  });

  it("is judged when a runnable hands it out and core runs it", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const inner = gate.wrap(reader(calls));
    const outer = gate.wrap(RunnableLambda.from(() => inner).asTool({ name: "outer", schema: z.looseObject({}) }));
    await expect(outer.invoke({ path: "forbidden" })).rejects.toThrow("Blocked: policy_deny");
    expect(await outer.invoke({ path: "a" })).toBe("read a");
    expect(calls).toEqual(["a"]);
    expect(await decisions(gate)).toEqual(["policy_deny", "policy_allow", "policy_allow"]);
  });

  it("hands over to another agent only when that is allowed", async () => {
    for (const [path, expected] of [
      ["a", "from the other"],
      ["forbidden", "Blocked by policy: policy_deny. The same call will be refused again."],
    ] as const) {
      const gate = openGate();
      const handoff = tool(() => new Command({ goto: "other", graph: Command.PARENT }), { name: "handoff", schema });
      const first = new StateGraph(MessagesAnnotation)
        .addNode("tools", new ToolNode([gate.wrap(handoff, { onBlocked: "message" })]))
        .addEdge(START, "tools")
        .compile();
      const graph = new StateGraph(MessagesAnnotation)
        .addNode("first", first, { ends: ["other", END] })
        .addNode("other", () => ({ messages: [new AIMessage("from the other")] }))
        .addEdge(START, "first")
        .compile();
      const asking = new AIMessage({ content: "", tool_calls: [call(path, "call-1", "handoff")] });
      const { messages } = await graph.invoke({ messages: [asking] });
      expect(messages.at(-1)?.text).toBe(expected);
    }
  });

  it("is judged whichever of core's classes' own methods it is called by", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const bare = reader(calls);
    const gated = gate.wrap(bare);
    let prototype: unknown = Object.getPrototypeOf(bare);
    let tried = 0;
    while (typeof prototype === "object" && prototype !== null) {
      for (const method of ["invoke", "call", "_call", "func", "batch", "stream"]) {
        const own: unknown = Object.getOwnPropertyDescriptor(prototype, method)?.value;
        if (typeof own !== "function") continue;
        const args = method === "batch" ? [{ path: "forbidden" }] : { path: "forbidden" };
        const outcome: unknown = await (async () => Reflect.apply(own, gated, [args, {}]) as unknown)().catch(String);
        expect(JSON.stringify(outcome) ?? "").not.toContain("read forbidden");
        tried += 1;
      }
      prototype = Object.getPrototypeOf(prototype);
    }
    expect(tried).toBeGreaterThanOrEqual(6);
    expect(calls).toEqual([]);
  });
});
