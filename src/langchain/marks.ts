/** How gated tools and our middleware know each other, whichever copy of the package they come from. */

/** Marks a gated tool, so that none is gated twice. */
export const TOOL_MARK: unique symbol = Symbol.for("capfence.tool");

/** Marks the middleware; the value is its `ungated` list. */
export const MIDDLEWARE_MARK: unique symbol = Symbol.for("capfence.middleware");

/** Whether this is a gated tool. */
export function isGated(tool: object): boolean {
  return TOOL_MARK in tool;
}
