/** A process of its own that starts or resumes a graph whose checkpoints lie in PostgreSQL, and prints how it stands. */

import { once } from "node:events";
import { appendFileSync, writeSync } from "node:fs";

import { AIMessage, HumanMessage, ToolMessage, type BaseMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { Command, END, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { ToolNode } from "@langchain/langgraph/prebuilt";
import { z } from "zod";

import { CapFenceTool } from "../../src/langchain/capfence-tool.ts";
import { Policy } from "../../src/policy/policy.ts";
import { ActionRuntime } from "../../src/runtime/runtime.ts";

/** What a graph process is told, as JSON in its first argument. */
export interface GraphOrders {
  readonly database: string;
  readonly auditLog: string;
  readonly policy: string;
  /** A file that the tool appends a byte to. */
  readonly counter: string;
  /** What to resume with; starts a new run when there is nothing. */
  readonly resume?: unknown;
  /** How often it is resumed, all at the same time, when it is told to begin. */
  readonly times?: number;
}

/** How a run stands. */
export interface GraphState {
  readonly waits: readonly string[];
  readonly answers: readonly string[];
}

const orders = JSON.parse(process.argv[2] ?? "{}") as GraphOrders;
const saver = PostgresSaver.fromConnString(orders.database);
const runtime = ActionRuntime.fromPolicy(Policy.parse(orders.policy), { auditLog: orders.auditLog });
const pay = tool(
  ({ amount }: { amount: number }) => {
    appendFileSync(orders.counter, ".");
    return `paid ${amount}`;
  },
  { name: "pay", description: "Pays.", schema: z.object({ amount: z.number() }) },
);
const gated = new CapFenceTool({ tool: pay, agentId: "agent", capability: "pay.send", runtime });
const call = { name: "pay", args: { amount: 2500 }, id: "1" };
const graph = new StateGraph(MessagesAnnotation)
  .addNode("model", () => ({ messages: [new AIMessage({ content: "", tool_calls: [call] })] }))
  .addNode("tools", new ToolNode([gated]))
  .addEdge(START, "model")
  .addEdge("model", "tools")
  .addEdge("tools", END)
  .compile({ checkpointer: saver });
const config = { configurable: { thread_id: "one" } };

if (orders.resume === undefined) {
  await saver.setup();
  report(await graph.invoke({ messages: [new HumanMessage("go")] }, config));
} else {
  writeSync(1, "ready\n");
  await once(process.stdin, "data");
  process.stdin.destroy();
  const command = new Command({ resume: orders.resume });
  const runs = Array.from({ length: orders.times ?? 1 }, async () => await graph.invoke(command as never, config));
  for (const run of await Promise.allSettled(runs)) if (run.status === "fulfilled") report(run.value);
}
await runtime.close();
await saver.end();

function report(state: { readonly messages: readonly BaseMessage[] }): void {
  const { __interrupt__: interrupts = [] } = state as { __interrupt__?: { value: { id: string } }[] };
  const answers = state.messages.filter((message) => ToolMessage.isInstance(message)).map(({ text }) => text);
  const stands: GraphState = { waits: interrupts.map(({ value }) => value.id), answers };
  writeSync(1, `${JSON.stringify(stands)}\n`);
}
