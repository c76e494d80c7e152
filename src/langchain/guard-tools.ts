/** guardTools: puts a whole list of tools behind one policy. */

import type { CapFenceTool } from "./capfence-tool.ts";
import { checkGateOptions, gateTool, type GateOptions } from "./gate-options.ts";
import type { WrappableTool } from "./inner-tool.ts";
import { isClientTool, isListed, showTool } from "./tool-name.ts";
import { openToolkits, type Toolkit } from "./toolkit.ts";

/** A tool that the model's provider runs: a plain object that describes it. */
export type ProviderTool = Record<string, unknown>;

/** What {@link guardTools} takes lists of. */
export type Guardable = WrappableTool | Toolkit | ProviderTool;

/**
 * Wraps every tool of a list, toolkits opened, in a {@link CapFenceTool}; all use one runtime. The order stays.
 * Synchronous. Tools of an MCP client have to be fetched first: `guardTools(await client.getTools(), options)`.
 *
 * @throws TypeError naming the tool and saying why it cannot be gated: the model's provider runs it (and `ungated` does
 *   not list it), it is gated already, or it is no tool. Nothing is gated then.
 * @throws TypeError naming an option that is missing, unknown or wrong.
 */
export function guardTools(
  tools: readonly Guardable[] | Toolkit,
  options: GateOptions & { readonly ungated?: undefined },
): CapFenceTool[];
export function guardTools(
  tools: readonly Guardable[] | Toolkit,
  options: GateOptions,
): (CapFenceTool | ProviderTool)[];
export function guardTools(
  tools: readonly Guardable[] | Toolkit,
  options: GateOptions,
): (CapFenceTool | ProviderTool)[] {
  checkGateOptions("guardTools", options);
  return openToolkits("guardTools", tools).map((tool, index) => {
    if (isProviderTool(tool) && isListed(tool, options.ungated ?? [])) return tool;
    try {
      return gateTool(tool as WrappableTool, options);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      throw new TypeError(`guardTools: tool ${index + 1} (${showTool(tool)}): ${error.message}`, { cause: error });
    }
  });
}

function isProviderTool(tool: object): tool is ProviderTool {
  return !isClientTool(tool);
}
