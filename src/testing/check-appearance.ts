/** What others see of a tool: its fields, its callbacks, and its errors. */

import { envelope } from "./entrance.ts";
import type { Wrapper } from "./check-entrances.ts";
import { outcomeOf, plainData } from "./plain-data.ts";
import type { Findings } from "./report.ts";
import { makeTool, type KitTool, type ToolFactory } from "./tool-factory.ts";
import { Trace } from "./trace.ts";

/** The fields that models, agents and traces read from a tool. */
const FIELDS = [
  "name",
  "description",
  "schema",
  "returnDirect",
  "responseFormat",
  "verboseParsingErrors",
  "tags",
  "metadata",
  "extras",
  "defaultConfig",
  "callbacks",
] as const;

/** Compares fields, refusals of wrong arguments, and the callbacks of a run, with and without the gate. */
export async function checkAppearance(findings: Findings, wrapper: Wrapper, factory: ToolFactory): Promise<void> {
  const inner = makeTool(factory).tool;
  const expectedFields = FIELDS.map((field) => [field, Reflect.get(inner, field) as unknown] as const);
  const gated = (await wrapper(inner)) as KitTool;
  for (const [field, expected] of expectedFields) {
    // What a bare tool does not say, a gated one may say by default.
    if (expected === undefined) continue;
    findings.compare(factory.name, `the field ${field}`, "it is", Reflect.get(gated, field), expected);
  }
  if (factory.isRunnable === true) return;
  const { tool } = makeTool(factory);
  for (const wrong of [{ path: 7, input: 7 }, envelope(tool, { path: 7, input: 7 })]) {
    const [expected, actual] = [await outcomeOf(() => tool.invoke(wrong)), await outcomeOf(() => gated.invoke(wrong))];
    findings.compare(factory.name, "arguments that do not fit the schema", "what came out", actual, expected);
  }
  for (const input of [factory.allowed, envelope(tool, factory.allowed)]) {
    const [expected, actual] = [await traceOf(makeTool(factory).tool, input), await traceOf(gated, input)];
    findings.compare(factory.name, "callbacks and run tree", "they were", actual, expected);
  }
  const thrown = await thrownBy(tool, factory);
  if (thrown === undefined) return;
  const reached = await thrownBy(gated, factory);
  findings.compare(factory.name, "an error of the tool", "it arrived as", plainData(reached), plainData(thrown));
}

async function traceOf(tool: KitTool, input: object): Promise<unknown> {
  const trace = new Trace();
  const config = {
    callbacks: [trace],
    tags: ["given"],
    metadata: { given: true },
    configurable: { thread_id: "thread-1" },
    runName: "named",
  };
  await outcomeOf(() => tool.invoke({ ...input }, config));
  await outcomeOf(() => tool.invoke({ ...input }, { callbacks: [trace] }));
  return trace.seen;
}

async function thrownBy(tool: KitTool, factory: ToolFactory): Promise<unknown> {
  try {
    await tool.invoke({ ...factory.allowed });
    return undefined;
  } catch (error) {
    return error;
  }
}
