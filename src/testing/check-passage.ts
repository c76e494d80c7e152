/** How a call passes the gate: what the tool gets to see, what changes underway, and what aborts it. */

import { AsyncLocalStorage } from "node:async_hooks";

import { RunnableLambda } from "@langchain/core/runnables";
import { StructuredTool, tool, type ToolRunnableConfig } from "@langchain/core/tools";

import { envelope } from "./entrance.ts";
import type { Wrapper } from "./check-entrances.ts";
import { outcomeOf, plainData } from "./plain-data.ts";
import type { Findings } from "./report.ts";
import { FORBIDDEN, type KitTool } from "./tool-factory.ts";
import { Trace } from "./trace.ts";

const SUBJECT = "a call underway";
const schema = { type: "object", properties: { path: { type: "string" } } } as const;
const ALLOWED = { path: "/srv/a" };

/** A tool that runs `body`, with whatever arguments. */
function probe(body: (args: unknown, config: ToolRunnableConfig) => unknown): KitTool {
  return tool((args: unknown, config) => body(args, config), { name: "probe", description: "A probe.", schema });
}

/** A tool class, which unlike `tool()` does not look at its signal itself. */
class Careless extends StructuredTool<typeof schema> {
  readonly name = "careless";
  readonly description = "Runs whatever happens.";
  override readonly schema = schema;
  ran = 0;

  protected async _call(): Promise<string> {
    this.ran += 1;
    return "ran";
  }
}

/** Checks what no entrance by itself shows. */
export async function checkPassage(findings: Findings, wrapper: Wrapper): Promise<void> {
  for (const [name, check] of Object.entries(CHECKS)) {
    await findings.attempt(SUBJECT, name, async () => await check(findings, wrapper, name));
  }
}

const CHECKS: Readonly<Record<string, (findings: Findings, wrapper: Wrapper, name: string) => Promise<void>>> = {
  "the config the tool gets": checkConfig,
  "a run inside the tool, and the host's own context": checkSurroundings,
  "arguments that change while they are judged": checkChanges,
  "aborted before the call": checkEarlyAbort,
  "aborted while the tool runs": checkLateAbort,
  "the tool's own error": checkOwnError,
};

async function gate(wrapper: Wrapper, inner: KitTool): Promise<KitTool> {
  return (await wrapper(inner)) as KitTool;
}

async function checkConfig(findings: Findings, wrapper: Wrapper, name: string): Promise<void> {
  const seen: unknown[] = [];
  const make = (): KitTool =>
    probe((_args, { tags, metadata, configurable, runName, toolCall, signal, context }) => {
      seen.push(plainData({ tags, metadata, configurable, runName, toolCall, signal: signal?.aborted, context }));
      return "seen";
    });
  const config = {
    tags: ["given"],
    metadata: { given: true },
    configurable: { thread_id: "thread-1" },
    signal: new AbortController().signal,
    context: { user: "ada" },
  };
  for (const subject of [make(), await gate(wrapper, make())]) {
    await subject.invoke({ ...ALLOWED }, config);
    await subject.invoke(envelope(subject, ALLOWED), config);
  }
  findings.compare(SUBJECT, name, "it was", seen.slice(2), seen.slice(0, 2));
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
  findings.compare(SUBJECT, name, "it was", results[1], results[0]);
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
    findings.note(SUBJECT, name, problem);
  }
}

async function checkEarlyAbort(findings: Findings, wrapper: Wrapper, name: string): Promise<void> {
  const before = new Careless();
  const aborted = { signal: AbortSignal.abort(new Error("changed my mind")) };
  const gated = await gate(wrapper, before);
  await outcomeOf(() => gated.invoke({ ...ALLOWED }, aborted));
  findings.note(SUBJECT, name, before.ran === 0 ? undefined : "the tool ran");
}

async function checkLateAbort(findings: Findings, wrapper: Wrapper, name: string): Promise<void> {
  const outcomes: unknown[] = [];
  for (const subject of [waiting(), await gate(wrapper, waiting())]) {
    const controller = new AbortController();
    const call = outcomeOf(() => subject.invoke({ ...ALLOWED }, { signal: controller.signal }));
    setTimeout(() => controller.abort(new Error("changed my mind")), 20);
    outcomes.push(await call);
  }
  findings.compare(SUBJECT, name, "what came out", outcomes[1], outcomes[0]);
}

/** A tool that never ends. */
function waiting(): KitTool {
  return probe(() => new Promise(() => {}));
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
  findings.note(SUBJECT, name, thrown === own ? undefined : "another error arrived in its place");
}
