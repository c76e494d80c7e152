/**
 * Tools of an MCP server: the reference filesystem server, run over stdio, may touch a whole directory; the policy lets an
 * agent read in one part of it and write nowhere.
 */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, realpathSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { MultiServerMCPClient } from "@langchain/mcp-adapters";

import { ActionRuntime, guardTools, isActionBlocked } from "../src/index.ts";

const scratch = realpathSync(mkdtempSync(join(tmpdir(), "capfence-")));
const [docs, secrets] = [join(scratch, "docs"), join(scratch, "secrets")];
for (const directory of [docs, secrets]) mkdirSync(directory);
writeFileSync(join(docs, "plan.txt"), "ship on Friday");
writeFileSync(join(secrets, "key.txt"), "hunter2");

const policyPath = join(scratch, "files.yaml");
writeFileSync(
  policyPath,
  `policy_name: files
allow:
  - capability: files.read_text_file
    path_prefix: ${JSON.stringify(docs)}
`,
);
const runtime = ActionRuntime.fromPolicy(policyPath, {
  auditLog: process.env["CAPFENCE_AUDIT_LOG"] ?? join(scratch, "audit.db"),
});

const server = dirname(createRequire(import.meta.url).resolve("@modelcontextprotocol/server-filesystem/package.json"));
const client = new MultiServerMCPClient({
  mcpServers: {
    files: {
      transport: "stdio",
      command: process.execPath,
      args: [join(server, "dist", "index.js"), scratch],
      stderr: "ignore",
    },
  },
});

async function attempt(name: string, args: Record<string, unknown>): Promise<string> {
  const wanted = tools.find((one) => one.name === name);
  assert.ok(wanted, `the server has no ${name}`);
  try {
    return JSON.stringify(await wanted.invoke(args));
  } catch (error) {
    if (!isActionBlocked(error)) throw error;
    return String(error);
  }
}

const tools = guardTools(await client.getTools(), {
  runtime,
  agentId: "docs-agent",
  capability: ({ name }) => `files.${name}`,
});
const read = await attempt("read_text_file", { path: join(docs, "plan.txt") });
const spied = await attempt("read_text_file", { path: join(docs, "..", "secrets", "key.txt") });
const written = await attempt("write_file", { path: join(secrets, "note.txt"), content: "was here" });
await client.close();
await runtime.close();

console.log(`the server offers ${tools.length} tools`);
console.log(`read docs/plan.txt:        ${read}`);
console.log(`read docs/../secrets/…:    ${spied}`);
console.log(`write secrets/note.txt:    ${written}`);

assert.match(read, /ship on Friday/);
assert.match(spied, /AgentActionBlocked: Blocked: policy_default_deny/);
assert.match(written, /AgentActionBlocked: Blocked: policy_default_deny/);
assert.equal(existsSync(join(secrets, "note.txt")), false);
console.log("The file outside was never written.");
