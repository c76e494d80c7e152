import { BaseToolkit, DynamicTool, tool, type StructuredToolInterface } from "@langchain/core/tools";
import { RunnableLambda } from "@langchain/core/runnables";
import { fakeModel } from "@langchain/core/testing";
import { ToolNode } from "@langchain/langgraph/prebuilt";
import { AIMessage } from "@langchain/core/messages";
import { createAgent, createMiddleware } from "langchain";
import { describe, expect, it } from "vitest";
import { z } from "zod";

import { UngatedToolsError } from "../../src/errors.ts";
import { assertGated, capfenceMiddleware, CapFenceTool, guardTools } from "../../src/langchain/index.ts";
import { openGate } from "./gate.ts";

const schema = z.object({ path: z.string() });
const named = (name: string) => tool(({ path }) => `${name} ${path}`, { name, schema });
const search = { type: "web_search_20250305", name: "web_search" };

class Kit extends BaseToolkit {
  override tools = [named("one"), named("two")] as unknown as StructuredToolInterface[];
}

const tenantOf = ({ name }: { name: string }) => (name === "read" ? { tenant: "acme" } : undefined);

const ALLOW_ALL = "allow: ['*']\n";

describe("guardTools", () => {
  it("gates every kind of tool in a list, in order, with one runtime", async () => {
    const { runtime, recorded } = openGate(ALLOW_ALL);
    const gated = guardTools(
      [
        named("structured"),
        new DynamicTool({ name: "text", description: "", func: async (input) => input }),
        RunnableLambda.from(({ path }: { path: string }) => path).asTool({ name: "runnable", schema }),
        new Kit(),
      ],
      { runtime, agentId: "tester" },
    );
    expect(gated.map(({ name }) => name)).toEqual(["structured", "text", "runnable", "one", "two"]);
    expect(gated.every((one) => one instanceof CapFenceTool)).toBe(true);
    for (const one of gated) await one.invoke({ path: "a", input: "a" });
    const decisions = (await recorded()).filter(({ kind }) => kind === "decision");
    expect(decisions.map(({ capability }) => capability)).toEqual(gated.map(({ name }) => `${name}.execute`));
  });

  it("opens a toolkit, and a toolkit in a toolkit", () => {
    const { runtime } = openGate();
    const nested = { getTools: () => [new Kit(), named("three")] };
    const gated = guardTools(nested, { runtime, agentId: "tester" });
    expect(gated.map(({ name }) => name)).toEqual(["one", "two", "three"]);
  });

  it.each([
    ["a function", ({ name }: { name: string }) => `files.${name}`, ["files.read", "files.constructor"]],
    ["names", { read: "files.read" }, ["files.read", "constructor.execute"]],
    ["one name", "files.any", ["files.any", "files.any"]],
    ["a function that says nothing", () => undefined, ["read.execute", "constructor.execute"]],
    ["nothing", undefined, ["read.execute", "constructor.execute"]],
  ] as const)("names capabilities by %s", async (_name, capability, expected) => {
    const { runtime, recorded } = openGate(ALLOW_ALL);
    const gated = guardTools([named("read"), named("constructor")], { runtime, agentId: "tester", capability });
    for (const one of gated) await one.invoke({ path: "a" });
    const decisions = (await recorded()).filter(({ kind }) => kind === "decision");
    expect(decisions.map((entry) => entry["capability"])).toEqual(expected);
  });

  it("gives each tool its context", async () => {
    const { runtime, recorded } = openGate(ALLOW_ALL);
    for (const one of guardTools([named("read"), named("write")], { runtime, agentId: "tester", context: tenantOf })) {
      await one.invoke({ path: "a" });
    }
    const decisions = (await recorded()).filter(({ kind }) => kind === "decision");
    expect(decisions.map((entry) => entry["context"])).toEqual([{ tenant: "acme" }, undefined]);
  });

  it.each<readonly [string, unknown, RegExp]>([
    ["a provider's tool", [named("a"), search], /tool 2 \(web_search\): .* run by the model's provider/],
    ["a definition", [{ type: "function", function: { name: "f" } }], /tool 1 \(f\): .*only describes a tool/],
    ["a gated tool", [openless()], /tool 1 \(gated\): .*already/],
    ["a function", [() => "x"], /tool 1 is a function and no tool/],
    ["null", [null], /tool 1 is null/],
    ["no list", "tools", /give a list of tools, or a toolkit/],
    ["an MCP client, whose tools are a promise", { getTools: async () => [] }, /await it first/],
    ["a tool without a schema", [Object.assign(named("bare"), { schema: undefined })], /tool 1 \(bare\): .*no schema/],
    ["a name that makes no capability", [named("my tool")], /"my tool" makes no capability/],
  ])("refuses %s", (_name, tools, message) => {
    const { runtime } = openGate();
    const guard = (): unknown => Reflect.apply(guardTools, undefined, [tools, { runtime, agentId: "tester" }]);
    expect(guard).toThrow(TypeError);
    expect(guard).toThrow(message);
  });

  it.each([
    ["the tool itself", search],
    ["its name", "web_search"],
    ["its type", "web_search_20250305"],
  ])("lets a provider's tool through that is listed by %s", (_name, listed) => {
    const { runtime } = openGate();
    const tools = guardTools([search, named("read")], { runtime, agentId: "tester", ungated: [listed] });
    expect(tools[0]).toBe(search);
    expect(tools[1]).toBeInstanceOf(CapFenceTool);
  });

  it("gates a tool all the same whose name is listed", () => {
    const { runtime } = openGate();
    const [read] = guardTools([named("read")], { runtime, agentId: "tester", ungated: ["read"] });
    expect(read).toBeInstanceOf(CapFenceTool);
  });

  it("gates a thousand tools for one agent", async () => {
    const { runtime, recorded } = openGate(ALLOW_ALL);
    const tools = guardTools(
      Array.from({ length: 1000 }, (_, index) => named(`tool_${index}`)),
      { runtime, agentId: "tester" },
    );
    const calls = [0, 499, 999].map((index) => ({ name: `tool_${index}`, args: { path: "a" }, id: `call-${index}` }));
    const model = fakeModel().respondWithTools(calls).respond(new AIMessage("done"));
    const agent = createAgent({ model, tools });
    assertGated(agent);
    const { messages } = await agent.invoke({ messages: [{ role: "user", content: "go" }] });
    expect(messages.slice(2, 5).map(({ text }) => text)).toEqual(["tool_0 a", "tool_499 a", "tool_999 a"]);
    expect((await recorded()).filter(({ kind }) => kind === "decision")).toHaveLength(3);
  });
});

/** A tool that is gated already, by any copy of the package. */
function openless(): object {
  const gated = named("gated");
  return Object.defineProperty(gated, Symbol.for("capfence.tool"), { value: Object.getPrototypeOf(gated) as unknown });
}

describe("assertGated", () => {
  const model = fakeModel();
  const passing = createMiddleware({ name: "passing", wrapToolCall: (request, handler) => handler(request) });
  const bringing = createMiddleware({ name: "bringing", tools: [named("brought")] });
  const setting = () => {
    const { runtime } = openGate();
    const [read = expect.fail("no tool")] = guardTools([named("read")], { runtime, agentId: "tester" });
    return { runtime, read, ours: capfenceMiddleware({ runtime, agentId: "tester" }) };
  };

  it("is content with gated tools, in lists, toolkits, nodes and agents", () => {
    const { read, ours } = setting();
    for (const subject of [
      read,
      [read, openless()],
      { getTools: () => [read] },
      new ToolNode([read]),
      createAgent({ model, tools: [read] }),
      createAgent({ model, tools: [read], middleware: [passing] }),
      createAgent({ model, tools: [named("write")], middleware: [ours] }),
      createAgent({ model, tools: [named("write")], middleware: [passing, bringing, ours] }),
      createAgent({ model, tools: [] }),
      createAgent({ model, tools: [named("write")], middleware: [ours] }).withConfig({ tags: ["x"] }),
    ]) {
      expect(() => assertGated(subject)).not.toThrow();
    }
  });

  it("names every tool that is not", () => {
    const { read, runtime, ours } = setting();
    const lenient = capfenceMiddleware({ runtime, agentId: "tester", ungated: [search] });
    const odd = Object.assign(named("odd"), { invoke: async () => "around" });
    for (const [subject, tools] of [
      [named("write"), ["write"]],
      [
        [read, named("write"), search],
        ["write", "web_search"],
      ],
      [new ToolNode([read, named("write")]), ["write"]],
      [createAgent({ model, tools: [read, named("write")] }), ["write"]],
      [createAgent({ model, tools: [read], middleware: [bringing] }), ["brought"]],
      [createAgent({ model, tools: [read, search], middleware: [ours] }), ["web_search"]],
      [createAgent({ model, tools: [read, search, { type: "code" }], middleware: [lenient] }), ["code"]],
      [createAgent({ model, tools: [odd], middleware: [ours] }), ["odd"]],
    ] as const) {
      const error = thrownBy(() => assertGated(subject));
      expect(error).toBeInstanceOf(UngatedToolsError);
      expect(error).toMatchObject({ tools, code: "ERR_UNGATED_TOOLS" });
      expect(String(error)).toContain(tools.join(", "));
    }
  });

  it("lets a provider's tool pass that is listed", () => {
    const { read } = setting();
    expect(() => assertGated([read, search], { ungated: ["web_search"] })).not.toThrow();
    expect(() => assertGated([read, named("web_search")], { ungated: ["web_search"] })).toThrow(
      /not gated: web_search/,
    );
  });

  it("wants our middleware to be the last", () => {
    const { ours, read } = setting();
    for (const middleware of [
      [ours, passing],
      [ours, bringing, passing],
    ]) {
      const error = thrownBy(() => assertGated(createAgent({ model, tools: [read], middleware })));
      expect(UngatedToolsError.isInstance(error)).toBe(true);
      expect(String(error)).toMatch(/must be the last middleware; after it comes (?:bringing, )?passing/);
    }
  });

  it.each([[undefined], [null], ["agent"], [{}], [createAgent({ model, tools: [] }).graph]])(
    "refuses what has no tools: %#",
    (subject) => {
      expect(() => Reflect.apply(assertGated, undefined, [subject])).toThrow(TypeError);
    },
  );
});

function thrownBy(run: () => void): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return expect.fail("it did not throw");
}
