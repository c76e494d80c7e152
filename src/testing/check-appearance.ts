/** What others see of a tool: its fields, its class, what models are told of it, its callbacks. */

import { DynamicStructuredTool, DynamicTool, StructuredTool, Tool } from "@langchain/core/tools";
import { convertToOpenAITool } from "@langchain/core/utils/function_calling";

import { envelope } from "./entrance.ts";
import type { Wrapper } from "./check-entrances.ts";
import { outcomeOf } from "./plain-data.ts";
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

const CLASSES = { StructuredTool, Tool, DynamicTool, DynamicStructuredTool };

/** Compares fields, class, refusals of wrong arguments, and the callbacks of a run, with and without the gate. */
export async function checkAppearance(findings: Findings, wrapper: Wrapper, factory: ToolFactory): Promise<void> {
  await findings.attempt(factory.name, "its appearance", async () => await compare(findings, wrapper, factory));
}

async function compare(findings: Findings, wrapper: Wrapper, factory: ToolFactory): Promise<void> {
  const inner = makeTool(factory).tool;
  const expectedFields = FIELDS.map((field) => [field, Reflect.get(inner, field) as unknown] as const);
  const gated = (await wrapper(inner)) as KitTool;
  for (const [field, expected] of expectedFields) {
    // What a bare tool does not say, a gated one may say by default.
    if (expected === undefined) continue;
    findings.compare(factory.name, `the field ${field}`, "it is", Reflect.get(gated, field), expected);
  }
  const { tool } = makeTool(factory);
  for (const [name, type] of Object.entries(CLASSES)) {
    if (!(tool instanceof type)) continue;
    const problem = gated instanceof type ? undefined : "it is none any more";
    findings.note(factory.name, `instanceof ${name}`, problem);
  }
  findings.compare(factory.name, "what models are told", "it is", await toldOf(gated), await toldOf(tool));
  for (const wrong of [{ path: 7, input: 7 }, envelope(tool, { path: 7, input: 7 })]) {
    const [expected, actual] = [await outcomeOf(() => tool.invoke(wrong)), await outcomeOf(() => gated.invoke(wrong))];
    findings.compare(factory.name, "arguments that do not fit the schema", "what came out", actual, expected);
  }
  if (factory.isRunnable === true) return;
  for (const input of [factory.allowed, envelope(tool, factory.allowed)]) {
    const [expected, actual] = [await traceOf(makeTool(factory).tool, input), await traceOf(gated, input)];
    findings.compare(factory.name, "callbacks and run tree", "they were", actual, expected);
  }
}

/** The definition, or the error where a schema can't be shown. */
async function toldOf(tool: KitTool): Promise<unknown> {
  return await outcomeOf(async () => convertToOpenAITool(tool));
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
