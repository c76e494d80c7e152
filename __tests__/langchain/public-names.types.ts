/** Compiles and never runs: what TypeScript lets a caller of the LangChain names say, and what it refuses. */

import type { StructuredTool } from "@langchain/core/tools";
import { createAgent } from "langchain";

import * as main from "../../src/index.ts";
import { assertGated, capfenceMiddleware, guardTools, type CapFenceTool } from "../../src/langchain/index.ts";
import { expectAgentGated, expectGated, type ToolFactory } from "../../src/testing/index.ts";

/** Takes whatever it is given. */
declare function use(...values: unknown[]): void;

export function lists(tool: StructuredTool, runtime: main.ActionRuntime): void {
  const gated: CapFenceTool[] = guardTools([tool, { getTools: () => [tool] }], { runtime, agentId: "a" });
  const mixed = guardTools([tool, { type: "web_search" }], { runtime, agentId: "a", ungated: ["web_search"] });
  // @ts-expect-error a provider's tool may be among them
  const all: CapFenceTool[] = mixed;
  use(gated, all, main.guardTools, main.assertGated);
  guardTools([tool], { runtime, agentId: "a", capability: ({ name }) => `files.${name}` });
  guardTools([tool], { runtime, agentId: "a", capability: { read: "files.read" }, context: { tenant: "acme" } });
  guardTools([tool], { runtime, agentId: "a", context: ({ name }) => ({ name }), contextFrom: async () => ({}) });
  // @ts-expect-error a runtime is needed
  guardTools([tool], { agentId: "a" });
  // @ts-expect-error a misspelt option
  guardTools([tool], { runtime, agentId: "a", capabilty: "files.read" });
  // @ts-expect-error a function is no tool
  guardTools([() => "x"], { runtime, agentId: "a" });
  // @ts-expect-error the arguments are not the host's to know from
  guardTools([tool], { runtime, agentId: "a", contextFrom: ({ toolCall }) => ({ toolCall }) });
}

export function agents(tool: StructuredTool, runtime: main.ActionRuntime): void {
  const agent = createAgent({
    model: "a-model",
    tools: guardTools([tool], { runtime, agentId: "a" }),
    middleware: [
      capfenceMiddleware({ runtime, agentId: "a", onBlocked: "message", ungated: [{ type: "web_search" }] }),
    ],
  });
  assertGated(agent);
  assertGated([tool], { ungated: ["web_search"] });
  // @ts-expect-error a name is no tool
  assertGated("tool");
  // @ts-expect-error there is no such way to block
  capfenceMiddleware({ runtime, agentId: "a", onBlocked: "ignore" });
}

export async function kit(factory: ToolFactory, runtime: main.ActionRuntime): Promise<void> {
  const { checks } = await expectGated((tool) => new main.CapFenceTool({ tool, agentId: "a", runtime }));
  await expectGated(async (tool) => tool, { tools: [factory] });
  await expectAgentGated(({ tools, middleware }) => ({ tools, middleware }));
  use(checks satisfies number);
  // @ts-expect-error a wrapper gives a tool
  await expectGated(() => "gated");
}
