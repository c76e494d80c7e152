/** expectGated and expectAgentGated: run the whole kit against a gate. */

import { checkAgents, type AgentWrapper } from "./check-agents.ts";
import { checkAppearance } from "./check-appearance.ts";
import { checkEntrances, type Wrapper } from "./check-entrances.ts";
import { checkPassage } from "./check-passage.ts";
import { Findings, type Report } from "./report.ts";
import { toolFactories } from "./tool-factories.ts";
import type { ToolFactory } from "./tool-factory.ts";

/** What the kit can be told. */
export interface KitOptions {
  /** The kinds of tool to try. Default: {@link toolFactories}, which is every kind that needs no schema library. */
  readonly tools?: readonly ToolFactory[] | undefined;
}

/**
 * Tries a gate around single tools. `wrapper` puts a tool behind a gate that denies every call with the word `forbidden`
 * anywhere in its arguments and allows every other. Checks that no entrance leads past the gate, and that an allowed call
 * is the same call with and without it: results, messages, streams, callbacks, config, aborts, errors.
 *
 * @throws ConformanceError naming each kind of tool and each entrance where that is not so.
 */
export async function expectGated(wrapper: Wrapper, options: KitOptions = {}): Promise<Report> {
  const findings = new Findings();
  const factories = options.tools ?? toolFactories;
  await checkEntrances(findings, wrapper, factories);
  for (const factory of factories) {
    await findings.attempt(
      factory.name,
      "its appearance",
      async () => await checkAppearance(findings, wrapper, factory),
    );
  }
  await checkPassage(findings, wrapper);
  return findings.conclude();
}

/**
 * Tries a gate around whole agents, such as middleware. `wrapper` gets what `createAgent` would be given, and gives it back
 * with the gate in its place. Beside the agent's own tools it has to gate those that other middleware brings, hands in or
 * swaps while the agent runs.
 *
 * @throws ConformanceError naming each kind of tool and each way into the agent where a denied call came through, or an
 *   allowed one changed.
 */
export async function expectAgentGated(wrapper: AgentWrapper, options: KitOptions = {}): Promise<Report> {
  const findings = new Findings();
  for (const factory of options.tools ?? toolFactories) await checkAgents(findings, wrapper, factory);
  return findings.conclude();
}
