/** Tools that look at one thing each. */

import { StructuredTool, tool, type ToolRunnableConfig } from "@langchain/core/tools";

import type { Wrapper } from "./check-entrances.ts";
import type { KitTool } from "./tool-factory.ts";

/** What reports call these checks' subject, which is no kind of tool. */
export const UNDERWAY = "a call underway";

/** Arguments for the tools of this file. */
export const ALLOWED = { path: "/srv/a" };

const schema = { type: "object", properties: { path: { type: "string" } } } as const;

/** A tool that runs `body`, with whatever arguments. */
export function probe(body: (args: unknown, config: ToolRunnableConfig) => unknown): KitTool {
  return tool((args: unknown, config) => body(args, config), { name: "probe", description: "A probe.", schema });
}

/** A tool class, which unlike `tool()` does not look at its signal itself. */
export class Careless extends StructuredTool<typeof schema> {
  readonly name = "careless";
  readonly description = "Runs whatever happens.";
  override readonly schema: typeof schema = schema;
  /** Whether the call was aborted already, each time that it ran. */
  readonly ran: boolean[] = [];

  protected async _call(_args: unknown, _manager?: unknown, config?: ToolRunnableConfig): Promise<string> {
    this.ran.push(config?.signal?.aborted === true);
    return "ran";
  }
}

/** Puts a tool behind the gate under test. */
export async function gate(wrapper: Wrapper, inner: KitTool): Promise<KitTool> {
  return (await wrapper(inner)) as KitTool;
}
