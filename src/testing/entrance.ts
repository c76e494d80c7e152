/** A way a tool can be called. */

import type { KitTool } from "./tool-factory.ts";

/** One way in. */
export interface Entrance {
  /** What reports call it: `invoke(envelope)`. */
  readonly name: string;
  /** Calls the tool this way; resolves with all that came out, streams drained. Rejects as the tool does. */
  readonly run: (tool: KitTool, args: Readonly<Record<string, unknown>>) => Promise<unknown>;
  /** Whether the runs inside the tool come out as well, and not only its own. */
  readonly showsRuns?: boolean;
}

/** The arguments as a model's tool call. */
export function envelope(
  tool: { readonly name: string },
  args: Readonly<Record<string, unknown>>,
  id = "call-1",
): { readonly type: "tool_call"; readonly id: string; readonly name: string; readonly args: Record<string, unknown> } {
  return { type: "tool_call", id, name: tool.name, args: { ...args } };
}

/** Everything a stream yields. */
export async function drain(source: AsyncIterable<unknown> | Promise<AsyncIterable<unknown>>): Promise<unknown[]> {
  const chunks: unknown[] = [];
  for await (const chunk of await source) chunks.push(chunk);
  return chunks;
}
