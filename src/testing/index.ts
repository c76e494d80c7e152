/** The names of `capfence/testing`: a kit that tries any gate around LangChain.js tools, ours or another's. */

export { ConformanceError } from "./report.ts";
export { entrances } from "./entrances.ts";
export { expectAgentGated } from "./expect-gated.ts";
export { expectGated } from "./expect-gated.ts";
export { FORBIDDEN } from "./tool-factory.ts";
export { toolFactories } from "./tool-factories.ts";
export type { AgentParts } from "./agent-entrances.ts";
export type { AgentWrapper } from "./check-agents.ts";
export type { Entrance } from "./entrance.ts";
export type { Finding } from "./report.ts";
export type { KitOptions } from "./expect-gated.ts";
export type { KitTool } from "./tool-factory.ts";
export type { Report } from "./report.ts";
export type { ToolFactory } from "./tool-factory.ts";
export type { Wrapper } from "./check-entrances.ts";
