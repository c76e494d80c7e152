/** What the kit needs to know about a tool: how to make it, and what it may and may not be called with. */

import type { StructuredTool } from "@langchain/core/tools";

/** The word that the gate under test has to deny, wherever it stands in a call's arguments; everything else it has to allow. */
export const FORBIDDEN = "forbidden";

/** A kind of tool. */
export interface ToolFactory {
  /** What reports call it. */
  readonly name: string;
  /** Makes the tool; every argument that reaches it is pushed to `calls`. */
  readonly make: (calls: unknown[]) => object;
  /** Arguments the gate allows. A tool for text has the one field `input`. */
  readonly allowed: Readonly<Record<string, unknown>>;
  /** Arguments the gate denies: {@link FORBIDDEN} is in what the schema makes of them. */
  readonly denied: Readonly<Record<string, unknown>>;
  /**
   * Made by `runnable.asTool()`. A gate may run it in one piece and show its arguments for its tool call, so its traces and
   * events are not compared.
   */
  readonly isRunnable?: boolean;
}

/** A tool as the kit calls it, whatever its class: it has an `invoke` at least. */
export type KitTool = StructuredTool;

/** Makes a tool and remembers what reached it. */
export function makeTool(factory: ToolFactory): { readonly tool: KitTool; readonly calls: unknown[] } {
  const calls: unknown[] = [];
  return { tool: factory.make(calls) as KitTool, calls };
}

/** Whether the tool takes a bare text. */
export function takesText(factory: ToolFactory): boolean {
  return Object.keys(factory.allowed).join() === "input";
}
