/** How a call passes the gate: what the tool gets to see, what changes underway, and what comes back while it runs. */

import { AsyncLocalStorage } from "node:async_hooks";

import { RunnableLambda } from "@langchain/core/runnables";
import { DynamicTool, StructuredTool, tool } from "@langchain/core/tools";

import type { Wrapper } from "./check-entrances.ts";
import { envelope } from "./entrance.ts";
import { outcomeOf, plainData } from "./plain-data.ts";
import { ALLOWED, gate, probe, UNDERWAY } from "./probe.ts";
import type { Findings } from "./report.ts";
import { FORBIDDEN, type KitTool } from "./tool-factory.ts";
import { Trace } from "./trace.ts";

/** Checks what no entrance by itself shows. */
export async function checkPassage(findings: Findings, wrapper: Wrapper): Promise<void> {
  for (const [name, check] of Object.entries(CHECKS)) {
    await findings.attempt(UNDERWAY, name, async () => await check(findings, wrapper, name));
  }
}

type Check = (findings: Findings, wrapper: Wrapper, name: string) => Promise<void>;

const CHECKS: Readonly<Record<string, Check>> = {
  "the config the tool gets": checkConfig,
  "a run inside the tool, and the host's own context": checkSurroundings,
  "arguments that change while they are judged": checkChanges,
  "arguments that the tool writes into": checkWriting,
  "the schema, which is applied once": checkSchema,
  "chunks, which come as the tool gives them": checkChunks,
  "the tool's own error": checkOwnError,
};

const MEMBERS = [
  "tags",
  "metadata",
  "configurable",
  "runName",
  "toolCall",
  "context",
  "toolCallId",
  "state",
  "store",
] as const;

/** A tool that notes the config it gets. */
function lookingAtConfig(seen: unknown[]): KitTool {
  return probe((_args, config) => {
    const members = MEMBERS.map((member) => [member, Reflect.get(config, member) as unknown]);
    seen.push(plainData([...members, ["signal", config.signal?.aborted]]));
    return "seen";
  });
}

async function checkConfig(findings: Findings, wrapper: Wrapper, name: string): Promise<void> {
  const config = {
    tags: ["given"],
    metadata: { given: true },
    configurable: { thread_id: "thread-1" },
    signal: new AbortController().signal,
    context: { user: "ada" },
    toolCallId: "call-1",
    state: { messages: [] },
    store: { name: "a store" },
  };
  const [bare, gated]: [unknown[], unknown[]] = [[], []];
  for (const subject of [lookingAtConfig(bare), await gate(wrapper, lookingAtConfig(gated))]) {
    await subject.invoke({ ...ALLOWED }, config);
    await subject.invoke(envelope(subject, ALLOWED), config);
  }
  findings.compare(UNDERWAY, name, "it was", gated, bare);
}

async function checkSurroundings(findings: Findings, wrapper: Wrapper, name: string): Promise<void> {
  const store = new AsyncLocalStorage<string>();
  const inside = RunnableLambda.from(() => store.getStore() ?? "nothing");
  const make = (): KitTool => probe(async (args) => await inside.invoke(args));
  const results: unknown[] = [];
  for (const subject of [make(), await gate(wrapper, make())]) {
    const trace = new Trace();
    const value: unknown = await store.run("the host's", () => subject.invoke({ ...ALLOWED }, { callbacks: [trace] }));
    results.push({ value, trace: trace.seen });
  }
  findings.compare(UNDERWAY, name, "it was", results[1], results[0]);
}

async function checkChanges(findings: Findings, wrapper: Wrapper, name: string): Promise<void> {
  for (const wrap of [
    (args: object) => args,
    (args: Record<string, unknown>) => ({ ...envelope({ name: "probe" }, {}), args }),
  ]) {
    const reached: string[] = [];
    const gated = await gate(
      wrapper,
      probe((args, { toolCall }) => {
        reached.push(JSON.stringify([args, toolCall]));
        return "ran";
      }),
    );
    const args: Record<string, unknown> = { ...ALLOWED };
    const call = outcomeOf(() => gated.invoke(wrap(args) as typeof ALLOWED));
    const change = setInterval(() => (args["path"] = FORBIDDEN), 0);
    await call;
    clearInterval(change);
    const problem = reached.some((text) => text.includes(FORBIDDEN))
      ? "the tool got what the caller wrote into them after they had been judged"
      : undefined;
    findings.note(UNDERWAY, name, problem);
  }
}

/** A tool that writes into its arguments. */
function writing(): KitTool {
  return probe((args) => JSON.stringify(Object.assign(args as object, { written: true })));
}

async function checkWriting(findings: Findings, wrapper: Wrapper, name: string): Promise<void> {
  const expected = await outcomeOf(() => writing().invoke({ ...ALLOWED }));
  const gated = await gate(wrapper, writing());
  findings.compare(UNDERWAY, name, "what came out", await outcomeOf(() => gated.invoke({ ...ALLOWED })), expected);
}

async function checkSchema(findings: Findings, wrapper: Wrapper, name: string): Promise<void> {
  let times = 0;
  // Core's own schema for text, which is zod: the kit has none.
  const schema = new DynamicTool({ name: "text", description: "", func: async () => "" }).schema.transform((text) => {
    times += 1;
    return text;
  });
  class Counting extends StructuredTool {
    readonly name = "counting";
    readonly description = "Looks at how often its schema is applied.";
    override readonly schema = schema as unknown as StructuredTool["schema"];
    protected async _call(): Promise<string> {
      return "ran";
    }
  }
  const gated = await gate(wrapper, new Counting());
  for (const input of [{ input: "a" }, envelope(gated, { input: "a" })]) {
    times = 0;
    await gated.invoke(input);
    findings.note(UNDERWAY, name, times === 1 ? undefined : `it was applied ${times} times`);
  }
}

async function checkChunks(findings: Findings, wrapper: Wrapper, name: string): Promise<void> {
  const seen: unknown[] = [];
  const missed: string[] = [];
  const generator = tool(
    async function* () {
      for (const chunk of ["one", "two"]) {
        yield chunk;
        if (!seen.includes(chunk)) missed.push(chunk);
      }
      return "end";
    },
    { name: "generator", schema: { type: "object", properties: {} } },
  );
  const gated = await gate(wrapper, generator);
  const handler = { name: "h", awaitHandlers: true, handleToolEvent: (chunk: unknown) => void seen.push(chunk) };
  await gated.invoke({}, { callbacks: [handler] });
  findings.compare(UNDERWAY, name, "they were", seen, ["one", "two"]);
  findings.note(UNDERWAY, name, missed.length === 0 ? undefined : `the tool went on before ${missed[0]} had come out`);
}

async function checkOwnError(findings: Findings, wrapper: Wrapper, name: string): Promise<void> {
  const own = Object.freeze(new RangeError("disk on fire"));
  const gated = await gate(
    wrapper,
    probe(() => {
      throw own;
    }),
  );
  const thrown: unknown = await gated.invoke({ ...ALLOWED }).catch((error: unknown) => error);
  findings.note(UNDERWAY, name, thrown === own ? undefined : "another error arrived in its place");
}
