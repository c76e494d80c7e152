/** The ways into a tool that its own class has, used by programs and by other runnables. */

import { RunnableLambda, RunnableSequence } from "@langchain/core/runnables";

import { drain, envelope, type Entrance } from "./entrance.ts";
import type { KitTool } from "./tool-factory.ts";

type Args = Readonly<Record<string, unknown>>;

const same = (output: unknown): unknown => output;

/** What LangGraph's ToolNode hands a tool beside the call: the run's config, twice, and its state. */
function toolNodeConfig(): object {
  const config = { tags: ["graph"], metadata: { langgraph_node: "tools" }, configurable: { thread_id: "thread-1" } };
  return { ...config, config, toolCallId: "call-1", state: { messages: [] }, store: null, writer: null };
}

async function* once(value: unknown): AsyncGenerator {
  yield value;
}

/** `call` is deprecated and still public; a RunnableToolLike has none. */
async function callDirectly(tool: KitTool, ...args: readonly unknown[]): Promise<unknown> {
  const call: unknown = Reflect.get(tool, "call");
  return typeof call === "function" ? await Reflect.apply(call, tool, args) : await tool.invoke(args[0] as string);
}

/** A tool made of the tool; what it is given outside a tool call it passes on unparsed. */
function asAgain(tool: KitTool): ReturnType<KitTool["asTool"]> {
  return tool.asTool({ name: "again", schema: tool.schema as Parameters<KitTool["asTool"]>[0]["schema"] });
}

/** Every public way to make one tool run. */
export const DIRECT: readonly Entrance[] = [
  entrance("invoke(args)", (tool, args) => tool.invoke(args)),
  entrance("invoke(envelope)", (tool, args) => tool.invoke(envelope(tool, args))),
  entrance("invoke(args, { toolCall })", (tool, args) => tool.invoke(args, { toolCall: envelope(tool, args) })),
  entrance("invoke(envelope), as LangGraph's ToolNode does", (tool, args) =>
    tool.invoke(envelope(tool, args), toolNodeConfig()),
  ),
  entrance("call(args)", (tool, args) => callDirectly(tool, args)),
  entrance("call(args, callbacks)", (tool, args) => callDirectly(tool, args, [])),
  entrance("call(envelope)", (tool, args) => callDirectly(tool, envelope(tool, args))),
  entrance("batch", (tool, args) => tool.batch([args, args])),
  entrance("batch of envelopes", (tool, args) => tool.batch([envelope(tool, args), envelope(tool, args, "call-2")])),
  entrance("batch with returnExceptions", (tool, args) => tool.batch([args], {}, { returnExceptions: true })),
  entrance("stream", (tool, args) => drain(tool.stream(args))),
  entrance("stream of an envelope", (tool, args) => drain(tool.stream(envelope(tool, args)))),
  showing("streamEvents v1", (tool, args) => drain(tool.streamEvents(args, { version: "v1" }))),
  showing("streamEvents v2", (tool, args) => drain(tool.streamEvents(args, { version: "v2" }))),
  showing("streamEvents v2 of an envelope", (tool, args) =>
    drain(tool.streamEvents(envelope(tool, args), { version: "v2" })),
  ),
  showing("streamLog", (tool, args) => drain(tool.streamLog(args))),
  entrance("transform", (tool, args) => drain(tool.transform(once(args), {}))),
  entrance("pipe", (tool, args) => tool.pipe(same).invoke(args)),
  entrance("pipe of an envelope", (tool, args) => tool.pipe(same).invoke(envelope(tool, args))),
  entrance("RunnableSequence", (tool, args) => RunnableSequence.from([() => args, tool]).invoke({})),
  entrance("RunnableLambda that returns it", (tool, args) => RunnableLambda.from(() => tool).invoke(args)),
  entrance("assign", (tool, args) =>
    RunnableLambda.from(() => ({}))
      .assign({ out: () => tool.invoke(args) })
      .invoke({}),
  ),
  entrance("withConfig", (tool, args) => tool.withConfig({ runName: "other", tags: ["x"] }).invoke(args)),
  entrance("withRetry", (tool, args) => tool.withRetry({ stopAfterAttempt: 1 }).invoke(args)),
  entrance("withRetry of an envelope", (tool, args) =>
    tool.withRetry({ stopAfterAttempt: 1 }).invoke(envelope(tool, args)),
  ),
  entrance("withFallbacks", (tool, args) => tool.withFallbacks([tool]).invoke(args)),
  entrance("as a fallback", (tool, args) =>
    RunnableLambda.from((): unknown => {
      throw new Error("falls back");
    })
      .withFallbacks([tool])
      .invoke(args),
  ),
  entrance("asTool", (tool, args) => asAgain(tool).invoke(args)),
  entrance("withListeners", (tool, args) => tool.withConfig({}).withListeners({}).invoke(args)),
];

/** The ways into a tool for text. */
export const TEXT: readonly Entrance[] = [
  entrance("invoke(text)", (tool, args) => tool.invoke(String(args["input"]))),
  entrance("call(text)", (tool, args) => callDirectly(tool, String(args["input"]))),
  entrance("batch of texts", (tool, args) => tool.batch([String(args["input"])])),
  entrance("stream of a text", (tool, args) => drain(tool.stream(String(args["input"])))),
];

function entrance(name: string, run: (tool: KitTool, args: Args) => Promise<unknown>): Entrance {
  return { name, run };
}

function showing(name: string, run: Entrance["run"]): Entrance {
  return { name, run, showsRuns: true };
}
