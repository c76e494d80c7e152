/**
 * Payments: small refunds go through, large ones are refused in the words of the policy's author, and who may pay at all
 * comes from the host's own session, never from what the model writes.
 */

import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { AIMessage, ToolMessage } from "@langchain/core/messages";
import { fakeModel } from "@langchain/core/testing";
import { tool } from "@langchain/core/tools";
import { createAgent } from "langchain";
import { z } from "zod";

import { ActionRuntime } from "../src/index.ts";
import { assertGated, capfenceMiddleware } from "../src/langchain/index.ts";

const scratch = mkdtempSync(join(tmpdir(), "capfence-"));
const policyPath = join(scratch, "payments.yaml");
writeFileSync(
  policyPath,
  `policy_name: payments
deny:
  - id: large-refund
    capability: payments.refund
    amount_gt: 100
    reason: Refunds over 100 are made by the finance team
allow:
  - capability: payments.refund
    user_role: clerk
`,
);
const runtime = ActionRuntime.fromPolicy(policyPath, {
  auditLog: process.env["CAPFENCE_AUDIT_LOG"] ?? join(scratch, "audit.db"),
});

let paid = 0;
const refund = tool(
  ({ customer, amount }) => {
    paid += amount;
    return `Refunded ${amount} to ${customer}.`;
  },
  {
    name: "refund",
    description: "Refunds a customer.",
    schema: z.object({ customer: z.string(), amount: z.number().positive(), user_role: z.string().optional() }),
  },
);

/** The host's sessions; a model cannot write here. */
const sessions = new Map([
  ["session-ada", { user_role: "clerk" }],
  ["session-eve", { user_role: "visitor" }],
]);

async function serve(session: string, calls: readonly Record<string, unknown>[]): Promise<string[]> {
  const model = calls.reduce<ReturnType<typeof fakeModel>>(
    (chain, args, index) => chain.respondWithTools([{ name: "refund", args, id: `call-${index}` }]),
    fakeModel(),
  );
  const agent = createAgent({
    model: model.respond(new AIMessage("done")),
    tools: [refund],
    middleware: [
      capfenceMiddleware({
        runtime,
        agentId: "support-agent",
        capability: { refund: "payments.refund" },
        sessionId: session,
        contextFrom: () => sessions.get(session),
        onBlocked: "message",
      }),
    ],
  });
  assertGated(agent);
  const { messages } = await agent.invoke({ messages: [{ role: "user", content: "Refund, please." }] });
  return messages.filter((message) => ToolMessage.isInstance(message)).map(({ text }) => text);
}

const ada = await serve("session-ada", [
  { customer: "Grace", amount: 40 },
  { customer: "Grace", amount: 4000 },
]);
const eve = await serve("session-eve", [{ customer: "Eve", amount: 40, user_role: "clerk" }]);
await runtime.close();

for (const text of ada) console.log(`ada: ${text}`);
for (const text of eve) console.log(`eve: ${text}`);

assert.equal(paid, 40);
assert.match(ada[1] ?? "", /Refunds over 100 are made by the finance team\. The same call will be refused again/);
assert.match(eve[0] ?? "", /Blocked by policy: policy_default_deny/);
console.log(`Paid ${paid} in all.`);
