import { AIMessage } from "@langchain/core/messages";
import { dispatchCustomEvent } from "@langchain/core/callbacks/dispatch";
import { fakeModel } from "@langchain/core/testing";
import { tool } from "@langchain/core/tools";
import { MemorySaver } from "@langchain/langgraph";
import { createAgent, type AgentMiddleware } from "langchain";
import { describe, expect, it } from "vitest";
import { z } from "zod";

import type { CapFenceTool } from "../../src/langchain/capfence-tool.ts";
import { guardTools } from "../../src/langchain/guard-tools.ts";
import { capfenceMiddleware } from "../../src/langchain/middleware.ts";
import { openGate, type Gate } from "./gate.ts";

const MODES = ["values", "updates", "messages", "custom", "debug", "tasks", "tools", "checkpoints"] as const;

/** A tool that also writes to the stream, in LangGraph's way and in core's. */
const writer = (calls: unknown[]) =>
  tool(
    async ({ path }, config) => {
      calls.push(path);
      const write: unknown = Reflect.get(config, "writer");
      if (typeof write === "function") Reflect.apply(write, undefined, [{ reading: path }]);
      if (config.callbacks !== undefined) await dispatchCustomEvent("reading", { path }, config);
      return `read ${path}`;
    },
    { name: "read", schema: z.object({ path: z.string() }) },
  );

interface Parts {
  readonly tools: readonly object[];
  readonly middleware: readonly AgentMiddleware[];
}

const settings = { agentId: "tester", capability: "unit.run", onBlocked: "message" } as const;

const GATES: readonly (readonly [string, (gate: Gate, subject: ReturnType<typeof writer>) => Parts])[] = [
  [
    "guardTools",
    ({ runtime }, subject) => ({ tools: guardTools([subject], { ...settings, runtime }), middleware: [] }),
  ],
  [
    "capfenceMiddleware",
    ({ runtime }, subject) => ({ tools: [subject], middleware: [capfenceMiddleware({ ...settings, runtime })] }),
  ],
];

/** An agent whose model asks for these calls in one message. */
function agentOf({ tools, middleware }: Parts, paths: readonly string[]) {
  const calls = paths.map((path, index) => ({ name: "read", args: { path }, id: `call-${index}` }));
  return createAgent({
    model: fakeModel().respondWithTools(calls).respond(new AIMessage("done")),
    tools: tools as CapFenceTool[],
    middleware: [...middleware],
    checkpointer: new MemorySaver(),
  });
}

const START = { messages: [{ role: "user", content: "go" }] };
const THREAD = { configurable: { thread_id: "thread-1" } };

async function chunksOf(
  parts: Parts,
  paths: readonly string[],
  streamMode: (typeof MODES)[number],
): Promise<unknown[]> {
  const chunks: unknown[] = [];
  for await (const chunk of await agentOf(parts, paths).stream(START, { streamMode, ...THREAD })) chunks.push(chunk);
  return chunks;
}

const counted = async (gate: Gate): Promise<unknown> => {
  const recorded = await gate.recorded();
  const count = (kind: string, authorized?: boolean): number =>
    recorded.filter((entry) => entry.kind === kind && entry["authorized"] === authorized).length;
  return { allowed: count("decision", true), denied: count("decision", false), outcomes: count("outcome") };
};

describe.each(GATES)("an agent behind %s", (_name, make) => {
  it.each(MODES)("streams %s as without it", async (mode) => {
    const gate = openGate();
    const [bare, gated] = [[] as unknown[], [] as unknown[]];
    const expected = await chunksOf({ tools: [writer(bare)], middleware: [] }, ["a", "b"], mode);
    const actual = await chunksOf(make(gate, writer(gated)), ["a", "b"], mode);
    expect(expected.length).toBeGreaterThan(0);
    expect(actual).toHaveLength(expected.length);
    expect(gated).toEqual(bare);
    expect(await counted(gate)).toEqual({ allowed: 2, denied: 0, outcomes: 2 });
  });

  it.each(MODES)("judges every call while it streams %s", async (mode) => {
    const gate = openGate();
    const calls: unknown[] = [];
    const chunks = await chunksOf(make(gate, writer(calls)), ["a", "forbidden", "b", "forbidden too"], mode);
    expect(calls).toEqual(["a", "b"]);
    if (mode === "custom") expect(chunks).toEqual([{ reading: "a" }, { reading: "b" }]);
    expect(await counted(gate)).toEqual({ allowed: 2, denied: 2, outcomes: 2 });
  });

  it.each(["v1", "v2"] as const)("judges every call while it streams events %s", async (version) => {
    const gate = openGate();
    const calls: unknown[] = [];
    const agent = agentOf(make(gate, writer(calls)), ["a", "forbidden"]);
    const written: unknown[] = [];
    for await (const { event, data } of agent.streamEvents(START, { version, ...THREAD })) {
      if (event === "on_custom_event") written.push(data);
    }
    expect(calls).toEqual(["a"]);
    expect(written).toEqual(version === "v2" ? [{ path: "a" }] : []);
    expect(await counted(gate)).toEqual({ allowed: 1, denied: 1, outcomes: 1 });
  });

  it("judges and records what a consumer does not wait for", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const stream = await agentOf(make(gate, writer(calls)), ["a", "forbidden"]).stream(START, {
      streamMode: "custom",
      ...THREAD,
    });
    for await (const chunk of stream) {
      expect(chunk).toEqual({ reading: "a" });
      break;
    }
    expect(calls).toEqual(["a"]);
    expect(await counted(gate)).toMatchObject({ allowed: 1 });
  });
});
