/** The kinds of tool the kit brings itself. They need no schema library; bring your own for zod and the like. */

import { dispatchCustomEvent } from "@langchain/core/callbacks/dispatch";
import { DynamicTool, StructuredTool, Tool, tool } from "@langchain/core/tools";

import type { ToolFactory } from "./tool-factory.ts";

const schema = {
  type: "object",
  properties: { path: { type: "string" } },
  required: ["path"],
} as const;

const structured = { allowed: { path: "/srv/a" }, denied: { path: "/srv/forbidden" } };
const text = { allowed: { input: "a" }, denied: { input: "forbidden" } };

/** Remembers the arguments as they were on arrival. */
function read(calls: unknown[], args: unknown): string {
  const seen: unknown = structuredClone(args);
  calls.push(seen);
  return `read ${JSON.stringify(seen)}`;
}

class StructuredClass extends StructuredTool<typeof schema> {
  readonly name = "structured_class";
  readonly description = "Reads.";
  override readonly schema = schema;
  readonly #calls: unknown[];

  constructor(calls: unknown[]) {
    super({ tags: ["own"], metadata: { owner: "class" }, defaultConfig: { tags: ["default"] } });
    this.#calls = calls;
  }

  protected async _call(args: unknown): Promise<string> {
    return read(this.#calls, args);
  }
}

class TextClass extends Tool {
  readonly name = "text_class";
  readonly description = "Reads.";
  readonly #calls: unknown[];

  constructor(calls: unknown[]) {
    super();
    this.#calls = calls;
  }

  protected async _call(input: string): Promise<string> {
    return read(this.#calls, input);
  }
}

/** The text that it is given is encoded: whoever judges what `invoke` gets sees other arguments than the tool. */
class DecodingClass extends TextClass {
  // Core's own schema for text, so that no schema library is needed.
  override readonly schema = new TextClass([]).schema.transform((encoded) =>
    decodeURIComponent(encoded ?? ""),
  ) as unknown as TextClass["schema"];
}

/** One tool of every kind that `@langchain/core` can make without a schema library; `runnable.asTool()` is not among them. */
export const toolFactories: readonly ToolFactory[] = [
  {
    name: "tool() with a JSON schema",
    ...structured,
    make: (calls) => tool((args: unknown) => read(calls, args), { name: "json_schema", description: "Reads.", schema }),
  },
  {
    name: "tool() for text",
    ...text,
    make: (calls) => tool((input: unknown) => read(calls, input), { name: "text", schema: { type: "string" } }),
  },
  {
    name: "DynamicTool",
    ...text,
    make: (calls) =>
      new DynamicTool({ name: "dynamic", description: "Reads.", func: async (input) => read(calls, input) }),
  },
  { name: "a class that extends StructuredTool", ...structured, make: (calls) => new StructuredClass(calls) },
  { name: "a class that extends Tool", ...text, make: (calls) => new TextClass(calls) },
  {
    name: "a schema that decodes",
    allowed: { input: "%61" },
    denied: { input: "%66orbidden" },
    make: (calls) => new DecodingClass(calls),
  },
  {
    name: "a generator",
    ...structured,
    make: (calls) =>
      tool(
        async function* (args: unknown) {
          yield { progress: 1 };
          yield { progress: 2 };
          return read(calls, args);
        },
        { name: "generator", schema },
      ),
  },
  {
    name: "content and artifact",
    ...structured,
    make: (calls) =>
      tool((args: unknown) => [read(calls, args), { bytes: [1, 2, 3] }], {
        name: "artifact",
        schema,
        responseFormat: "content_and_artifact",
      }),
  },
  {
    name: "returnDirect",
    ...structured,
    make: (calls) => tool((args: unknown) => read(calls, args), { name: "direct", schema, returnDirect: true }),
  },
  {
    name: "a direct output, like a graph's Command",
    ...structured,
    make: (calls) =>
      tool((args: unknown) => ({ lc_direct_tool_output: true, read: read(calls, args) }), { name: "command", schema }),
  },
  {
    name: "a tool that writes to the stream",
    ...structured,
    make: (calls) =>
      tool(
        async (args: unknown, config) => {
          const seen = read(calls, args);
          // LangGraph's way and core's; each is there only where somebody listens.
          const writer: unknown = Reflect.get(config, "writer");
          if (typeof writer === "function") Reflect.apply(writer, undefined, [{ progress: 1 }]);
          if (config.callbacks !== undefined) await dispatchCustomEvent("progress", { progress: 2 }, config);
          return seen;
        },
        { name: "writing", schema },
      ),
  },
  {
    name: "a tool that throws",
    ...structured,
    make: (calls) =>
      tool(
        (args: unknown): string => {
          read(calls, args);
          throw new RangeError("disk on fire");
        },
        { name: "throwing", schema },
      ),
  },
];
