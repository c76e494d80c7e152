/** One tool of every kind LangChain.js has, each counting the calls that reach it. */

import { RunnableLambda } from "@langchain/core/runnables";
import { DynamicStructuredTool, DynamicTool, StructuredTool, Tool, tool, type ToolParams } from "@langchain/core/tools";
import { Command } from "@langchain/langgraph";
import { z } from "zod";
import * as mini from "zod/mini";
import { z as z3 } from "zod/v3";

import type { WrappableTool } from "../../src/langchain/inner-tool.ts";

/** A tool as tests call it, wrapped or not. */
export interface CallableTool extends WrappableTool {
  invoke(input: unknown, config?: object): Promise<unknown>;
  stream(input: unknown, config?: object): Promise<AsyncIterable<unknown>>;
  streamEvents(
    input: unknown,
    config: { version: "v2" },
  ): AsyncIterable<{ event: string; name: string; data: unknown }>;
}

export interface Kind {
  readonly name: string;
  /** Makes the tool; every argument that reaches it is pushed to `calls`. */
  readonly make: (calls: unknown[]) => CallableTool;
  /** Arguments that the test policy allows, and some that it denies. */
  readonly allowed: Readonly<Record<string, unknown>>;
  readonly denied: Readonly<Record<string, unknown>>;
  /** Made by `asTool()`: the wrapper's own run comes on top of the unwrapped trace. */
  readonly isRunnable?: boolean;
}

class TextClass extends Tool {
  name = "text_class";
  description = "A class that extends Tool.";
  readonly calls: unknown[];

  constructor(calls: unknown[], fields?: ToolParams) {
    super(fields);
    this.calls = calls;
  }

  protected async _call(input: string | undefined): Promise<string> {
    this.calls.push(input);
    return `read ${input}`;
  }
}

const pathSchema = z.object({ path: z.string() });

class StructuredClass extends StructuredTool<typeof pathSchema> {
  name = "structured_class";
  description = "A class that extends StructuredTool.";
  schema = pathSchema;
  readonly calls: unknown[];

  constructor(calls: unknown[], fields?: ToolParams) {
    super(fields);
    this.calls = calls;
  }

  protected async _call(input: { path: string }): Promise<string> {
    this.calls.push(input);
    return `read ${input.path}`;
  }
}

class GeneratorClass extends StructuredTool<typeof pathSchema> {
  name = "generator_class";
  description = "Streams from _call itself.";
  schema = pathSchema;
  readonly calls: unknown[];

  constructor(calls: unknown[]) {
    super();
    this.calls = calls;
  }

  protected async *_call(input: { path: string }): AsyncGenerator<string, string> {
    this.calls.push(input);
    yield "one";
    yield "two";
    return `read ${input.path}`;
  }
}

const structured = { allowed: { path: "/srv/a" }, denied: { path: "/srv/forbidden" } };
const text = { allowed: { input: "a" }, denied: { input: "forbidden" } };
const read =
  (calls: unknown[]) =>
  (args: { path: string }): string => {
    calls.push(args);
    return `read ${args.path}`;
  };

export const KINDS: readonly Kind[] = [
  {
    name: "tool() with zod 4",
    ...structured,
    make: (calls) =>
      tool(read(calls), {
        name: "zod4",
        description: "Reads.",
        schema: pathSchema,
        tags: ["mine"],
        metadata: { owner: "me" },
        extras: { provider: { strict: true } },
      }),
  },
  {
    name: "tool() with zod 3",
    ...structured,
    // LangChain's types refuse zod 3 under exactOptionalPropertyTypes; at run time it is as good as zod 4.
    make: (calls) =>
      Reflect.apply(tool, undefined, [read(calls), { name: "zod3", schema: z3.object({ path: z3.string() }) }]),
  },
  {
    name: "tool() with zod/mini",
    ...structured,
    make: (calls) =>
      tool((args) => read(calls)(args), { name: "zod_mini", schema: mini.object({ path: mini.string() }) }),
  },
  {
    name: "tool() with a JSON schema",
    ...structured,
    make: (calls) =>
      tool(
        (args: unknown) => {
          calls.push(args);
          return `read ${JSON.stringify(args)}`;
        },
        {
          name: "json_schema",
          schema: { type: "object", properties: { path: { type: "string" } }, required: ["path"] },
        },
      ),
  },
  {
    name: "tool() with a schema that transforms",
    ...structured,
    make: (calls) =>
      tool(read(calls), {
        name: "transforming",
        schema: z.object({ path: z.string().transform((path) => decodeURIComponent(path)) }),
      }),
  },
  {
    name: "tool() with a Date",
    allowed: { when: "2026-01-15T00:00:00.000Z", path: "/srv/a" },
    denied: { when: "2026-01-15T00:00:00.000Z", path: "/srv/forbidden" },
    make: (calls) =>
      tool(
        (args) => {
          calls.push(args);
          return `${args.when.getTime()} ${args.path}`;
        },
        { name: "dated", schema: z.object({ when: z.coerce.date(), path: z.string() }) },
      ),
  },
  {
    name: "tool() for text",
    ...text,
    make: (calls) =>
      tool(
        (input: string) => {
          calls.push(input);
          return `read ${input}`;
        },
        { name: "text", schema: z.string() },
      ),
  },
  {
    name: "DynamicTool",
    ...text,
    make: (calls) =>
      new DynamicTool({
        name: "dynamic",
        description: "Reads.",
        func: async (input) => {
          calls.push(input);
          return `read ${input}`;
        },
      }),
  },
  {
    name: "DynamicStructuredTool",
    ...structured,
    make: (calls) =>
      new DynamicStructuredTool({
        name: "dynamic_structured",
        description: "Reads.",
        schema: pathSchema,
        func: async (args) => read(calls)(args),
      }),
  },
  {
    name: "a class that extends Tool",
    ...text,
    make: (calls) => new TextClass(calls, { tags: ["own"], metadata: { owner: "class" } }),
  },
  {
    name: "a class that extends StructuredTool",
    ...structured,
    make: (calls) =>
      new StructuredClass(calls, { defaultConfig: { tags: ["default"], metadata: { from: "default" } } }),
  },
  {
    name: "a tool whose _call is a generator",
    ...structured,
    make: (calls) => new GeneratorClass(calls),
  },
  {
    name: "tool() with a generator",
    ...structured,
    make: (calls) =>
      tool(
        async function* (args) {
          calls.push(args);
          yield { progress: 1 };
          yield { progress: 2 };
          return `read ${args.path}`;
        },
        { name: "streaming", schema: pathSchema },
      ),
  },
  {
    name: "tool() with content and artifact",
    ...structured,
    make: (calls) =>
      tool((args) => [read(calls)(args), { bytes: [1, 2, 3] }], {
        name: "artifact",
        schema: pathSchema,
        responseFormat: "content_and_artifact",
      }),
  },
  {
    name: "tool() that returns directly",
    ...structured,
    make: (calls) => tool(read(calls), { name: "direct", schema: pathSchema, returnDirect: true }),
  },
  {
    name: "tool() that returns an object",
    ...structured,
    make: (calls) => tool((args) => ({ read: read(calls)(args), size: 3 }), { name: "object", schema: pathSchema }),
  },
  {
    name: "tool() that returns nothing",
    ...structured,
    make: (calls) =>
      tool(
        (args) => {
          calls.push(args);
        },
        { name: "nothing", schema: pathSchema },
      ),
  },
  {
    name: "tool() that returns a Command",
    ...structured,
    make: (calls) =>
      tool((args) => new Command({ update: { seen: read(calls)(args) } }), { name: "command", schema: pathSchema }),
  },
  {
    name: "tool() that throws",
    ...structured,
    make: (calls) =>
      tool(
        (args) => {
          read(calls)(args);
          throw new RangeError("disk on fire");
        },
        { name: "throwing", schema: pathSchema },
      ),
  },
  {
    name: "a runnable made a tool",
    ...structured,
    isRunnable: true,
    make: (calls) =>
      RunnableLambda.from<{ path: string }, string>((args) => read(calls)(args)).asTool({
        name: "runnable",
        description: "Reads.",
        schema: pathSchema,
      }),
  },
  {
    name: "a runnable made a text tool",
    ...text,
    isRunnable: true,
    make: (calls) =>
      RunnableLambda.from<string, string>((input) => {
        calls.push(input);
        return `read ${input}`;
      }).asTool({ name: "runnable_text", description: "Reads.", schema: z.string() }),
  },
];
