/** Recognises the classes of `@langchain/core` on a tool's prototype chain, whichever copy they come from. */

import { DynamicStructuredTool, DynamicTool, StructuredTool, Tool } from "@langchain/core/tools";

/** What a tool's prototype chain says about it. */
export interface CoreClasses {
  /** How many prototypes lie above the first class of core; -1 when there is none. */
  readonly depth: number;
  /** Whether a bare text is short for `{ input: text }`. */
  readonly takesText: boolean;
  /** Whether it runs a `func` it was given, and names its runs after itself when the caller gives no `runName`. */
  readonly isDynamic: boolean;
  /** Whether it is a runnable made a tool by `asTool()`, which has no `_call`. */
  readonly isRunnable: boolean;
}

/**
 * Finds core's own classes on the prototype chain. By name and place, because with two copies of core `instanceof` is
 * false; by identity as well, because a bundler may have renamed the classes of the one copy there is.
 */
export function coreClassesOf(value: object): CoreClasses {
  const chain = prototypesOf(value);
  const runnable = chain.findIndex((proto) => classNameOf(proto) === "RunnableToolLike");
  if (runnable !== -1) return { depth: runnable, takesText: false, isDynamic: false, isRunnable: true };
  const base = chain.findIndex(
    (proto, index) =>
      proto === StructuredTool.prototype ||
      (classNameOf(proto) === "StructuredTool" && classNameOf(chain[index + 1]) === "BaseLangChain"),
  );
  if (base === -1) return { depth: -1, takesText: false, isDynamic: false, isRunnable: false };
  const takesText = isCoreTool(chain[base - 1]);
  const tool = takesText ? base - 1 : base;
  const isDynamic = isCoreDynamic(chain[tool - 1], takesText);
  return { depth: isDynamic ? tool - 1 : tool, takesText, isDynamic, isRunnable: false };
}

/** Core's Tool replaces `call` and leaves `_call` to its subclasses; a host's class that is also called Tool does not. */
function isCoreTool(proto: object | undefined): boolean {
  if (proto === undefined) return false;
  if (proto === Tool.prototype) return true;
  return classNameOf(proto) === "Tool" && Object.hasOwn(proto, "call") && !Object.hasOwn(proto, "_call");
}

function isCoreDynamic(proto: object | undefined, text: boolean): boolean {
  const ours: object = text ? DynamicTool.prototype : DynamicStructuredTool.prototype;
  if (proto === undefined || proto === ours) return proto === ours;
  return classNameOf(proto) === (text ? "DynamicTool" : "DynamicStructuredTool") && Object.hasOwn(proto, "call");
}

/** A value's prototypes, from the nearest to the root. */
export function prototypesOf(value: object): object[] {
  const chain: object[] = [];
  let proto: unknown = Object.getPrototypeOf(value);
  while (typeof proto === "object" && proto !== null) {
    chain.push(proto);
    proto = Object.getPrototypeOf(proto);
  }
  return chain;
}

/** The name of the class a prototype belongs to; a class's own `lc_name` survives minifiers, so it goes first. */
function classNameOf(proto: object | undefined): string | undefined {
  const constructor: unknown = proto && Object.getOwnPropertyDescriptor(proto, "constructor")?.value;
  if (typeof constructor !== "function") return undefined;
  const named: unknown = Object.getOwnPropertyDescriptor(constructor, "lc_name")?.value;
  return typeof named === "function" ? String(named.call(constructor)) : constructor.name;
}
