/**
 * An agent with a real shell. Its model (scripted here, no key needed) writes a file, then tries to delete the directory;
 * the policy lets the first command run and stops the second, and the agent finishes with an answer.
 */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { AIMessage, ToolMessage } from "@langchain/core/messages";
import { fakeModel } from "@langchain/core/testing";
import { tool } from "@langchain/core/tools";
import { createAgent } from "langchain";
import { z } from "zod";

import { CapFenceTool } from "../src/index.ts";

const scratch = mkdtempSync(join(tmpdir(), "capfence-"));
process.env["CAPFENCE_AUDIT_LOG"] ??= join(scratch, "audit.db");
const workspace = join(scratch, "workspace");
mkdirSync(workspace);

const runFile = promisify(execFile);
const shellTool = tool(
  async ({ command }) => {
    const { stdout } = await runFile("/bin/sh", ["-c", command], { cwd: workspace, timeout: 10_000 });
    return stdout;
  },
  { name: "shell", description: "Runs a command in /bin/sh.", schema: z.object({ command: z.string() }) },
);

const safeShell = new CapFenceTool({
  tool: shellTool,
  agentId: "shell-agent",
  capability: "shell.execute",
  policyPath: fileURLToPath(new URL("../policies/demo.yaml", import.meta.url)),
  // The model reads why it was stopped; with the default, "throw", the call throws AgentActionBlocked instead.
  onBlocked: "message",
});

const harmless = "echo 'quarterly numbers' > report.txt && ls";
const harmful = `rm -rf ${workspace}`;
const model = fakeModel()
  .respondWithTools([{ name: "shell", args: { command: harmless }, id: "call-1" }])
  .respondWithTools([{ name: "shell", args: { command: harmful }, id: "call-2" }])
  .respond(new AIMessage("I wrote report.txt. I may not delete the workspace, so it is still there."));

const agent = createAgent({ model, tools: [safeShell] });
const { messages } = await agent.invoke({ messages: [{ role: "user", content: "Write the report, then clean up." }] });
await safeShell.close();

for (const message of messages) {
  if (AIMessage.isInstance(message)) {
    for (const call of message.tool_calls ?? []) console.log(`model: ${call.name} ${String(call.args["command"])}`);
  }
  if (ToolMessage.isInstance(message)) console.log(`tool:  [${message.status}] ${message.text.trim()}`);
}
const answer = messages.at(-1)?.text ?? "";
console.log(`model: ${answer}`);

const [first, second] = messages.filter((message) => ToolMessage.isInstance(message));
assert.equal(first?.status, "success");
assert.equal(first.text.trim(), "report.txt");
assert.equal(second?.status, "error");
assert.match(second.text, /^Blocked by policy: policy_deny\./);
assert.match(answer, /still there/);
assert.ok(existsSync(workspace), "the directory was deleted");
assert.equal(readFileSync(join(workspace, "report.txt"), "utf8"), "quarterly numbers\n");
console.log("\nThe harmless command really ran; the directory and its file are still there.");
