/** A policy for a tool of your own: money goes back where it came from, and nowhere else, whatever the model writes. */

import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { tool } from "@langchain/core/tools";
import { z } from "zod";

import { ActionRuntime, CapFenceTool, isActionBlocked } from "../src/index.ts";

const scratch = mkdtempSync(join(tmpdir(), "capfence-"));
const policyPath = join(scratch, "refunds.yaml");
writeFileSync(
  policyPath,
  `policy_name: refunds
deny:
  - capability: payments.refund
    contains: [gift card, crypto]
allow:
  - capability: payments.refund
`,
);

const refunds: string[] = [];
const refundTool = tool(
  ({ customer, amount, to }) => {
    refunds.push(customer);
    return `Refunded ${amount} to ${customer} (${to}).`;
  },
  {
    name: "refund",
    description: "Refunds a customer.",
    schema: z.object({ customer: z.string(), amount: z.number().positive(), to: z.string() }),
  },
);

// One runtime for all tools of an agent: one policy, one log.
const runtime = ActionRuntime.fromPolicy(policyPath, {
  auditLog: process.env["CAPFENCE_AUDIT_LOG"] ?? join(scratch, "audit.db"),
});
const refund = new CapFenceTool({
  tool: refundTool,
  agentId: "support-agent",
  capability: "payments.refund",
  runtime,
  context: { user_role: "support" },
});

for (const args of [
  { customer: "ada", amount: 40, to: "original card" },
  { customer: "eve", amount: 4000, to: "a new Gift Card" },
]) {
  try {
    console.log(`${args.customer}: ${String(await refund.invoke(args))}`);
  } catch (error) {
    if (!isActionBlocked(error)) throw error;
    console.log(`${args.customer}: ${String(error)}`);
  }
}
await runtime.close();

assert.deepEqual(refunds, ["ada"]);
console.log(`Money moved ${refunds.length} time.`);
