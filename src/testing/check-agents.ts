/** Gates around whole agents: whichever way a tool gets into the agent, a denied call does not reach it. */

import { tool as makeHarmless } from "@langchain/core/tools";
import { createMiddleware, toolRetryMiddleware, type AgentMiddleware } from "langchain";

import { AGENT_USES, makeAgent, onlooker, type AgentParts, type AgentUse, type ModelCall } from "./agent-entrances.ts";
import { outcomeOf, plainData } from "./plain-data.ts";
import type { Findings } from "./report.ts";
import { FORBIDDEN, makeTool, type KitTool, type ToolFactory } from "./tool-factory.ts";

/** Puts a whole agent behind the gate under test: changes its tools or its list of middleware. */
export type AgentWrapper = (parts: AgentParts) => AgentParts | Promise<AgentParts>;

/** A way for a tool to get into an agent. */
interface Route {
  readonly name: string;
  readonly parts: (tool: KitTool) => AgentParts;
  /** The calls the model makes, when they are not simply the arguments. */
  readonly calls?: (tool: KitTool, args: ModelCall["args"], factory: ToolFactory) => readonly ModelCall[];
}

/**
 * Middleware around tool calls is in every one of these agents: LangChain itself treats a tool's errors otherwise as soon
 * as there is some, and a gate may be the only one.
 */
const ROUTES: readonly [Route, ...Route[]] = [
  { name: "one of the agent's tools", parts: (tool) => ({ tools: [tool], middleware: [onlooker] }) },
  { name: "brought by middleware", parts: (tool) => ({ tools: [], middleware: [bringing(tool)] }) },
  { name: "handed in at the call by middleware", parts: (tool) => ({ tools: [], middleware: [handingIn(tool)] }) },
  {
    name: "put in another's place by middleware",
    parts: (tool) => ({ tools: [decoy(tool)], middleware: [handingIn(tool)] }),
  },
  {
    name: "under middleware that retries",
    parts: (tool) => ({
      tools: [tool],
      middleware: [toolRetryMiddleware({ maxRetries: 1, initialDelayMs: 0, onFailure: "error" }) as AgentMiddleware],
    }),
  },
  {
    name: "with arguments that middleware writes",
    parts: (tool) => ({ tools: [tool], middleware: [unwrapping] }),
    calls: (tool, args) => [{ name: tool.name, args: { harmless: true, real: args } }],
  },
  {
    name: "among parallel calls",
    parts: (tool) => ({ tools: [tool], middleware: [onlooker] }),
    calls: (tool, args, factory) =>
      [factory.allowed, args, factory.allowed].map((one) => ({ name: tool.name, args: one })),
  },
];

/** Tries one kind of tool in agents, every way in with `invoke`, and every way to run the agent with the first. */
export async function checkAgents(findings: Findings, wrapper: AgentWrapper, factory: ToolFactory): Promise<void> {
  const ways = [
    ...ROUTES.map((route) => ({ route, use: AGENT_USES[0] })),
    ...AGENT_USES.slice(1).map((use) => ({ route: ROUTES[0], use })),
  ];
  for (const { route, use } of ways) {
    const check = `${route.name}, ${use.name}`;
    await findings.attempt(factory.name, check, async () => {
      await checkRoute({ findings, wrapper, factory, check }, route, use);
    });
  }
}

interface RouteCheck {
  readonly findings: Findings;
  readonly wrapper: AgentWrapper;
  readonly factory: ToolFactory;
  /** What reports call it. */
  readonly check: string;
}

async function checkRoute(
  { findings, wrapper, factory, check }: RouteCheck,
  route: Route,
  use: AgentUse,
): Promise<void> {
  const run = async (args: ModelCall["args"], isGated: boolean): Promise<{ calls: unknown[]; outcome: unknown }> => {
    const { tool, calls } = makeTool(factory);
    const parts = isGated ? await wrapper(route.parts(tool)) : route.parts(tool);
    const asked = route.calls?.(tool, args, factory) ?? [{ name: tool.name, args }];
    return { calls, outcome: await outcomeOf(() => use.run(makeAgent(parts, asked))) };
  };
  const denied = await run(factory.denied, true);
  const ran = JSON.stringify(denied.calls).includes(FORBIDDEN);
  findings.note(factory.name, check, ran ? "ran the tool with arguments that the gate has to deny" : undefined);
  const [bare, gated] = [await run(factory.allowed, false), await run(factory.allowed, true)];
  if (bare.calls.length === 0) throw new Error("without the gate, the allowed call does not reach the tool");
  findings.compare(factory.name, check, "what reached the tool", plainData(gated.calls), plainData(bare.calls));
  if (factory.isRunnable === true && use.showsRuns === true) return;
  findings.compare(factory.name, check, "what came out", gated.outcome, bare.outcome);
}

function bringing(tool: KitTool): AgentMiddleware {
  return createMiddleware({ name: "bringing", tools: [tool], wrapToolCall: (request, handler) => handler(request) });
}

function handingIn(tool: KitTool): AgentMiddleware {
  return createMiddleware({ name: "handing in", wrapToolCall: (request, handler) => handler({ ...request, tool }) });
}

/** A harmless tool of the same name. */
function decoy({ name }: KitTool): KitTool {
  return makeHarmless(() => "decoy", { name, schema: { type: "object" } });
}

/** Replaces the arguments that the model wrote by those that it hid in them. */
const unwrapping: AgentMiddleware = createMiddleware({
  name: "unwrapping",
  wrapToolCall: (request, handler) => {
    const args: unknown = request.toolCall.args["real"];
    return handler({ ...request, toolCall: { ...request.toolCall, args: args as Record<string, unknown> } });
  },
});
