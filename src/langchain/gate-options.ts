/** What gates many tools at once: the options that guardTools and the middleware share. */

import type { ActionRuntime } from "../runtime/runtime.ts";
import { CapFenceTool } from "./capfence-tool.ts";
import type { WrappableTool } from "./inner-tool.ts";
import { checkOptions, type CapFenceToolOptions, type Context, type ContextFrom } from "./options.ts";
import { checkOptionNames, optionNames } from "../options.ts";

/**
 * What each tool does, in dot-separated segments, as policies name it: one name for all, names by the tools' own names, or
 * a function of the tool. Where this says nothing it is the tool's name and `.execute`.
 */
export type CapabilityRule = string | Readonly<Record<string, string>> | ((tool: WrappableTool) => string | undefined);

/** How many tools are gated by one runtime. */
export interface GateOptions {
  /** Judges and records for all the tools; whoever made it closes it. */
  readonly runtime: ActionRuntime;
  /** Who calls the tools, as logs show it. */
  readonly agentId: string;
  /** Default: each tool's name and `.execute`. */
  readonly capability?: CapabilityRule | undefined;
  /** Default: `CAPFENCE_ENVIRONMENT`, else `production`. */
  readonly environment?: string | undefined;
  /** What the host knows, plain JSON: for all tools, or by tool. Copied when a tool is gated. Default: empty. */
  readonly context?: Context | ((tool: WrappableTool) => Context | undefined) | undefined;
  /** What the host knows about each call, asked before the policy is. Default: nothing more. */
  readonly contextFrom?: ContextFrom | undefined;
  /** The conversation that logs name. Default: the thread id of the LangGraph run, if there is one. */
  readonly sessionId?: string | undefined;
  /**
   * What a refused call does: `throw` an {@link AgentActionBlocked}, or answer with a `message` for the model. Default:
   * `throw`.
   */
  readonly onBlocked?: "throw" | "message" | undefined;
  /** What a call that needs approval does; see {@link CapFenceToolOptions.onApproval}. */
  readonly onApproval?: CapFenceToolOptions["onApproval"];
  /** With `wait`, milliseconds to wait at most. Default: the runtime's. */
  readonly timeoutMs?: number | undefined;
  /**
   * Provider-side tools that are let through although nothing can gate them, themselves or their names. The model's
   * provider runs them; no policy sees their calls. Default: none, and each is an error.
   */
  readonly ungated?: readonly (string | object)[] | undefined;
}

const OPTIONS = optionNames<GateOptions>({
  runtime: true,
  agentId: true,
  capability: true,
  environment: true,
  context: true,
  contextFrom: true,
  sessionId: true,
  onBlocked: true,
  onApproval: true,
  timeoutMs: true,
  ungated: true,
});

/**
 * Checks the options before there is a tool.
 *
 * @throws TypeError naming the option.
 */
export function checkGateOptions(caller: string, options: GateOptions): void {
  checkOptionNames(caller, options, OPTIONS);
  if (options.runtime === undefined) throw new TypeError(`${caller}: runtime must be an ActionRuntime`);
  const { capability, ungated }: { capability?: unknown; ungated?: unknown } = options;
  if (capability !== undefined && !["string", "object", "function"].includes(typeof capability)) {
    throw new TypeError(`${caller}: capability must be a function of the tool, names by tool name, or one name`);
  }
  if (ungated !== undefined && !Array.isArray(ungated)) throw new TypeError(`${caller}: ungated must be a list`);
  checkOptions(toolOptions(NO_TOOL, options), NO_TOOL.name);
}

/** Stands in where functions of the tool have no tool yet to be asked about. */
const NO_TOOL: WrappableTool = { name: "tool", schema: {}, lc_namespace: [] };

function toolOptions(tool: WrappableTool, options: GateOptions): CapFenceToolOptions {
  const { capability, context, ungated: _, ...shared } = options;
  const ask = <T>(rule: (one: WrappableTool) => T): T | undefined => (tool === NO_TOOL ? undefined : rule(tool));
  return {
    ...shared,
    tool,
    capability: typeof capability === "function" ? ask(capability) : capabilityNamed(capability, tool.name),
    context: typeof context === "function" ? ask(context) : context,
  };
}

/**
 * Gates one tool.
 *
 * @throws TypeError saying why the tool cannot be wrapped, or which option is wrong.
 */
export function gateTool(tool: WrappableTool, options: GateOptions): CapFenceTool {
  return new CapFenceTool(toolOptions(tool, options));
}

/** The capability that a rule gives to a name; `undefined` when it says nothing about it. */
export function capabilityNamed(rule: CapabilityRule | undefined, name: string): string | undefined {
  if (typeof rule === "string") return rule;
  return typeof rule === "object" && rule !== null && Object.hasOwn(rule, name) ? rule[name] : undefined;
}
