import { loadMcpTools } from "@langchain/mcp-adapters";
import { describe, expect, it } from "vitest";

import { guardTools } from "../../src/langchain/guard-tools.ts";
import { capfenceMiddleware } from "../../src/langchain/middleware.ts";
import { expectAgentGated, expectGated, type ToolFactory } from "../../src/testing/index.ts";
import { openGate } from "./gate.ts";

/** An MCP client with one tool, which answers as a server's would. */
function clientFor(calls: unknown[]): Parameters<typeof loadMcpTools>[1] {
  const client: unknown = {
    listTools: async () => ({
      tools: [
        {
          name: "read_file",
          description: "Reads.",
          inputSchema: { type: "object", properties: { path: { type: "string" } }, required: ["path"] },
        },
      ],
    }),
    callTool: async (request: { arguments: { path: string } }) => {
      calls.push(structuredClone(request.arguments));
      return { content: [{ type: "text", text: `read ${request.arguments.path}` }] };
    },
  };
  return client as Parameters<typeof loadMcpTools>[1];
}

/** Loading is asynchronous and making a tool is not, so as many as the kit takes are loaded before. */
async function mcpFactory(count: number): Promise<ToolFactory> {
  const loaded = await Promise.all(
    Array.from({ length: count }, async () => {
      const sink: { calls: unknown[] } = { calls: [] };
      const forward = { push: (call: unknown) => sink.calls.push(call) } as unknown as unknown[];
      const [tool = expect.fail("no tool")] = await loadMcpTools("files", clientFor(forward));
      return { tool, sink };
    }),
  );
  return {
    name: "a tool of an MCP server",
    allowed: { path: "/srv/a" },
    denied: { path: "/srv/forbidden" },
    make: (calls) => {
      const { tool, sink } = loaded.pop() ?? expect.fail("too few tools were loaded");
      sink.calls = calls;
      return tool;
    },
  };
}

const settings = { agentId: "tester", capability: "unit.run" };

describe("the conformance kit passes on tools of an MCP server", () => {
  it("behind guardTools", async () => {
    const { runtime } = openGate();
    const { checks } = await expectGated((tool) => guardTools([tool], { ...settings, runtime })[0] ?? {}, {
      tools: [await mcpFactory(200)],
    });
    expect(checks).toBeGreaterThan(100);
  });

  it("behind capfenceMiddleware", async () => {
    const { runtime } = openGate();
    const gate = capfenceMiddleware({ ...settings, runtime });
    await expectAgentGated((agent) => ({ tools: agent.tools, middleware: [...agent.middleware, gate] }), {
      tools: [await mcpFactory(100)],
    });
  });
});
