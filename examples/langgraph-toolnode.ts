/**
 * A graph of your own: a StateGraph whose ToolNode holds gated tools. The refused call answers the model, which then asks
 * for something it may do.
 */

import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { AIMessage, ToolMessage } from "@langchain/core/messages";
import { fakeModel } from "@langchain/core/testing";
import { tool } from "@langchain/core/tools";
import { END, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { z } from "zod";

import { ActionRuntime, assertGated, guardTools } from "../src/index.ts";

const scratch = mkdtempSync(join(tmpdir(), "capfence-"));
const policyPath = join(scratch, "tickets.yaml");
writeFileSync(
  policyPath,
  `policy_name: tickets
deny:
  - capability: close_ticket.execute
    payload: { priority: { in: [high, urgent] } }
    reason: Only a person closes tickets of high priority
allow:
  - capability: find_tickets.execute
  - capability: close_ticket.execute
`,
);
const runtime = ActionRuntime.fromPolicy(policyPath, {
  auditLog: process.env["CAPFENCE_AUDIT_LOG"] ?? join(scratch, "audit.db"),
});

const closed: string[] = [];
const findTickets = tool(() => "T-1 (high), T-2 (low)", {
  name: "find_tickets",
  description: "Finds open tickets.",
  schema: z.object({}),
});
const closeTicket = tool(
  ({ ticket }) => {
    closed.push(ticket);
    return `Closed ${ticket}.`;
  },
  {
    name: "close_ticket",
    description: "Closes a ticket.",
    schema: z.object({ ticket: z.string(), priority: z.enum(["low", "high", "urgent"]) }),
  },
);

const tools = guardTools([findTickets, closeTicket], { runtime, agentId: "support-agent", onBlocked: "message" });
const toolNode = new ToolNode(tools);
assertGated(toolNode);

const model = fakeModel()
  .respondWithTools([{ name: "find_tickets", args: {}, id: "call-1" }])
  .respondWithTools([
    { name: "close_ticket", args: { ticket: "T-1", priority: "high" }, id: "call-2" },
    { name: "close_ticket", args: { ticket: "T-2", priority: "low" }, id: "call-3" },
  ])
  .respond(new AIMessage("T-2 is closed. T-1 needs a person."));

const graph = new StateGraph(MessagesAnnotation)
  .addNode("model", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
  .addNode("tools", toolNode)
  .addEdge(START, "model")
  .addConditionalEdges("model", toolsCondition, ["tools", END])
  .addEdge("tools", "model")
  .compile();

const { messages } = await graph.invoke({ messages: [{ role: "user", content: "Close all tickets." }] });
await runtime.close();

const answers = messages.filter((message) => ToolMessage.isInstance(message));
for (const answer of answers) console.log(`[${answer.status}] ${answer.text}`);
console.log(`model: ${messages.at(-1)?.text}`);

assert.deepEqual(closed, ["T-2"]);
assert.deepEqual(
  answers.map(({ status }) => status),
  ["success", "error", "success"],
);
assert.match(
  answers[1]?.text ?? "",
  /Only a person closes tickets of high priority\. The same call will be refused again/,
);
