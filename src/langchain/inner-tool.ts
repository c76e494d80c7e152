/** The tool behind a CapFenceTool: which kinds can be gated without changing them, and how each is run. */

import type { CallbackManagerForToolRun } from "@langchain/core/callbacks/manager";
import type { Serialized } from "@langchain/core/load/serializable";
import type { RunnableConfig } from "@langchain/core/runnables";
import type { StructuredTool, ToolParams, ToolRunnableConfig } from "@langchain/core/tools";
import { isInteropZodSchema } from "@langchain/core/utils/types";

import { coreClassesOf, prototypesOf, type CoreClasses } from "./core-classes.ts";
import { ownEntrance } from "./entrances.ts";
import { isGated, TOOL_MARK } from "./marks.ts";

/**
 * What every LangChain.js tool has, whichever its class, generics and copy of `@langchain/core`: `tool()`, `Tool`,
 * `StructuredTool`, `DynamicTool`, `DynamicStructuredTool` and `runnable.asTool()`. Structural on purpose: LangChain's own
 * tool types cost compilers much memory, and two copies of core are two sets of nominal types.
 */
export interface WrappableTool {
  readonly name: string;
  readonly schema: unknown;
  readonly lc_namespace: string[];
}

/** The members of an inner tool that the wrapper reads; those of `ToolParams` are there, or undefined, in every kind. */
export interface ToolMembers extends Required<ToolParams> {
  readonly name: string;
  readonly description: string;
  readonly schema: StructuredTool["schema"];
  readonly returnDirect?: boolean;
  readonly lc_id: string[];
  readonly lc_namespace: string[];
  readonly lc_secrets: Record<string, string> | undefined;
  readonly lc_aliases: Record<string, string> | undefined;
  readonly lc_serializable: boolean;
  readonly lc_kwargs?: Readonly<Record<string, unknown>>;
  toJSON(): Serialized;
  /** Absent from a RunnableToolLike. */
  _call?(args: unknown, runManager?: CallbackManagerForToolRun, config?: ToolRunnableConfig): unknown;
  invoke(input: unknown, config?: RunnableConfig): Promise<unknown>;
}

/** A tool that has been looked at and found fit. */
export interface InnerTool extends CoreClasses {
  readonly members: ToolMembers;
}

/**
 * Looks at a tool before it is wrapped.
 *
 * @throws TypeError saying what to do instead, when the value is no tool or wrapping it would change what it does.
 */
export function inspectTool(value: unknown): InnerTool {
  if (!isObject(value)) throw refuse("tool must be a LangChain tool");
  if (TOOL_MARK in value) throw refuse(describeMarked(value));
  if (!Array.isArray(value["lc_namespace"])) throw refuse(describeNonTool(value));
  const core = coreClassesOf(value);
  if (!hasMembers(value, core)) {
    throw refuse(
      "tool is not a LangChain tool; wrap the tool first and use withConfig, pipe or withRetry on the wrapper, " +
        "or turn a runnable into a tool with asTool()",
    );
  }
  checkSchema(value["schema"]);
  checkEntrances(value, core.depth);
  return { ...core, members: value };
}

/**
 * Runs the tool itself, below its parsing and its callbacks, which have happened in the wrapper. `_call` is looked up at
 * every call: a host that replaces `func` or `_call` of its own tool later keeps control of its tool, and the policy
 * stays in front of whatever is there. May return a promise or a generator, like `_call`.
 */
export function runInner(
  inner: InnerTool,
  args: unknown,
  runManager: CallbackManagerForToolRun | undefined,
  config: ToolRunnableConfig | undefined,
): unknown {
  // oxlint-disable-next-line no-underscore-dangle -- LangChain's name
  if (!inner.isRunnable) return inner.members._call?.(args, runManager, config);
  // With a toolCall in its config, a tool inside the runnable would answer with a ToolMessage it never made before.
  const { toolCall: _, ...rest } = config ?? {};
  return inner.members.invoke(args, rest);
}

/**
 * Whether a runnable's `invoke` would take these arguments for a tool-call envelope, unpack it and run arguments that
 * nobody has judged.
 */
export function looksLikeToolCall(args: unknown): args is { readonly id?: unknown; readonly args?: unknown } {
  return isObject(args) && args["type"] === "tool_call";
}

function hasMembers(value: object, core: CoreClasses): value is ToolMembers {
  const run = core.isRunnable ? "invoke" : "_call";
  return (
    core.depth !== -1 && typeof Reflect.get(value, "name") === "string" && typeof Reflect.get(value, run) === "function"
  );
}

function checkSchema(schema: unknown): void {
  if (isInteropZodSchema(schema)) return;
  const usable = typeof schema === "object" && schema !== null;
  if (usable && !("~standard" in schema)) return;
  throw refuse(
    usable || typeof schema === "function"
      ? "tool has a schema that is neither zod nor JSON Schema, which LangChain's tools do not check; give it one of those"
      : "tool has no schema; give it a zod or a JSON schema",
  );
}

function checkEntrances(tool: object, depth: number): void {
  // The wrapper comes in below all of them.
  const overridden = ownEntrance([tool, ...prototypesOf(tool).slice(0, depth)]);
  if (overridden === undefined) return;
  throw refuse(
    `tool has its own ${overridden}, which the wrapper would pass by; put that code into _call, or into the function ` +
      "given to tool()",
  );
}

function describeMarked(value: object): string {
  if (isGated(value)) return "tool is a CapFenceTool already; wrap the original tool once, every call is judged once";
  return "tool bears the mark of a CapFenceTool, but a way into it was replaced or nothing judges its calls";
}

function describeNonTool(value: Readonly<Record<string, unknown>>): string {
  if (value["type"] === "function" || "input_schema" in value || "parameters" in value) {
    return "tool only describes a tool and cannot be run; wrap the tool that implements it, made with tool() for example";
  }
  if (typeof value["type"] === "string") {
    return (
      `tool ${JSON.stringify(value["type"])} is run by the model's provider, outside this process, where no policy can ` +
      "stop it; leave it out, or replace it by a tool made with tool()"
    );
  }
  return "tool must be a LangChain tool, made with tool() or a class that extends StructuredTool";
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function refuse(problem: string): TypeError {
  return new TypeError(`CapFenceTool: ${problem}`);
}
