/** The ways into a tool that lead through an agent: its model asks for the call, and the agent makes it. */

import { AIMessage, type BaseMessage } from "@langchain/core/messages";
import { fakeModel } from "@langchain/core/testing";
import { createAgent, createMiddleware, type AgentMiddleware } from "langchain";

import { drain, type Entrance } from "./entrance.ts";
import type { KitTool } from "./tool-factory.ts";

type Args = Readonly<Record<string, unknown>>;

/** What an agent is made of, as far as a gate may change it. */
export interface AgentParts {
  readonly tools: readonly object[];
  readonly middleware: readonly AgentMiddleware[];
}

/** One tool call that the agent's model makes. */
export interface ModelCall {
  readonly name: string;
  readonly args: Args;
}

/** An agent as the kit uses it. */
export interface KitAgent {
  invoke(state: object, config?: object): Promise<{ messages: BaseMessage[] }>;
  stream(state: object, config: object): Promise<AsyncIterable<unknown>>;
  streamEvents(state: object, config: object): AsyncIterable<unknown>;
}

const START = { messages: [{ role: "user", content: "go" }] };

/** An agent whose model makes these calls in one message, and then is done. */
export function makeAgent(parts: AgentParts, calls: readonly ModelCall[]): KitAgent {
  const model = fakeModel()
    .respondWithTools(calls.map(({ name, args }, index) => ({ name, args: { ...args }, id: `call-${index + 1}` })))
    .respond(new AIMessage("done"));
  const agent: unknown = createAgent({
    model,
    tools: [...parts.tools] as KitTool[],
    middleware: [...parts.middleware],
  });
  return agent as KitAgent;
}

/** A way to run an agent to its end. */
export interface AgentUse {
  readonly name: string;
  readonly run: (agent: KitAgent) => Promise<unknown>;
  /** Whether the runs inside the tool come out as well. */
  readonly showsRuns?: boolean;
}

const STREAM_MODES = ["values", "updates", "messages", "custom", "debug", "tasks", "tools"] as const;

/** Every way to run an agent, every stream mode included. */
export const AGENT_USES: readonly [AgentUse, ...AgentUse[]] = [
  { name: "invoke", run: async (agent) => (await agent.invoke(START)).messages },
  ...STREAM_MODES.map((streamMode) => ({
    name: `stream, mode ${streamMode}`,
    run: async (agent: KitAgent) => await drain(agent.stream(START, { streamMode })),
  })),
  {
    name: "stream, several modes",
    run: async (agent) => await drain(agent.stream(START, { streamMode: ["updates", "messages", "custom"] })),
  },
  {
    name: "streamEvents v2",
    run: async (agent) => await drain(agent.streamEvents(START, { version: "v2" })),
    showsRuns: true,
  },
];

/** Middleware that stands around tool calls and changes nothing. */
export const onlooker: AgentMiddleware = createMiddleware({
  name: "onlooker",
  wrapToolCall: (request, handler) => handler(request),
});

/** The ways to one tool through an agent that has it. */
export const THROUGH_AGENTS: readonly Entrance[] = [
  ...AGENT_USES.map(({ name, run, showsRuns = false }): Entrance => ({
    name: `createAgent, ${name}`,
    showsRuns,
    run: (tool, args) => run(makeAgent({ tools: [tool], middleware: [] }, [{ name: tool.name, args }])),
  })),
  {
    name: "createAgent with middleware around tool calls",
    run: async (tool, args) =>
      (await makeAgent({ tools: [tool], middleware: [onlooker] }, [{ name: tool.name, args }]).invoke(START)).messages,
  },
  {
    name: "createAgent, three calls in one message",
    run: async (tool, args) => {
      const call = { name: tool.name, args };
      return (await makeAgent({ tools: [tool], middleware: [] }, [call, call, call]).invoke(START)).messages;
    },
  },
];
