/** entrances: every way a tool can be called. */

import { THROUGH_AGENTS } from "./agent-entrances.ts";
import { DIRECT, TEXT } from "./direct-entrances.ts";
import type { Entrance } from "./entrance.ts";
import { takesText, type ToolFactory } from "./tool-factory.ts";

/**
 * Yields every way a tool of this kind can be called: the methods of its own, those it has as a runnable, and the ways
 * through an agent, each with a name and a function that runs it.
 */
export function* entrances(factory: ToolFactory): Generator<Entrance, void> {
  yield* DIRECT;
  if (takesText(factory)) yield* TEXT;
  yield* THROUGH_AGENTS;
}
