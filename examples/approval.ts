/**
 * Approval: an agent wants to transfer 2,500. The run pauses; a second process approves it, with the command that a person
 * would use; the run goes on and pays, once. A second run, with another amount, is asked about anew.
 */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { AIMessage } from "@langchain/core/messages";
import { fakeModel } from "@langchain/core/testing";
import { tool } from "@langchain/core/tools";
import { Command, MemorySaver } from "@langchain/langgraph";
import { createAgent } from "langchain";
import { z } from "zod";

import { ActionRuntime, CapFenceTool, type ApprovalInterrupt } from "../src/index.ts";

const scratch = mkdtempSync(join(tmpdir(), "capfence-"));
const auditLog = process.env["CAPFENCE_AUDIT_LOG"] ?? join(scratch, "audit.db");
const policyPath = join(scratch, "transfers.yaml");
writeFileSync(
  policyPath,
  `policy_name: transfers
approval_timeout_seconds: 900
require_approval:
  - id: large-transfer
    capability: bank.transfer
    amount_gte: 1000
allow:
  - capability: bank.transfer
    amount_lt: 1000
`,
);
const runtime = ActionRuntime.fromPolicy(policyPath, { auditLog });

const paid: number[] = [];
const transfer = tool(
  ({ to, amount }) => {
    paid.push(amount);
    return `Transferred ${amount} to ${to}.`;
  },
  { name: "transfer", description: "Transfers money.", schema: z.object({ to: z.string(), amount: z.number() }) },
);
const gated = new CapFenceTool({ tool: transfer, agentId: "treasury-agent", capability: "bank.transfer", runtime });
// A paused run lies in the checkpointer; a durable one, such as PostgresSaver, lets another process resume it.
const checkpointer = new MemorySaver();

/** What people wait for in a paused run, and what its last message says. */
interface State {
  readonly __interrupt__?: readonly { readonly value: ApprovalInterrupt }[];
  readonly messages: readonly { readonly text: string }[];
}

/** One agent run: how it goes on, until it is done or waits for a person. */
function agentRun(thread: string, amount: number): (input: unknown) => Promise<State> {
  const args = { to: "ACME", amount };
  const model = fakeModel()
    .respondWithTools([{ name: "transfer", args, id: thread }])
    .respond(new AIMessage("It is paid."));
  const agent = createAgent({ model, tools: [gated], checkpointer });
  return async (input) => (await agent.invoke(input as never, { configurable: { thread_id: thread } })) as State;
}

/** The request that a run waits for. */
function waitsFor({ __interrupt__: interrupts = [] }: State): ApprovalInterrupt | undefined {
  return interrupts[0]?.value;
}

/** Runs the command line in a process of its own; answers what it printed. */
function capfence(...argv: readonly string[]): string {
  const program = fileURLToPath(new URL("../src/cli/bin.ts", import.meta.url));
  const line = ["--import", "tsx", program, ...argv, "--audit-log", auditLog];
  return execFileSync(process.execPath, line, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
}

const question = { messages: [{ role: "user", content: "Pay ACME, please." }] };

const first = agentRun("first", 2_500);
const request = waitsFor(await first(question));
assert.ok(request);
console.log(`The run waits for ${request.id}: ${request.capability} ${JSON.stringify(request.args)}`);
assert.deepEqual(paid, []);

console.log(capfence("approvals").trimEnd());
console.log(capfence("approve", request.id, "--by", "alice", "--note", "Invoice 17", "--yes").trimEnd());

// The value names the request and nothing else: what was answered, the log says.
const resume = new Command({ resume: { id: request.id } });
const done = await first(resume);
assert.deepEqual(paid, [2_500]);
console.log(`The agent says: ${done.messages.at(-1)?.text}`);

const second = agentRun("second", 2_501);
const other = waitsFor(await second(question));
assert.ok(other);
assert.notEqual(other.id, request.id);
assert.deepEqual(waitsFor(await second(new Command({ resume: { id: request.id } })))?.id, other.id);
assert.deepEqual(paid, [2_500]);
console.log(`A run with another amount waits for ${other.id}.`);

await runtime.close();
console.log(capfence("approvals", "--all").trimEnd());
