import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { AIMessage, ToolMessage, type BaseMessage } from "@langchain/core/messages";
import { fakeModel } from "@langchain/core/testing";
import { tool } from "@langchain/core/tools";
import { Command, END, interrupt, MemorySaver, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { createAgent, createMiddleware } from "langchain";
import { describe, expect, it } from "vitest";
import { z } from "zod";

import { ActionRuntime } from "../../src/runtime/runtime.ts";
import { AuditUnavailableError } from "../../src/errors.ts";
import { isActionBlocked } from "../../src/langchain/blocked.ts";
import type { CapFenceTool } from "../../src/langchain/capfence-tool.ts";
import { openGate } from "./gate.ts";
import { KINDS } from "./kinds.ts";

const TEXT = "Blocked by policy: policy_deny. The same call will be refused again.";

const reader = (calls: unknown[]) =>
  tool(
    (args) => {
      calls.push(args.path);
      return `read ${args.path}`;
    },
    { name: "read", description: "Reads.", schema: z.object({ path: z.string() }) },
  );

const call = (path: string, id: string) => ({ name: "read", args: { path }, id });
const user = { messages: [{ role: "user", content: "go" }] };
const toolMessages = (messages: BaseMessage[]): ToolMessage[] =>
  messages.filter((message) => ToolMessage.isInstance(message));

/** Middleware that looks at tool calls and changes nothing. */
const onlooker = createMiddleware({ name: "onlooker", wrapToolCall: (request, handler) => handler(request) });

describe("in createAgent", () => {
  it.each(KINDS)("runs an allowed call and blocks a denied one: $name", async ({ make, allowed, denied }) => {
    const gate = openGate();
    const calls: unknown[] = [];
    const gated = gate.wrap(make(calls), { onBlocked: "message" });
    const model = fakeModel()
      .respondWithTools([{ name: gated.name, args: denied, id: "no" }])
      .respondWithTools([{ name: gated.name, args: allowed, id: "yes" }])
      .respond(new AIMessage("done"));
    const { messages } = await createAgent({ model, tools: [gated] }).invoke(user);
    expect(calls).toHaveLength(1);
    expect(toolMessages(messages)[0]).toMatchObject({ status: "error", content: TEXT, tool_call_id: "no" });
  });

  it("gives the agent the same messages as the bare tool", async () => {
    const gate = openGate();
    for (const { make, allowed } of KINDS) {
      const run = async (subject: Parameters<typeof gate.wrap>[0]): Promise<unknown> => {
        const model = fakeModel()
          .respondWithTools([{ name: subject.name, args: allowed, id: "yes" }])
          .respond(new AIMessage("done"));
        const tools = [subject] as CapFenceTool[];
        const { messages } = await createAgent({ model, tools }).invoke(user);
        return toolMessages(messages).map(({ content, name, tool_call_id, status, artifact }) => ({
          content,
          name,
          tool_call_id,
          artifact: artifact as unknown,
          status,
        }));
      };
      expect(await run(gate.wrap(make([])))).toStrictEqual(await run(make([])));
    }
  });

  it("turns a thrown refusal into an error message and goes on, when there is no middleware", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const model = fakeModel()
      .respondWithTools([call("forbidden", "no")])
      .respond(new AIMessage("done"));
    const { messages } = await createAgent({ model, tools: [gate.wrap(reader(calls))] }).invoke(user);
    expect(calls).toEqual([]);
    const [message] = toolMessages(messages);
    expect(message).toMatchObject({ status: "error", tool_call_id: "no" });
    expect(message?.text).toContain("Blocked: policy_deny");
    expect(messages.at(-1)?.text).toBe("done");
  });

  it("rejects with the refusal, when there is middleware around tool calls", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const model = fakeModel()
      .respondWithTools([call("forbidden", "no")])
      .respond(new AIMessage("done"));
    const agent = createAgent({ model, tools: [gate.wrap(reader(calls))], middleware: [onlooker] });
    const error: unknown = await agent.invoke(user).catch((thrown: unknown) => thrown);
    expect(isActionBlocked(error)).toBe(true);
    expect(calls).toEqual([]);
  });

  it("rejects with a refusal when several calls of one step are refused", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const model = fakeModel()
      .respondWithTools([call("forbidden/1", "a"), call("forbidden/2", "b")])
      .respond(new AIMessage("done"));
    const agent = createAgent({ model, tools: [gate.wrap(reader(calls))], middleware: [onlooker] });
    const error: unknown = await agent.invoke(user).catch((thrown: unknown) => thrown);
    expect(isActionBlocked(error)).toBe(true);
    expect(calls).toEqual([]);
  });

  it("judges parallel calls of one message one by one", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const paths = ["a", "forbidden", "b", "also forbidden", "c"];
    const model = fakeModel()
      .respondWithTools(paths.map((path, index) => call(path, `call-${index}`)))
      .respond(new AIMessage("done"));
    const gated = gate.wrap(reader(calls), { onBlocked: "message" });
    const { messages } = await createAgent({ model, tools: [gated] }).invoke(user);
    expect(new Set(calls)).toEqual(new Set(["a", "b", "c"]));
    expect(toolMessages(messages).map(({ status, tool_call_id }) => [tool_call_id, status])).toEqual([
      ["call-0", "success"],
      ["call-1", "error"],
      ["call-2", "success"],
      ["call-3", "error"],
      ["call-4", "success"],
    ]);
  });

  it("keeps a returnDirect tool's last word", async () => {
    const gate = openGate();
    const direct = tool(() => "final", { name: "read", schema: z.object({ path: z.string() }), returnDirect: true });
    const model = fakeModel().respondWithTools([call("a", "yes")]);
    const { messages } = await createAgent({ model, tools: [gate.wrap(direct)] }).invoke(user);
    expect(messages.at(-1)?.text).toBe("final");
  });

  it("streams an agent's steps as the bare tool does", async () => {
    const gate = openGate();
    const steps = async (subject: ReturnType<typeof reader> | CapFenceTool): Promise<string[]> => {
      const model = fakeModel()
        .respondWithTools([call("a", "yes")])
        .respond(new AIMessage("done"));
      const seen: string[] = [];
      for await (const chunk of await createAgent({ model, tools: [subject] }).stream(user, {
        streamMode: "updates",
      })) {
        seen.push(Object.keys(chunk).join());
      }
      return seen;
    };
    expect(await steps(gate.wrap(reader([])))).toEqual(await steps(reader([])));
  });

  it("blocks everything when the log cannot be written, whatever onBlocked says", async () => {
    const gate = openGate();
    const file = join(gate.directory, "a-file");
    writeFileSync(file, "");
    for (const auditLog of [join(file, "audit.db"), gate.directory]) {
      const runtime = ActionRuntime.fromPolicy(gate.policyPath, { auditLog });
      const calls: unknown[] = [];
      for (const onBlocked of ["throw", "message"] as const) {
        const gated = gate.wrap(reader(calls), { runtime, onBlocked });
        await expect(gated.invoke({ path: "a" })).rejects.toBeInstanceOf(AuditUnavailableError);
        const model = (): ReturnType<typeof fakeModel> =>
          fakeModel()
            .respondWithTools([call("a", "yes")])
            .respond(new AIMessage("done"));
        const { messages } = await createAgent({ model: model(), tools: [gated] }).invoke(user);
        expect(toolMessages(messages)[0]).toMatchObject({ status: "error" });
        expect(toolMessages(messages)[0]?.text).toContain("Audit log");
        await expect(
          createAgent({ model: model(), tools: [gated], middleware: [onlooker] }).invoke(user),
        ).rejects.toThrow("Audit log");
      }
      expect(calls).toEqual([]);
      await runtime.close();
    }
  });
});

describe("in LangGraph", () => {
  it.each(KINDS)("answers a ToolNode: $name", async ({ make, allowed, denied, name }) => {
    const gate = openGate();
    const calls: unknown[] = [];
    const gated = gate.wrap(make(calls));
    const message = (args: Record<string, unknown>) =>
      new AIMessage({ content: "", tool_calls: [{ name: gated.name, args, id: "id", type: "tool_call" }] });
    const node = new ToolNode([gated]);
    const refused: unknown = await node.invoke({ messages: [message(denied)] });
    expect(calls).toEqual([]);
    expect(refused).toMatchObject({ messages: [{ status: "error", tool_call_id: "id" }] });
    const strict = new ToolNode([gated], { handleToolErrors: false });
    const error: unknown = await strict.invoke({ messages: [message(denied)] }).catch((thrown: unknown) => thrown);
    expect(isActionBlocked(error)).toBe(true);
    const ran: unknown = await node.invoke({ messages: [message(allowed)] });
    expect(calls).toHaveLength(1);
    if (name.includes("Command")) expect(Array.isArray(ran) && ran[0] instanceof Command).toBe(true);
    else expect(ran).toMatchObject({ messages: [{ tool_call_id: "id" }] });
  });

  it("runs in a StateGraph", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const gated = gate.wrap(reader(calls), { onBlocked: "message" });
    const model = fakeModel()
      .respondWithTools([call("forbidden", "no")])
      .respondWithTools([call("a", "yes")])
      .respond(new AIMessage("done"));
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("model", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
      .addNode("tools", new ToolNode([gated]))
      .addEdge(START, "model")
      .addConditionalEdges("model", toolsCondition, ["tools", END])
      .addEdge("tools", "model")
      .compile();
    const { messages } = await graph.invoke(user);
    expect(calls).toEqual(["a"]);
    expect(toolMessages(messages).map(({ content }) => content)).toEqual([TEXT, "read a"]);
  });

  it("lets a tool pause the run, and judges it again when the run goes on", async () => {
    const gate = openGate();
    const asking = tool(({ path }) => `${path}: ${String(interrupt("sure?"))}`, {
      name: "read",
      schema: z.object({ path: z.string() }),
    });
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("tools", new ToolNode([gate.wrap(asking, { onBlocked: "message" })]))
      .addEdge(START, "tools")
      .compile({ checkpointer: new MemorySaver() });
    const config = { configurable: { thread_id: "1" } };
    const ask = new AIMessage({ content: "", tool_calls: [{ ...call("a", "yes"), type: "tool_call" }] });
    const paused: object = await graph.invoke({ messages: [ask] }, config);
    expect(paused).toMatchObject({ __interrupt__: [{ value: "sure?" }] });
    const { messages } = await graph.invoke(new Command({ resume: "quite" }), config);
    expect(messages.at(-1)?.text).toBe("a: quite");
    expect((await gate.recorded()).map(({ kind, decision, status }) => [kind, decision ?? status])).toEqual([
      ["decision", "allow"],
      ["outcome", "failed"],
      ["decision", "allow"],
      ["outcome", "finished"],
    ]);
  });

  it("hands a Command on to the graph", async () => {
    const gate = openGate();
    const jump = tool(() => new Command({ goto: END, update: { messages: [new AIMessage("jumped")] } }), {
      name: "read",
      schema: z.object({ path: z.string() }),
    });
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("tools", new ToolNode([gate.wrap(jump)]))
      .addEdge(START, "tools")
      .compile();
    const { messages } = await graph.invoke({
      messages: [new AIMessage({ content: "", tool_calls: [{ ...call("a", "yes"), type: "tool_call" }] })],
    });
    expect(messages.at(-1)?.text).toBe("jumped");
  });
});
