/** expectGated and expectAgentGated: run the whole kit against a gate. */

import { checkAborts } from "./check-aborts.ts";
import { checkAgents, type AgentWrapper } from "./check-agents.ts";
import { checkAppearance } from "./check-appearance.ts";
import { checkEntrances, checkFactory, type Wrapper } from "./check-entrances.ts";
import { checkPassage } from "./check-passage.ts";
import { Findings, type Report } from "./report.ts";
import { toolFactories } from "./tool-factories.ts";
import type { ToolFactory } from "./tool-factory.ts";

/** What the kit can be told. */
export interface KitOptions {
  /** The kinds of tool to try, one at least. Default: {@link toolFactories}, every kind that needs no schema library. */
  readonly tools?: readonly ToolFactory[] | undefined;
}

/**
 * Tries a gate around single tools. `wrapper` puts a tool behind a gate that denies every call with the word `forbidden`
 * anywhere in its arguments and allows every other. Checks that no entrance leads past the gate, and that an allowed call
 * is the same call with and without it: results, messages, streams, callbacks, config, aborts, errors.
 *
 * @throws ConformanceError naming each kind of tool and each entrance where that is not so, or where it could not be told.
 * @throws TypeError when `tools` is no list of kinds of tool, or an empty one.
 */
export async function expectGated(wrapper: Wrapper, options: KitOptions = {}): Promise<Report> {
  const factories = factoriesOf("expectGated", options);
  const findings = new Findings();
  for (const factory of factories) await checkFactory(findings, factory);
  await checkEntrances(findings, wrapper, factories);
  for (const factory of factories) await checkAppearance(findings, wrapper, factory);
  await checkPassage(findings, wrapper);
  await checkAborts(findings, wrapper);
  return findings.conclude();
}

/**
 * Tries a gate around whole agents, such as middleware. `wrapper` gets what `createAgent` would be given, and gives it back
 * with the gate in its place. Beside the agent's own tools it has to gate those that other middleware brings, hands in or
 * swaps while the agent runs.
 *
 * @throws ConformanceError naming each kind of tool and each way into the agent where a denied call came through, or an
 *   allowed one changed, or where that could not be told.
 * @throws TypeError when `tools` is no list of kinds of tool, or an empty one.
 */
export async function expectAgentGated(wrapper: AgentWrapper, options: KitOptions = {}): Promise<Report> {
  const factories = factoriesOf("expectAgentGated", options);
  const findings = new Findings();
  for (const factory of factories) {
    await checkFactory(findings, factory);
    await checkAgents(findings, wrapper, factory);
  }
  return findings.conclude();
}

/** A kit that tries nothing would find nothing. */
function factoriesOf(caller: string, { tools = toolFactories }: KitOptions): readonly ToolFactory[] {
  if (Array.isArray(tools) && tools.length > 0) return tools;
  throw new TypeError(`${caller}: tools must be a list of at least one kind of tool`);
}
