/** What `runnable.asTool()` does its own way: parsing, and running without a tool run. */

import { CallbackManager } from "@langchain/core/callbacks/manager";
import { ToolInputParsingException, type StructuredTool, type ToolRunnableConfig } from "@langchain/core/tools";
import { interopParseAsync, type InteropZodType } from "@langchain/core/utils/types";

import type { AgentActionBlocked } from "../errors.ts";
import { looksLikeToolCall } from "./inner-tool.ts";

/**
 * The arguments that a runnable made a tool would run with: those of a tool call checked against its schema, any others as
 * they are.
 *
 * @throws ToolInputParsingException when a tool call's arguments do not fit the schema.
 */
export async function parseForRunnable(
  { schema }: StructuredTool,
  given: unknown,
  { toolCall }: ToolRunnableConfig,
): Promise<unknown> {
  const args: unknown = looksLikeToolCall(given) ? given.args : given;
  // Core's `invoke` has unpacked a tool call into both.
  const isUnpacked = toolCall !== undefined && toolCall !== null && toolCall.args === given;
  if (args === given && !isUnpacked) return args;
  try {
    return await interopParseAsync(schema as InteropZodType, args);
  } catch {
    throw new ToolInputParsingException("Received tool input did not match expected schema", JSON.stringify(args));
  }
}

/** Starts a run of `tool` that ends with the refusal: it never got so far as to run, and else no trace would show it. */
export async function traceRefusal(
  tool: StructuredTool,
  args: unknown,
  refusal: AgentActionBlocked,
  { callbacks, tags, metadata, runId, runName = tool.name }: ToolRunnableConfig,
): Promise<void> {
  const { verbose } = tool;
  const manager = CallbackManager.configure(callbacks, undefined, tags, undefined, metadata, undefined, { verbose });
  const input = typeof args === "string" ? args : JSON.stringify(args);
  const run = await manager?.handleToolStart(tool.toJSON(), input, runId, undefined, undefined, undefined, runName);
  await run?.handleToolError(refusal);
}
