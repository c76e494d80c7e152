/** Toolkits: bundles of tools, which lists of tools may hold. */

/** A bundle of tools, LangChain's `BaseToolkit` for one. */
export interface Toolkit {
  getTools(): readonly object[];
}

/** Whether this hands out tools and is none itself. */
export function isToolkit(value: unknown): value is Toolkit {
  return typeof value === "object" && value !== null && typeof Reflect.get(value, "getTools") === "function";
}

/**
 * The tools of a list with its toolkits opened, or of one toolkit.
 *
 * @throws TypeError naming `caller`, when this is neither, holds what is no object, or a toolkit gives no list: an MCP
 *   client gives a promise.
 */
export function openToolkits(caller: string, tools: unknown): readonly object[] {
  const list: unknown = isToolkit(tools) ? [tools] : tools;
  if (!Array.isArray(list)) throw new TypeError(`${caller}: give a list of tools, or a toolkit`);
  return list.flatMap((tool: unknown, index) => {
    if (isToolkit(tool)) return opened(caller, tool);
    if (typeof tool === "object" && tool !== null) return [tool];
    throw new TypeError(`${caller}: tool ${index + 1} is ${tool === null ? "null" : `a ${typeof tool}`} and no tool`);
  });
}

function opened(caller: string, toolkit: Toolkit): readonly object[] {
  const tools: unknown = toolkit.getTools();
  if (Array.isArray(tools)) return openToolkits(caller, tools);
  throw new TypeError(`${caller}: getTools() gave no list; await it first and hand over what it resolves to`);
}
