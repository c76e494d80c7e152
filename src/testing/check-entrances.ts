/** At every entrance: a denied call does not reach the tool, an allowed one comes to the same as without the gate. */

import { entrances } from "./entrances.ts";
import type { Entrance } from "./entrance.ts";
import { outcomeOf, plainData } from "./plain-data.ts";
import type { Findings } from "./report.ts";
import { makeTool, type KitTool, type ToolFactory } from "./tool-factory.ts";

/** Puts one tool behind the gate under test. */
export type Wrapper = (tool: KitTool) => object | Promise<object>;

/** Tries one kind of tool at all its entrances, all at once. */
export async function checkEntrances(findings: Findings, wrapper: Wrapper, factory: ToolFactory): Promise<void> {
  await Promise.all(
    [...entrances(factory)].map(async (entrance) => {
      await checkDenied(findings, wrapper, factory, entrance);
      await checkAllowed(findings, wrapper, factory, entrance);
    }),
  );
}

async function checkDenied(
  findings: Findings,
  wrapper: Wrapper,
  factory: ToolFactory,
  entrance: Entrance,
): Promise<void> {
  const { tool, calls } = makeTool(factory);
  const gated = (await wrapper(tool)) as KitTool;
  await outcomeOf(() => entrance.run(gated, factory.denied));
  const problem = calls.length === 0 ? undefined : "ran the tool with arguments that the gate has to deny";
  findings.note(factory.name, entrance.name, problem);
}

async function checkAllowed(
  findings: Findings,
  wrapper: Wrapper,
  factory: ToolFactory,
  entrance: Entrance,
): Promise<void> {
  const [bare, inner] = [makeTool(factory), makeTool(factory)];
  const gated = (await wrapper(inner.tool)) as KitTool;
  const expected = await outcomeOf(() => entrance.run(bare.tool, factory.allowed));
  const actual = await outcomeOf(() => entrance.run(gated, factory.allowed));
  findings.compare(factory.name, entrance.name, "what reached the tool", plainData(inner.calls), plainData(bare.calls));
  // A bare runnable answers calls without tool messages, and its traces have no tool run.
  if (factory.isRunnable === true && entrance.name !== "invoke(args)") return;
  findings.compare(factory.name, entrance.name, "what came out", actual, expected);
}
