/** The names of `capfence/langchain`, for those who use LangChain's agents: what needs the `langchain` package is only here. */

export { approvalNeeded } from "./approval-needed.ts";
export { assertGated } from "./assert-gated.ts";
export { capfenceMiddleware } from "./middleware.ts";
export { CapFenceTool } from "./capfence-tool.ts";
export { guardTools } from "./guard-tools.ts";
export { isActionBlocked } from "./blocked.ts";
export type { ApprovalInterrupt } from "./pause.ts";
export type { AssertGatedOptions } from "./assert-gated.ts";
export type { CallConfig } from "./options.ts";
export type { CapabilityRule } from "./gate-options.ts";
export type { CapFenceMiddlewareOptions } from "./middleware.ts";
export type { CapFenceToolOptions } from "./options.ts";
export type { Context } from "./options.ts";
export type { ContextFrom } from "./options.ts";
export type { GateOptions } from "./gate-options.ts";
export type { Guardable } from "./guard-tools.ts";
export type { ProviderTool } from "./guard-tools.ts";
export type { Toolkit } from "./toolkit.ts";
export type { WrappableTool } from "./inner-tool.ts";
