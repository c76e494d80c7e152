import { ToolMessage } from "@langchain/core/messages";
import { createMiddleware } from "langchain";
import { describe, expect, it, vi } from "vitest";

import { AgentActionBlocked } from "../../src/errors.ts";
import { capfenceMiddleware } from "../../src/langchain/middleware.ts";
import {
  ConformanceError,
  entrances,
  expectAgentGated,
  expectGated,
  FORBIDDEN,
  toolFactories,
  type AgentWrapper,
  type Wrapper,
} from "../../src/testing/index.ts";
import { openGate } from "./gate.ts";
import { KINDS } from "./kinds.ts";

const settings = { agentId: "tester", capability: "unit.run" };

/** What a broken gate of these tests takes for forbidden. */
function refuse(value: unknown): void {
  if (JSON.stringify(value).includes(FORBIDDEN)) throw new Error("refused");
}

/** A gate of `invoke`, in front of the very same tool. */
const gatedInvoke = (look: (input: unknown) => void): Wrapper => {
  return (tool) =>
    new Proxy(tool, {
      get(target, name) {
        if (name !== "invoke") return Reflect.get(target, name, target) as unknown;
        return async (input: string, config: object) => {
          look(input);
          return await target.invoke(input, config);
        };
      },
    });
};

/** A gate that does not keep what it has judged. */
const judgingEarly: Wrapper = (tool) =>
  Object.assign(tool, {
    call: async (args: unknown, config: object) => {
      refuse(args);
      await new Promise((resolve) => setTimeout(resolve, 10));
      return (await Reflect.apply(Object.getPrototypeOf(tool).call, tool, [args, config])) as unknown;
    },
  });

const renaming: Wrapper = (tool) => Object.assign(tool, { name: `${tool.name}_gated`, tags: ["gated"] });

async function findingsOf(run: Promise<unknown>): Promise<string> {
  const error: unknown = await run.catch((thrown: unknown) => thrown);
  if (error instanceof ConformanceError) {
    return error.findings.map(({ subject, check, problem }) => `${subject} › ${check}: ${problem}`).join("\n");
  }
  return expect.fail(`expected a ConformanceError, got ${String(error)}`);
}

describe("the conformance kit fails a gate that", () => {
  const [plain] = toolFactories;
  const one = { tools: plain === undefined ? [] : [plain] };
  const ran = "ran the tool with arguments that the gate has to deny";

  it("stops nothing", async () => {
    const message = await findingsOf(expectGated((tool) => tool, one));
    for (const { name } of entrances(plain ?? expect.fail("no tools"))) {
      expect(message).toContain(`${plain?.name} › ${name}: ${ran}`);
    }
  });

  it("stops everything", async () => {
    const message = await findingsOf(
      expectGated(
        gatedInvoke(() => refuse(FORBIDDEN)),
        one,
      ),
    );
    expect(message).toContain(
      "invoke(args): what reached the tool: undefined at 0, without the gate { path: '/srv/a' }",
    );
  });

  it("judges what invoke is given, as if that were the arguments", async () => {
    const wrapper = gatedInvoke((input) => {
      if (typeof input === "object" && input !== null && "path" in input) refuse(input.path);
    });
    const message = await findingsOf(expectGated(wrapper, one));
    expect(message).not.toContain(`› invoke(args): ${ran}`);
    expect(message).toContain(`› invoke(envelope): ${ran}`);
    expect(message).toContain(`› createAgent, invoke: ${ran}`);
    expect(message).toContain(`› batch of envelopes: ${ran}`);
  });

  it("judges in a callback handler, whose errors are only logged", async () => {
    const handler = {
      name: "guard",
      awaitHandlers: true,
      handleToolStart: (_tool: unknown, input: string) => refuse(input),
    };
    const quiet = vi.spyOn(console, "warn").mockImplementation(() => {});
    const message = await findingsOf(expectGated((tool) => Object.assign(tool, { callbacks: [handler] }), one));
    quiet.mockRestore();
    expect(message).toContain(`› invoke(args): ${ran}`);
  });

  it("lets the arguments change after it has judged them", async () => {
    const message = await findingsOf(expectGated(judgingEarly, { tools: [] }));
    expect(message).toContain("arguments that change while they are judged");
  });

  it("is middleware that comes first", async () => {
    const { runtime } = openGate();
    const gate = capfenceMiddleware({ ...settings, runtime });
    const first: AgentWrapper = (agent) => ({ tools: agent.tools, middleware: [gate, ...agent.middleware] });
    const message = await findingsOf(expectAgentGated(first, one));
    expect(message).toContain(`› put in another's place by middleware, invoke: ${ran}`);
    expect(message).toContain(`› handed in at the call by middleware, invoke: what reached the tool`);
  });

  it("is middleware that judges the raw arguments of a call", async () => {
    const raw = createMiddleware({
      name: "raw",
      wrapToolCall: (request, handler) => {
        if (!JSON.stringify(request.toolCall.args).includes(FORBIDDEN)) return handler(request);
        return new ToolMessage({ content: "no", tool_call_id: request.toolCall.id ?? "" });
      },
    });
    const encoded = KINDS.filter(({ name }) => name === "tool() with a schema that transforms");
    const decoding = encoded.map((factory) => ({ ...factory, denied: { path: "/srv/%66orbidden" } }));
    const message = await findingsOf(
      expectAgentGated((agent) => ({ tools: agent.tools, middleware: [...agent.middleware, raw] }), {
        tools: decoding,
      }),
    );
    expect(message).toContain(`› one of the agent's tools, invoke: ${ran}`);
  });

  it("changes what an allowed call comes to", async () => {
    const message = await findingsOf(expectGated(renaming, one));
    expect(message).toContain("the field tags: it is");
    expect(message).toContain("callbacks and run tree: they were");
  });
});

it("the kit's errors name what was found, and how much was tried", () => {
  const findings = Array.from({ length: 50 }, (_, index) => ({ subject: "a tool", check: `${index}`, problem: "ran" }));
  const error = new ConformanceError(findings, 100);
  expect(error.message).toMatch(/^50 of 100 checks failed\.\n {2}a tool › 0: ran\n[^]* {2}and 10 more$/);
  expect(error).not.toBeInstanceOf(AgentActionBlocked);
});
