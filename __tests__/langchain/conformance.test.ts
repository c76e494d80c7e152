import { describe, expect, it } from "vitest";

import { guardTools } from "../../src/langchain/guard-tools.ts";
import { capfenceMiddleware } from "../../src/langchain/middleware.ts";
import { expectAgentGated, expectGated, toolFactories } from "../../src/testing/index.ts";
import { openGate } from "./gate.ts";
import { KINDS } from "./kinds.ts";

const tools = KINDS;
const settings = { agentId: "tester", capability: "unit.run" };

describe("the conformance kit passes on", { timeout: 60_000 }, () => {
  it("CapFenceTool", async () => {
    const gate = openGate();
    const { checks } = await expectGated((tool) => gate.wrap(tool), { tools });
    expect(checks).toBeGreaterThan(tools.length * 100);
  });

  it("CapFenceTool that answers with messages", async () => {
    const gate = openGate();
    await expectGated((tool) => gate.wrap(tool, { onBlocked: "message" }), { tools: toolFactories.slice(0, 6) });
  });

  it("guardTools", async () => {
    const { runtime } = openGate();
    const some = KINDS.filter(({ name }) => /zod|runnable made a tool/.test(name));
    await expectGated((tool) => guardTools([tool], { ...settings, runtime })[0] ?? {}, {
      tools: [...toolFactories.slice(0, 3), ...some],
    });
  });

  it("capfenceMiddleware", async () => {
    const { runtime } = openGate();
    const gate = capfenceMiddleware({ ...settings, runtime });
    const { checks } = await expectAgentGated(
      (agent) => ({ tools: agent.tools, middleware: [...agent.middleware, gate] }),
      { tools },
    );
    expect(checks).toBeGreaterThan(tools.length * 40);
  });

  it("capfenceMiddleware that answers with messages", async () => {
    const { runtime } = openGate();
    const gate = capfenceMiddleware({ ...settings, runtime, onBlocked: "message" });
    await expectAgentGated((agent) => ({ tools: agent.tools, middleware: [...agent.middleware, gate] }), {
      tools: toolFactories.slice(0, 6),
    });
  });
});
