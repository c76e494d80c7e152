import { fakeModel } from "@langchain/core/testing";
import { AIMessage, HumanMessage, ToolMessage, type BaseMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { Command, END, MemorySaver, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { ToolNode } from "@langchain/langgraph/prebuilt";
import { createAgent, humanInTheLoopMiddleware, toolRetryMiddleware, type AgentMiddleware } from "langchain";
import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";

import { approvalNeeded } from "../../src/langchain/approval-needed.ts";
import type { ApprovalInterrupt } from "../../src/langchain/pause.ts";
import { capfenceMiddleware } from "../../src/langchain/middleware.ts";
import { openGate, type Gate } from "./gate.ts";

const POLICY = `require_approval:
  - pay.send
  - pay.refund
allow:
  - mail.send
`;

let gate: Gate;
/** What has run, in order. */
let ran: string[];

beforeEach(() => {
  gate = openGate(POLICY);
  ran = [];
});

function named(name: string) {
  return tool(
    ({ to }: { to: string }) => {
      ran.push(`${name} ${to}`);
      return `${name} done`;
    },
    { name, description: name, schema: z.object({ to: z.string() }) },
  );
}

const CAPABILITIES = { pay: "pay.send", refund: "pay.refund", mail: "mail.send", alike: "pay.send" };

function gated(options: object = {}) {
  return Object.entries(CAPABILITIES).map(([name, capability]) =>
    gate.wrap(named(name), { capability, agentId: "agent", ...options }),
  );
}

interface Call {
  readonly name: string;
  readonly args: { readonly to: string };
  readonly id: string;
}

const PAY: Call = { name: "pay", args: { to: "ACME" }, id: "1" };
const REFUND: Call = { name: "refund", args: { to: "BOB" }, id: "2" };
const MAIL: Call = { name: "mail", args: { to: "EVE" }, id: "3" };

/** A graph to be run, and run on. */
interface Run {
  readonly invoke: (input: unknown, config: object) => Promise<unknown>;
}

type Route = (calls: readonly Call[], options?: object) => Run;

const viaAgent: Route = (calls, options) => {
  const model = fakeModel()
    .respondWithTools([...calls])
    .respond(new AIMessage("done"));
  return createAgent({ model, tools: gated(options), checkpointer: new MemorySaver() }) as unknown as Run;
};

const viaMiddleware: Route = (calls) => {
  const model = fakeModel()
    .respondWithTools([...calls])
    .respond(new AIMessage("done"));
  const { runtime } = gate;
  return createAgent({
    model,
    tools: Object.keys(CAPABILITIES).map(named),
    middleware: [capfenceMiddleware({ runtime, agentId: "agent", capability: CAPABILITIES })],
    checkpointer: new MemorySaver(),
  }) as unknown as Run;
};

const viaToolNode: Route = (calls, options) => {
  const model = (): { messages: BaseMessage[] } => ({
    messages: [new AIMessage({ content: "", tool_calls: [...calls] })],
  });
  return new StateGraph(MessagesAnnotation)
    .addNode("model", model)
    .addNode("tools", new ToolNode(gated(options)))
    .addEdge(START, "model")
    .addEdge("model", "tools")
    .addEdge("tools", END)
    .compile({ checkpointer: new MemorySaver() }) as unknown as Run;
};

const ROUTES: readonly (readonly [string, Route])[] = [
  ["createAgent", viaAgent],
  ["createAgent with our middleware", viaMiddleware],
  ["ToolNode in a StateGraph", viaToolNode],
];

const CONFIG = { configurable: { thread_id: "t" } };

interface Paused {
  readonly id: string;
  readonly value: ApprovalInterrupt;
}

interface State {
  readonly messages: readonly BaseMessage[];
  readonly __interrupt__?: readonly Paused[];
}

async function start(graph: Run): Promise<State> {
  return (await graph.invoke({ messages: [new HumanMessage("go")] }, CONFIG)) as State;
}

async function resume(graph: Run, value: unknown): Promise<State> {
  return (await graph.invoke(new Command({ resume: value }), CONFIG)) as State;
}

function paused({ __interrupt__: interrupts = [] }: State): readonly ApprovalInterrupt[] {
  return interrupts.map(({ value }) => value);
}

function answers({ messages }: State): readonly string[] {
  return messages.filter((message) => ToolMessage.isInstance(message)).map(({ text }) => text);
}

const alice = { by: "alice" };

describe.each(ROUTES)("through %s", (_, route) => {
  it("pauses, and runs once when it is resumed after approval", async () => {
    const graph = route([PAY]);
    const [value] = paused(await start(graph));
    expect(value).toMatchObject({
      type: "capfence.approval",
      actor: "agent",
      capability: "pay.send",
      tool: "pay",
      args: { to: "ACME" },
    });
    expect(ran).toEqual([]);
    const id = value?.id ?? "";
    await gate.runtime.approvals.approve(id, alice);
    expect(answers(await resume(graph, { id }))).toEqual(["pay done"]);
    expect(ran).toEqual(["pay ACME"]);
  });

  it.each([
    ["an id", (id: string) => ({ id })],
    ["a yes", () => ({ approved: true, decisions: [{ type: "approve" }] })],
    ["another id", () => ({ id: "some-other" })],
  ])("pauses again when nobody has answered, whatever it is resumed with: %s", async (__, value) => {
    const graph = route([PAY]);
    const id = paused(await start(graph))[0]?.id ?? "";
    const again = await resume(graph, value(id));
    expect(paused(again)[0]?.id).toBe(id);
    expect(ran).toEqual([]);
    await gate.runtime.approvals.approve(id, alice);
    await resume(graph, { id });
    expect(ran).toEqual(["pay ACME"]);
  });

  it("tells the model what the reviewer said", async () => {
    const graph = route([PAY]);
    const id = paused(await start(graph))[0]?.id ?? "";
    await gate.runtime.approvals.reject(id, { ...alice, note: "Ask for an invoice" });
    const state = await resume(graph, { id });
    const [message] = state.messages.filter((each) => ToolMessage.isInstance(each));
    expect(message).toMatchObject({ status: "error", tool_call_id: "1" });
    expect(message?.text).toBe("Rejected by a reviewer. Ask for an invoice. The same call will be refused again.");
    expect(ran).toEqual([]);
  });

  it("runs what needs no approval once, beside what does", async () => {
    const graph = route([PAY, MAIL]);
    const id = paused(await start(graph))[0]?.id ?? "";
    await resume(graph, { id });
    await gate.runtime.approvals.approve(id, alice);
    await resume(graph, { id });
    expect(ran.toSorted()).toEqual(["mail EVE", "pay ACME"]);
  });

  it("runs two that wait once each, answered in the other order", async () => {
    const graph = route([PAY, REFUND]);
    let state = await start(graph);
    const pending = await gate.runtime.approvals.pending();
    expect(pending.map(({ capability }) => capability).toSorted()).toEqual(["pay.refund", "pay.send"]);
    for (const { id } of pending.toReversed()) {
      await gate.runtime.approvals.approve(id, alice);
      const { __interrupt__: interrupts = [] } = state;
      const value = interrupts.find((each) => each.value.id === id) ?? interrupts[0];
      state = await resume(graph, value === undefined ? { id } : { [value.id]: { id } });
    }
    expect(ran.toSorted()).toEqual(["pay ACME", "refund BOB"]);
    expect(answers(state).toSorted()).toEqual(["pay done", "refund done"]);
  });

  it("runs one of two alike for one approval, and what ran does not run again", async () => {
    const graph = route([PAY, { ...PAY, id: "2" }, MAIL]);
    let state = await start(graph);
    let approvals = 0;
    while (paused(state).length > 0 && approvals < 4) {
      const [pending] = await gate.runtime.approvals.pending();
      await gate.runtime.approvals.approve(pending?.id ?? "", alice);
      approvals += 1;
      const { __interrupt__: interrupts = [] } = state;
      const waiting = interrupts.map((each) => [each.id, { id: pending?.id }] as const);
      state = await resume(graph, Object.fromEntries(waiting));
    }
    expect(paused(state)).toEqual([]);
    expect(ran.filter((each) => each === "pay ACME")).toHaveLength(approvals);
    expect(ran.filter((each) => each === "mail EVE")).toHaveLength(1);
    expect(answers(state)).toHaveLength(3);
    expect(answers(state).filter((each) => each === "pay done")).toHaveLength(approvals);
  });

  it("does not run another tool of the same capability with the same arguments", async () => {
    const graph = route([{ ...PAY, name: "alike" }]);
    await start(route([PAY]));
    const [first] = await gate.runtime.approvals.pending();
    await gate.runtime.approvals.approve(first?.id ?? "", alice);
    const id = paused((await graph.invoke({ messages: [new HumanMessage("go")] }, CONFIG)) as State)[0]?.id;
    expect(id).not.toBe(first?.id);
    await resume(graph, { id: first?.id });
    expect(ran).toEqual([]);
  });

  it("runs once when it is resumed many times at once", async () => {
    const graph = route([PAY]);
    const id = paused(await start(graph))[0]?.id ?? "";
    await gate.runtime.approvals.approve(id, alice);
    await Promise.allSettled(Array.from({ length: 10 }, async () => await resume(graph, { id })));
    expect(ran).toEqual(["pay ACME"]);
  });
});

describe("without a checkpointer", () => {
  it("a call is refused, and works when it is repeated after approval", async () => {
    const [pay] = gated({ onBlocked: "message" });
    const refused = String(await pay?.invoke({ to: "ACME" }));
    const [pending] = await gate.runtime.approvals.pending();
    expect(refused).toContain(`It waits for a person as ${pending?.id}`);
    await gate.runtime.approvals.approve(pending?.id ?? "", alice);
    expect(await pay?.invoke({ to: "ACME" })).toBe("pay done");
    await expect(gated()[0]?.invoke({ to: "ACME" })).rejects.toMatchObject({
      verdict: { reason: "approval_required" },
    });
    expect(ran).toEqual(["pay ACME"]);
  });

  it("a call may wait for the answer", async () => {
    const [pay] = gated({ onApproval: "wait" });
    gate.runtime.approvals.on("requested", async ({ id }) => await gate.runtime.approvals.approve(id, alice));
    expect(await pay?.invoke({ to: "ACME" })).toBe("pay done");
  });

  it("waiting ends with the signal, and nothing runs", async () => {
    const [pay] = gated({ onApproval: "wait" });
    const ending = new AbortController();
    gate.runtime.approvals.on("requested", () => ending.abort(new Error("enough")));
    await expect(pay?.invoke({ to: "ACME" }, { signal: ending.signal })).rejects.toThrow();
    expect(ran).toEqual([]);
  });
});

describe("in a graph that could pause", () => {
  it("a call is refused all the same where it is to block", async () => {
    const state = await start(viaToolNode([PAY], { onApproval: "block", onBlocked: "message" }));
    expect(paused(state)).toEqual([]);
    expect(answers(state)[0]).toContain("Blocked by policy: approval_required");
  });

  it("nothing runs where a retry swallows the pause", async () => {
    const model = fakeModel().respondWithTools([PAY]).respond(new AIMessage("done"));
    const agent = createAgent({
      model,
      tools: gated(),
      middleware: [toolRetryMiddleware({ maxRetries: 2, initialDelayMs: 0 }) as AgentMiddleware],
      checkpointer: new MemorySaver(),
    });
    await agent.invoke({ messages: [new HumanMessage("go")] }, CONFIG).catch(() => {});
    expect(ran).toEqual([]);
    expect(await gate.runtime.approvals.pending()).toHaveLength(1);
  });
});

describe("LangChain's own human in the loop, asked with approvalNeeded", () => {
  const decisions: ("approve" | "edit" | "reject")[] = ["approve", "edit", "reject"];

  function reviewed(calls: readonly Call[]): Run {
    const model = fakeModel()
      .respondWithTools([...calls])
      .respond(new AIMessage("done"));
    const when = approvalNeeded(gate.runtime);
    const interruptOn = Object.fromEntries(
      Object.keys(CAPABILITIES).map((name) => [name, { allowedDecisions: decisions, when }]),
    );
    return createAgent({
      model,
      tools: gated(),
      middleware: [humanInTheLoopMiddleware({ interruptOn } as never) as AgentMiddleware],
      checkpointer: new MemorySaver(),
    }) as unknown as Run;
  }

  it("pauses only for what waits, and what was approved in the log runs once", async () => {
    const graph = reviewed([PAY, MAIL]);
    expect(paused(await start(graph))).toMatchObject([{ actionRequests: [{ name: "pay" }] }]);
    const [pending] = await gate.runtime.approvals.pending();
    expect(pending).toMatchObject({ capability: "pay.send", tool: "pay", payload: { to: "ACME" } });
    await gate.runtime.approvals.approve(pending?.id ?? "", alice);
    await resume(graph, { decisions: [{ type: "approve" }] });
    expect(ran.toSorted()).toEqual(["mail EVE", "pay ACME"]);
  });

  it("lets nothing run that was approved there and not in the log", async () => {
    const graph = reviewed([PAY]);
    await start(graph);
    const state = await resume(graph, { decisions: [{ type: "approve" }] });
    expect(paused(state)).toMatchObject([{ type: "capfence.approval" }]);
    expect(ran).toEqual([]);
  });

  it("judges edited arguments anew", async () => {
    const graph = reviewed([PAY]);
    await start(graph);
    const [pending] = await gate.runtime.approvals.pending();
    const editedAction = { name: "pay", args: { to: "MALLORY" } };
    const state = await resume(graph, { decisions: [{ type: "edit", editedAction }] });
    const [value] = paused(state);
    expect(value).toMatchObject({ type: "capfence.approval", args: { to: "MALLORY" } });
    expect(value?.id).not.toBe(pending?.id);
    await gate.runtime.approvals.approve(pending?.id ?? "", alice);
    expect(paused(await resume(graph, { id: pending?.id }))).toHaveLength(1);
    expect(ran).toEqual([]);
  });

  it.each<[string, Call["name"], object, boolean]>([
    ["a tool that it does not know", "other", { to: "x" }, true],
    ["arguments that the tool refuses", "pay", { from: "x" }, false],
    ["what is allowed", "mail", { to: "x" }, false],
    ["what waits", "pay", { to: "x" }, true],
  ])("answers for %s", async (_, name, args, expected) => {
    gated();
    expect(await approvalNeeded(gate.runtime)({ toolCall: { name, args } })).toBe(expected);
  });
});
