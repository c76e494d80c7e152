/** What `instanceof` says of a gated tool: the same as of the tool inside it. */

import { DynamicStructuredTool, DynamicTool, Tool } from "@langchain/core/tools";

/** Core's own classes below `StructuredTool`, which every gated tool extends anyway; the nearest to a tool comes first. */
const CLASSES: readonly object[] = [DynamicStructuredTool.prototype, DynamicTool.prototype, Tool.prototype];

const prototypes = new Map<object, object>();

/**
 * The prototype of a gated tool: the members that `own` has, above the class of core that `inner` is of. Programs ask
 * whether a tool is `instanceof DynamicStructuredTool`, and one class can extend only one of them. `own` itself where
 * `inner` is of none of these classes, or of another copy of core.
 */
export function prototypeLike(inner: object, own: object): object {
  const core = CLASSES.find((one) => Object.prototype.isPrototypeOf.call(one, inner));
  if (core === undefined) return own;
  let prototype = prototypes.get(core);
  if (prototype === undefined) {
    prototype = Object.create(core, Object.getOwnPropertyDescriptors(own)) as object;
    prototypes.set(core, prototype);
  }
  return prototype;
}
