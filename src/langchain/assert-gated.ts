/** assertGated: finds tools that no policy stands before, at start-up or in a test. */

import { UngatedToolsError } from "../errors.ts";
import { checkOptionNames, optionNames } from "../options.ts";
import { inspectTool } from "./inner-tool.ts";
import { isGated, MIDDLEWARE_MARK } from "./marks.ts";
import { isListed, namesOf, showTool } from "./tool-name.ts";
import { isToolkit, openToolkits } from "./toolkit.ts";

const WANTED = "assertGated: give an agent made by createAgent, a ToolNode, a tool, or a list of tools";

/** What {@link assertGated} takes beside the tools. */
export interface AssertGatedOptions {
  /** Provider-side tools, themselves or their names, that are known not to be gated. Default: the middleware's, else none. */
  readonly ungated?: readonly (string | object)[] | undefined;
}

const OPTIONS = optionNames<AssertGatedOptions>({ ungated: true });

/**
 * Makes sure that every tool is gated. Takes one tool, a list of tools and toolkits, a `ToolNode`, or an agent made by
 * `createAgent`. An agent is fine when its last middleware is `capfenceMiddleware`, or when it has none of that and all its
 * tools, those that its middleware brings included, are gated by themselves. Synchronous.
 *
 * An agent without our middleware is judged by the tools it has now: another middleware could still bring or swap in tools
 * while it runs.
 *
 * @throws UngatedToolsError naming the tools that are not gated, or the middleware that comes after ours.
 * @throws TypeError when this is nothing that has tools, or an option is unknown.
 */
export function assertGated(agentOrTools: object, options: AssertGatedOptions = {}): void {
  if (typeof agentOrTools !== "object" || agentOrTools === null) throw new TypeError(WANTED);
  checkOptionNames("assertGated", options, OPTIONS);
  const given: unknown = options.ungated;
  if (given !== undefined && !Array.isArray(given)) throw new TypeError("assertGated: ungated must be a list");
  const { tools, ungated, gates } = agentTools(agentOrTools) ?? { tools: toolsOf(agentOrTools), gates: false };
  const listed = options.ungated ?? ungated ?? [];
  const missing = tools.filter((tool) => !isGated(tool) && !isListed(tool, listed) && !(gates && canBeGated(tool)));
  if (missing.length === 0) return;
  const names = missing.map(showTool);
  throw new UngatedToolsError(`assertGated: not gated: ${names.join(", ")}`, names);
}

function canBeGated(tool: object): boolean {
  try {
    return inspectTool(tool).members === tool;
  } catch {
    return false;
  }
}

interface AgentTools {
  readonly tools: readonly object[];
  /** What our middleware was told to let through. */
  readonly ungated?: readonly (string | object)[];
  /** Whether our middleware gates whatever runs in the agent. */
  readonly gates: boolean;
}

/** An agent's tools, those of its middleware included; `undefined` for what is no agent: a ToolNode has no model. */
function agentTools(value: object): AgentTools | undefined {
  const options: unknown = Reflect.get(value, "options");
  if (typeof options !== "object" || options === null || !("model" in options)) return undefined;
  const { tools, middleware } = options as { tools?: readonly object[]; middleware?: readonly object[] };
  const layers = middleware ?? [];
  const brought = layers.flatMap((layer) => openToolkits("assertGated", Reflect.get(layer, "tools") ?? []));
  const all = [...openToolkits("assertGated", tools ?? []), ...brought];
  const ours = layers.findLastIndex((layer) => MIDDLEWARE_MARK in layer);
  const after = layers.slice(ours + 1).map((layer) => String(Reflect.get(layer, "name")));
  if (ours === -1) return { tools: all, gates: false };
  if (after.length === 0) return { tools: all, gates: true, ...ungatedBy(layers[ours]) };
  throw new UngatedToolsError(
    `assertGated: capfenceMiddleware must be the last middleware; after it comes ${after.join(", ")}, which could swap ` +
      "the tool or answer in its place",
    [],
  );
}

function ungatedBy(middleware: object | undefined): Pick<AgentTools, "ungated"> {
  const ungated: unknown = middleware && Reflect.get(middleware, MIDDLEWARE_MARK);
  return Array.isArray(ungated) ? { ungated } : {};
}

function toolsOf(value: object): readonly object[] {
  if (Array.isArray(value) || isToolkit(value)) return openToolkits("assertGated", value);
  const held: unknown = Reflect.get(value, "tools");
  if (Array.isArray(held)) return openToolkits("assertGated", held);
  if (namesOf(value).length > 0) return [value];
  throw new TypeError(WANTED);
}
