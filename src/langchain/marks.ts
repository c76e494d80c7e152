/** How gated tools and our middleware know each other, whichever copy of the package they come from. */

import { prototypesOf } from "./core-classes.ts";
import { ownEntrance } from "./entrances.ts";

/** Marks a gated tool, so that none is gated twice; the value is the prototype whose methods judge its calls. */
export const TOOL_MARK: unique symbol = Symbol.for("capfence.tool");

/** Marks the middleware; the value is its `ungated` list. */
export const MIDDLEWARE_MARK: unique symbol = Symbol.for("capfence.middleware");

/**
 * Whether this is a gated tool whose calls all come to its gate: no way in was replaced, in it or in a class below
 * CapFenceTool, and no other object has borrowed its mark.
 */
export function isGated(tool: object): boolean {
  const gate: unknown = Object.getOwnPropertyDescriptor(tool, TOOL_MARK)?.value;
  const chain = prototypesOf(tool);
  const place = chain.findIndex((proto) => proto === gate);
  return place !== -1 && ownEntrance([tool, ...chain.slice(0, place)], ["_call"]) === undefined;
}
