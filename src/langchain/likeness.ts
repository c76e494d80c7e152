/** What `instanceof` says of a gated tool: the same as of the tool inside it. */

import { DynamicStructuredTool, DynamicTool, Tool } from "@langchain/core/tools";

/** Core's own classes below `StructuredTool`, which every gated tool extends anyway; the nearest to a tool comes first. */
const CLASSES: readonly object[] = [DynamicStructuredTool.prototype, DynamicTool.prototype, Tool.prototype];

/** By the prototypes of core's classes, prototypes that have the members of `own` above them. */
export type Likenesses = ReadonlyMap<object, object>;

/** Programs ask whether a tool is `instanceof DynamicStructuredTool`, and one class can extend only one of core's. */
export function likenessesOf(own: object): Likenesses {
  return new Map(CLASSES.map((core) => [core, Object.create(core, Object.getOwnPropertyDescriptors(own)) as object]));
}

/** The prototype for a gated tool that is to be like `inner`; none where that is of another copy of core, or of no class. */
export function prototypeLike(inner: object, likenesses: Likenesses): object | undefined {
  const core = CLASSES.find((one) => Object.prototype.isPrototypeOf.call(one, inner));
  return core && likenesses.get(core);
}
