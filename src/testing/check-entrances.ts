/** At every entrance: a denied call does not reach the tool, an allowed one comes to the same as without the gate. */

import { THROUGH_AGENTS } from "./agent-entrances.ts";
import { entrances } from "./entrances.ts";
import { envelope, type Entrance } from "./entrance.ts";
import { outcomeOf, plainData } from "./plain-data.ts";
import type { Findings } from "./report.ts";
import { FORBIDDEN, makeTool, type KitTool, type ToolFactory } from "./tool-factory.ts";

/** Puts one tool behind the gate under test. */
export type Wrapper = (tool: KitTool) => object | Promise<object>;

/**
 * Tries kinds of tool at all their entrances: the direct ones all at once, since gates wait for their logs, and then agents one
 * by one, since LangGraph hands on what a model streams in the background and loses some of it in a busy process.
 */
export async function checkEntrances(
  findings: Findings,
  wrapper: Wrapper,
  factories: readonly ToolFactory[],
): Promise<void> {
  const ways = factories.flatMap((factory) => [...entrances(factory)].map((entrance) => ({ factory, entrance })));
  const tryOut = async ({ factory, entrance }: (typeof ways)[number]): Promise<void> =>
    await checkEntrance(findings, wrapper, factory, entrance);
  const throughAgents = new Set<Entrance>(THROUGH_AGENTS);
  await Promise.all(ways.filter(({ entrance }) => !throughAgents.has(entrance)).map(tryOut));
  for (const way of ways.filter(({ entrance }) => throughAgents.has(entrance))) await tryOut(way);
}

/** Tries one kind of tool at one entrance. */
export async function checkEntrance(
  findings: Findings,
  wrapper: Wrapper,
  factory: ToolFactory,
  entrance: Entrance,
): Promise<void> {
  await findings.attempt(factory.name, entrance.name, async () => {
    await checkDenied(findings, wrapper, factory, entrance);
    await checkAllowed(findings, wrapper, factory, entrance);
  });
}

/** Whether the denied arguments would reach the tool if there were no gate: what stops by itself tells nothing. */
export async function checkFactory(findings: Findings, factory: ToolFactory): Promise<void> {
  const { tool, calls } = makeTool(factory);
  await outcomeOf(() => tool.invoke(envelope(tool, factory.denied)));
  const reached = JSON.stringify(calls).includes(FORBIDDEN);
  const problem = `without the gate, the denied call does not reach the tool with the word ${JSON.stringify(FORBIDDEN)}`;
  findings.note(factory.name, "its denied arguments", reached ? undefined : problem);
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
  if (bare.calls.length === 0) throw new Error("without the gate, the allowed call does not reach the tool");
  findings.compare(factory.name, entrance.name, "what reached the tool", plainData(inner.calls), plainData(bare.calls));
  if (factory.isRunnable === true && entrance.showsRuns === true) return;
  findings.compare(factory.name, entrance.name, "what came out", actual, expected);
}
