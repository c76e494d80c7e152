/** Two commands meet a policy: one is allowed, one is denied. Then the same through a LangChain tool. */

import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { tool } from "@langchain/core/tools";
import { z } from "zod";

import { ActionEvent, ActionRuntime, AgentActionBlocked, CapFenceTool } from "../src/index.ts";

// Without this line the audit log is ./audit.db.
process.env["CAPFENCE_AUDIT_LOG"] ??= join(mkdtempSync(join(tmpdir(), "capfence-")), "audit.db");
const policyPath = fileURLToPath(new URL("../policies/demo.yaml", import.meta.url));

const runtime = ActionRuntime.fromPolicy(policyPath);
const safe = await runtime.execute(
  ActionEvent.create({
    actor: "demo-agent",
    action: "execute",
    resource: "shell",
    environment: "production",
    payload: { command: "ls -la /tmp" },
  }),
);
console.log(`ls -la /tmp                    authorized: ${safe.authorized}, reason: ${safe.reason}`);
assert.equal(safe.authorized, true);

const dangerous = await runtime.execute(
  ActionEvent.create({
    actor: "demo-agent",
    action: "execute",
    resource: "shell",
    environment: "production",
    payload: { command: "rm -rf /var/lib/postgresql" },
  }),
);
console.log(`rm -rf /var/lib/postgresql     authorized: ${dangerous.authorized}, reason: ${dangerous.reason}`);
assert.equal(dangerous.authorized, false);
assert.equal(dangerous.reason, "policy_deny");
await runtime.close();

// The same policy around a tool: now the decision also keeps the tool from running.
const ran: string[] = [];
const shellTool = tool(
  ({ command }) => {
    ran.push(command);
    return `ran ${command}`;
  },
  { name: "shell", description: "Runs a shell command.", schema: z.object({ command: z.string() }) },
);
const safeShell = new CapFenceTool({
  tool: shellTool,
  agentId: "demo-agent",
  capability: "shell.execute",
  policyPath,
});

console.log(`\nsafeShell: ${String(await safeShell.invoke({ command: "ls -la /tmp" }))}`);
try {
  await safeShell.invoke({ command: "rm -rf /var/lib/postgresql" });
  assert.fail("the policy should have blocked this call");
} catch (error) {
  if (!AgentActionBlocked.isInstance(error)) throw error;
  console.log(`safeShell: ${error.name}: ${error.message} (rule ${error.verdict.rule?.id ?? "none"})`);
  assert.equal(error.message, "Blocked: policy_deny");
}
await safeShell.close();

assert.deepEqual(ran, ["ls -la /tmp"]);
console.log(`\nThe tool ran ${ran.length} time. Every decision is in ${process.env["CAPFENCE_AUDIT_LOG"]}`);
