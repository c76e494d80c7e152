/** The options of a CapFenceTool, checked once, so that a mistake shows when the tool is wrapped and not when it is called. */

import type { ToolRunnableConfig } from "@langchain/core/tools";

import type { AuditLocation } from "../audit/location.ts";
import { ActionEvent, namedBy, type ActionEventFields } from "../event.ts";
import { ActionRuntime } from "../runtime/runtime.ts";
import { takeSnapshot, type JsonObject } from "../snapshot.ts";
import type { WrappableTool } from "./inner-tool.ts";
import { checkOptionNames, optionNames } from "../options.ts";

/** What the host knows about a call: plain JSON. */
export type Context = Readonly<Record<string, unknown>>;

/** The config a tool was called with, but for `toolCall`, which holds what the model wrote. */
export type CallConfig = Omit<ToolRunnableConfig, "toolCall">;

/**
 * Says what the host knows about one call, over and above the tool's own `context`; of two fields with one name its own
 * counts. On a LangGraph server a client chooses `config.configurable`: read only what the host has put there itself.
 * A call whose `contextFrom` throws, or answers what is no plain JSON, does not run.
 */
export type ContextFrom = (config: CallConfig) => Context | undefined | Promise<Context | undefined>;

/** What {@link CapFenceTool} takes. Give exactly one of `policyPath` and `runtime`. */
export interface CapFenceToolOptions {
  /** The tool to put behind the policy. From here on use only the wrapper. */
  readonly tool: WrappableTool;
  /** Who calls the tool, as logs show it. */
  readonly agentId: string;
  /**
   * What the tool does, in dot-separated segments, as policies name it: `shell.execute`. The last segment is the action,
   * the ones before it the resource; a single segment is a resource whose action is `execute`.
   * Default: the tool's name and `.execute`.
   */
  readonly capability?: string | undefined;
  /** Path of a policy file. The tool then has a runtime of its own, which `close()` closes. */
  readonly policyPath?: string | undefined;
  /** A runtime that several tools use; whoever made it closes it. */
  readonly runtime?: ActionRuntime | undefined;
  /** Default: `CAPFENCE_ENVIRONMENT`, else `production`. */
  readonly environment?: string | undefined;
  /** What the host knows, plain JSON, copied here and now. Default: empty. */
  readonly context?: Context | undefined;
  /** What the host knows about each call, asked before the policy is. Default: nothing more. */
  readonly contextFrom?: ContextFrom | undefined;
  /** The conversation that logs name. Default: the thread id of the LangGraph run, if there is one. */
  readonly sessionId?: string | undefined;
  /**
   * The audit log: the path of a file, or a place in a PostgreSQL database; only with `policyPath`. Default:
   * `CAPFENCE_AUDIT_LOG`, else `./audit.db`.
   */
  readonly auditLog?: AuditLocation | undefined;
  /**
   * What a refused call does. `throw`: throws {@link AgentActionBlocked}. `message`: returns a text for the model that says
   * why, as an error ToolMessage where there is a tool-call id; the run's trace shows the error all the same. Only a
   * refusal becomes a message: a log that can't be written always throws. Default: `throw`.
   */
  readonly onBlocked?: "throw" | "message" | undefined;
  /**
   * What a call that needs approval does. `interrupt`: pauses the graph it is called in, if that has a checkpointer; else it
   * is refused. `block`: it is refused, and works when it is repeated after approval. `wait`: it waits for the answer.
   * Default: `interrupt` where that can be, else what the runtime does.
   */
  readonly onApproval?: "interrupt" | "block" | "wait" | undefined;
  /** With `wait`, milliseconds to wait at most. Default: the runtime's. */
  readonly timeoutMs?: number | undefined;
}

/** Options after checking: what each call needs. */
export interface ToolSettings {
  /** The event of a call, but for its payload and what only the call itself can tell. */
  readonly event: ActionEventFields;
  readonly contextFrom: ContextFrom | undefined;
  readonly runtime: ActionRuntime;
  /** Whether the runtime was made here, so that it is ours to close. */
  readonly ownsRuntime: boolean;
  readonly onBlocked: "throw" | "message";
  readonly onApproval: CapFenceToolOptions["onApproval"];
  readonly timeoutMs: number | undefined;
  /** The tool's name: approvals are for one tool. */
  readonly tool: string;
}

const OPTIONS = optionNames<CapFenceToolOptions>({
  tool: true,
  agentId: true,
  capability: true,
  policyPath: true,
  runtime: true,
  environment: true,
  context: true,
  contextFrom: true,
  sessionId: true,
  auditLog: true,
  onBlocked: true,
  onApproval: true,
  timeoutMs: true,
});

/**
 * Checks the options of a tool called `toolName`; makes the runtime last, so that a mistake leaves nothing open.
 *
 * @throws TypeError naming the option that is missing, unknown or wrong.
 * @throws PolicyLoadError when the policy file is missing or not valid.
 */
export function checkOptions(options: CapFenceToolOptions, toolName: string): ToolSettings {
  checkOptionNames("CapFenceTool", options, OPTIONS);
  const event = eventFields(options, toolName);
  const onBlocked: unknown = options.onBlocked ?? "throw";
  if (onBlocked !== "throw" && onBlocked !== "message") {
    throw new TypeError('CapFenceTool: onBlocked must be "throw" or "message"');
  }
  const contextFrom: unknown = options.contextFrom;
  if (contextFrom !== undefined && typeof contextFrom !== "function") {
    throw new TypeError("CapFenceTool: contextFrom must be a function");
  }
  const { onApproval, timeoutMs } = options;
  if (onApproval !== undefined && !["interrupt", "block", "wait"].includes(onApproval)) {
    throw new TypeError('CapFenceTool: onApproval must be "interrupt", "block" or "wait"');
  }
  if (timeoutMs !== undefined && !(typeof timeoutMs === "number" && timeoutMs >= 0)) {
    throw new TypeError("CapFenceTool: timeoutMs must be a number of milliseconds");
  }
  const how = { onBlocked, onApproval, timeoutMs, tool: toolName } as const;
  return { event, ...how, contextFrom: options.contextFrom, ...runtimeOf(options) };
}

function runtimeOf(options: CapFenceToolOptions): Pick<ToolSettings, "runtime" | "ownsRuntime"> {
  const { policyPath, runtime, auditLog } = options;
  if ((policyPath === undefined) === (runtime === undefined)) {
    throw new TypeError("CapFenceTool: give exactly one of policyPath and runtime");
  }
  if (runtime !== undefined) {
    if (auditLog !== undefined) {
      throw new TypeError("CapFenceTool: auditLog goes with policyPath; a runtime already has its audit log");
    }
    if (!isRuntime(runtime)) throw new TypeError("CapFenceTool: runtime must be an ActionRuntime");
    return { runtime, ownsRuntime: false };
  }
  return {
    runtime: ActionRuntime.fromPolicy(text("policyPath", policyPath), { auditLog }),
    ownsRuntime: true,
  };
}

/** By its methods: a runtime of another copy of the package judges as well. */
function isRuntime(value: unknown): value is ActionRuntime {
  if (typeof value !== "object" || value === null) return false;
  return ["execute", "ask", "refuse", "recordOutcome"].every(
    (method) => typeof Reflect.get(value, method) === "function",
  );
}

function eventFields(options: CapFenceToolOptions, toolName: string): ActionEventFields {
  const capability = capabilityOf(options.capability, toolName);
  const fields: ActionEventFields = {
    actor: text("agentId", options.agentId),
    ...namedBy(capability),
    capability,
    environment: options.environment === undefined ? undefined : text("environment", options.environment),
    context: contextOf(options.context),
    sessionId: options.sessionId === undefined ? undefined : text("sessionId", options.sessionId),
  };
  // Made and thrown away: whatever an event refuses is refused now and not at the first call.
  ActionEvent.create(fields);
  return fields;
}

const CAPABILITY = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/;

function capabilityOf(given: unknown, toolName: string): string {
  if (given === undefined) {
    const capability = `${toolName}.execute`;
    if (CAPABILITY.test(capability)) return capability;
    throw new TypeError(
      `CapFenceTool: the tool's name ${JSON.stringify(toolName)} makes no capability; ` +
        'give the option capability, for example "files.read"',
    );
  }
  if (typeof given === "string" && CAPABILITY.test(given)) return given;
  throw new TypeError(
    'CapFenceTool: capability must be segments of letters, digits, "_" and "-" joined by dots, like "shell.execute"',
  );
}

/** Copied when the tool is wrapped: nobody who holds the object, the tool least of all, can change its own role later. */
function contextOf(value: unknown): JsonObject {
  const context = takeSnapshot(value ?? {}, "context");
  if (!context.ok) throw new TypeError(`CapFenceTool: context must be plain JSON (${context.problem})`);
  return context.json;
}

function text(option: string, value: unknown): string {
  if (typeof value !== "string" || value === "") {
    throw new TypeError(`CapFenceTool: ${option} must be a non-empty string`);
  }
  return value;
}
