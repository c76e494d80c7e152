/** The conformance kit against every gate of the package. */

import { expect } from "vitest";

import { guardTools } from "../../src/langchain/guard-tools.ts";
import { capfenceMiddleware } from "../../src/langchain/middleware.ts";
import { expectAgentGated, expectGated, type ToolFactory } from "../../src/testing/index.ts";
import { openGate } from "./gate.ts";

const settings = { agentId: "tester", capability: "unit.run" };

/** A gate's name, and what tries it with kinds of tool. */
export const GATES: readonly (readonly [string, (tools: readonly ToolFactory[]) => Promise<void>])[] = [
  [
    "CapFenceTool",
    async (tools) => {
      const gate = openGate();
      const { checks } = await expectGated((tool) => gate.wrap(tool), { tools });
      expect(checks).toBeGreaterThan(tools.length * 100);
    },
  ],
  [
    "CapFenceTool that answers with messages",
    async (tools) => {
      const gate = openGate();
      await expectGated((tool) => gate.wrap(tool, { onBlocked: "message" }), { tools });
    },
  ],
  [
    "guardTools",
    async (tools) => {
      const { runtime } = openGate();
      await expectGated((tool) => guardTools([tool], { ...settings, runtime })[0] ?? {}, { tools });
    },
  ],
  [
    "capfenceMiddleware",
    async (tools) => {
      const { runtime } = openGate();
      const gate = capfenceMiddleware({ ...settings, runtime });
      const { checks } = await expectAgentGated(
        (agent) => ({ tools: agent.tools, middleware: [...agent.middleware, gate] }),
        { tools },
      );
      expect(checks).toBeGreaterThan(tools.length * 40);
    },
  ],
  [
    "capfenceMiddleware that answers with messages",
    async (tools) => {
      const { runtime } = openGate();
      const gate = capfenceMiddleware({ ...settings, runtime, onBlocked: "message" });
      await expectAgentGated((agent) => ({ tools: agent.tools, middleware: [...agent.middleware, gate] }), { tools });
    },
  ],
];
