import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { RunnableLambda } from "@langchain/core/runnables";
import { DynamicStructuredTool, DynamicTool, StructuredTool, Tool, tool } from "@langchain/core/tools";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { z } from "zod";

import { PolicyLoadError } from "../../src/errors.ts";
import { assertGated } from "../../src/langchain/assert-gated.ts";
import { CapFenceTool } from "../../src/langchain/capfence-tool.ts";
import type { WrappableTool } from "../../src/langchain/inner-tool.ts";
import { openGate, type Gate } from "./gate.ts";

const schema = z.object({ path: z.string() });
const plain = () => tool(() => "done", { name: "plain", schema });

class Base extends StructuredTool<typeof schema> {
  name = "base";
  description = "";
  schema = schema;
  protected async _call(): Promise<string> {
    return "done";
  }
}

class OwnInvoke extends Base {
  override async invoke(): Promise<never> {
    throw new Error("unreachable");
  }
}

class BelowOwnInvoke extends OwnInvoke {}

class OwnStream extends Base {
  override async *_streamIterator(): AsyncGenerator<never> {}
}

class OwnCall extends DynamicTool {
  override async call(): Promise<never> {
    throw new Error("unreachable");
  }
}

/** Gives a class the name of another one. */
function named<T extends object>(name: string, type: T): T {
  return Object.defineProperty(type, "name", { value: name });
}

/** Classes of a host that are called like core's. */
class HostTool extends StructuredTool<typeof schema> {
  name = "host";
  description = "";
  schema = schema;
  override async call(): Promise<never> {
    throw new Error("unreachable");
  }
  protected async _call(): Promise<string> {
    return "done";
  }
}
named("Tool", HostTool);

class HostStructuredTool extends Base {
  override async invoke(): Promise<never> {
    throw new Error("unreachable");
  }
}
named("StructuredTool", HostStructuredTool);

const standardSchema = { "~standard": { version: 1, vendor: "valibot", validate: () => ({ value: {} }) } };
const callableSchema = Object.assign(() => ({}), standardSchema);

function withSchema(other: unknown): WrappableTool {
  return Object.assign(plain(), { schema: other });
}

/** The check is at run time too: JavaScript callers, and types that lie. */
const untyped = (value: unknown): WrappableTool => Object(value);

describe("a tool that cannot be wrapped without changing it", () => {
  it.each<readonly [string, () => WrappableTool, RegExp]>([
    ["nothing", () => Reflect.get({}, "nothing"), /tool must be a LangChain tool/],
    ["a string", () => Reflect.get({ tool: "shell" }, "tool"), /tool must be a LangChain tool/],
    ["a function", () => Reflect.get({ tool: () => "done" }, "tool"), /tool must be a LangChain tool/],
    ["a plain object", () => untyped({ name: "x", schema }), /made with tool\(\) or a class that extends/],
    ["a provider's tool", () => untyped({ type: "web_search_20250305", name: "web_search" }), /model's provider/],
    ["an OpenAI definition", () => untyped({ type: "function", function: { name: "x" } }), /only describes a tool/],
    ["an Anthropic definition", () => untyped({ name: "x", input_schema: {} }), /only describes a tool/],
    ["a runnable", () => untyped(RunnableLambda.from(() => "x")), /turn a runnable into a tool with asTool\(\)/],
    ["a bound tool", () => untyped(plain().withConfig({})), /withConfig, pipe or withRetry on the wrapper/],
    ["a look-alike", () => untyped({ name: "x", schema, lc_namespace: [], _call: () => "x" }), /not a LangChain tool/],
    ["no schema", () => withSchema(undefined), /no schema/],
    ["valibot", () => withSchema(standardSchema), /neither zod nor JSON Schema/],
    ["arktype", () => withSchema(callableSchema), /neither zod nor JSON Schema/],
    ["a class with its own invoke", () => new OwnInvoke(), /its own invoke/],
    ["a class below one with its own invoke", () => new BelowOwnInvoke(), /its own invoke/],
    ["a class with its own stream", () => new OwnStream(), /its own _streamIterator/],
    [
      "a class with its own call",
      () => new OwnCall({ name: "x", description: "", func: async () => "done" }),
      /its own call/,
    ],
    ["an instance with its own invoke", () => Object.assign(plain(), { invoke: async () => "x" }), /its own invoke/],
    ["an instance with its own batch", () => Object.assign(plain(), { batch: async () => [] }), /its own batch/],
    ["a host's class called Tool", () => new HostTool(), /its own call/],
    ["a host's class called StructuredTool", () => new HostStructuredTool(), /its own invoke/],
    [
      "a runnable tool with its own invoke",
      () => {
        const runnable = RunnableLambda.from(() => "x").asTool({ name: "x", schema });
        return Object.assign(runnable, { invoke: async () => "x" });
      },
      /its own invoke/,
    ],
  ])("is refused: %s", (_name, make, message) => {
    const gate = openGate();
    const wrap = (): unknown => gate.wrap(make());
    expect(wrap).toThrow(TypeError);
    expect(wrap).toThrow(message);
  });

  it("is refused when it is wrapped already, by this or another copy of the package", async () => {
    const gate = openGate();
    const once = gate.wrap(plain());
    expect(() => gate.wrap(once)).toThrow(/CapFenceTool already/);
    vi.resetModules();
    const copy = await import("../../src/langchain/capfence-tool.ts");
    expect(copy.CapFenceTool).not.toBe(CapFenceTool);
    const { runtime } = gate;
    const foreign = new copy.CapFenceTool({ tool: plain(), agentId: "tester", runtime });
    expect(() => gate.wrap(foreign)).toThrow(/CapFenceTool already/);
    expect(() => assertGated(foreign)).not.toThrow();
    expect(() => gate.wrap(Object.assign(once, { invoke: async () => "x" }))).toThrow(/a way into it was replaced/);
  });
});

describe("a tool from another copy of core", () => {
  /** Core's classes again, as another copy has them: equal names, other identities. */
  class Foreign {
    readonly lc_namespace = ["langchain", "tools"];
    toJSON(): object {
      return { lc: 1, type: "not_implemented", id: ["langchain", "tools", "DynamicTool"] };
    }
  }
  class ForeignStructured extends named("BaseLangChain", class extends Foreign {}) {
    async invoke(): Promise<string> {
      throw new Error("unreachable");
    }
    async call(): Promise<string> {
      throw new Error("unreachable");
    }
  }
  class ForeignText extends named("StructuredTool", ForeignStructured) {
    readonly schema = z.object({ input: z.string().optional() }).transform((args) => args.input);
    override async call(): Promise<string> {
      throw new Error("unreachable");
    }
  }
  class ForeignDynamic extends named("Tool", ForeignText) {
    static lc_name(): string {
      return "DynamicTool";
    }
    readonly name = "foreign";
    readonly description = "From elsewhere.";
    override async call(): Promise<string> {
      throw new Error("unreachable");
    }
    async _call(input: string): Promise<string> {
      return `read ${input}`;
    }
  }

  it("is wrapped like one of ours, its text and its run name included", async () => {
    const gate = openGate();
    const gated = gate.wrap(new ForeignDynamic());
    const names: unknown[] = [];
    const handler = {
      name: "h",
      awaitHandlers: true,
      handleToolStart: (...args: unknown[]) => void names.push(args[6]),
    };
    expect(await gated.invoke("a", { callbacks: [handler] })).toBe("read a");
    expect(names).toEqual(["foreign"]);
    await expect(gated.invoke("forbidden")).rejects.toThrow("Blocked: policy_deny");
  });
});

describe("when a bundler has renamed core's classes", () => {
  const renamed = [StructuredTool, Tool, DynamicTool, DynamicStructuredTool];
  const names = renamed.map(({ name }) => name);
  beforeAll(() => renamed.forEach((type, index) => named(`e${index}`, type)));
  afterAll(() => renamed.forEach((type, index) => named(names[index] ?? "", type)));

  it("the one copy there is still is known", async () => {
    const gate = openGate();
    expect(await gate.wrap(new Base()).invoke({ path: "a" })).toBe("done");
    const text = new DynamicTool({ name: "text", description: "", func: async (input) => input });
    expect(await gate.wrap(text).invoke("a")).toBe("a");
    expect(() => gate.wrap(new OwnInvoke())).toThrow(/its own invoke/);
  });
});

describe("a class of a host that is called like one of core's", () => {
  it("is taken for what it is when it only adds a _call", async () => {
    const gate = openGate();
    class Mine extends StructuredTool<typeof schema> {
      name = "mine";
      description = "";
      schema = schema;
      protected async _call({ path }: { path: string }): Promise<string> {
        return `read ${path}`;
      }
    }
    const gated = gate.wrap(new (named("Tool", Mine))());
    expect(await gated.invoke({ path: "a" })).toBe("read a");
    await expect(gated.invoke("a")).rejects.toThrow(/did not match expected schema/);
  });
});

describe("the options", () => {
  const noRuntime = { runtime: undefined };

  it.each<readonly [string, (scene: Gate) => object, RegExp]>([
    ["neither policy nor runtime", () => noRuntime, /exactly one of policyPath and runtime/],
    ["both policy and runtime", ({ policyPath }) => ({ policyPath }), /exactly one of policyPath and runtime/],
    ["a log beside a runtime", ({ auditLog }) => ({ auditLog }), /auditLog goes with policyPath/],
    ["an unknown name", () => ({ capabilty: "a.b" }), /unknown option capabilty/],
    ["no agent", () => ({ agentId: undefined }), /agentId must be a non-empty string/],
    ["an empty agent", () => ({ agentId: "" }), /agentId must be a non-empty string/],
    ["a long agent", () => ({ agentId: "x".repeat(2000) }), /longer than/],
    ["an empty policy path", () => ({ ...noRuntime, policyPath: "" }), /policyPath must be/],
    ["an empty log path", ({ policyPath }) => ({ ...noRuntime, policyPath, auditLog: "" }), /auditLog must be/],
    ["a runtime that is none", () => ({ runtime: {} }), /runtime must be an ActionRuntime/],
    ["a runtime that is null", () => ({ runtime: null }), /runtime must be an ActionRuntime/],
    ["a capability with a star", () => ({ capability: "a.*" }), /capability must be segments/],
    ["a capability with an empty segment", () => ({ capability: "a..b" }), /capability must be segments/],
    ["a capability that is no text", () => ({ capability: 7 }), /capability must be segments/],
    [
      "a name that makes no capability",
      () => ({ tool: tool(() => "x", { name: "my tool", schema }) }),
      /"my tool" makes no capability; give the option capability/,
    ],
    [
      "a context that is no JSON",
      () => ({ context: { role: () => "admin" } }),
      /context must be plain JSON \(role: a function\)/,
    ],
    ["an empty environment", () => ({ environment: "" }), /environment must be a non-empty string/],
    ["another onBlocked", () => ({ onBlocked: "ignore" }), /onBlocked must be "throw" or "message"/],
  ])("are refused: %s", (_name, overrides, message) => {
    const scene = openGate();
    const options = { tool: plain(), agentId: "tester", runtime: scene.runtime, ...overrides(scene) };
    const wrap = (): unknown => Reflect.construct(CapFenceTool, [options]);
    expect(wrap).toThrow(TypeError);
    expect(wrap).toThrow(message);
  });

  it.each([undefined, null, "shell"])("are refused: %s", (options) => {
    expect(() => Reflect.construct(CapFenceTool, [options])).toThrow(/options must be an object/);
  });

  it("with a bad policy throw PolicyLoadError at once", () => {
    const { directory, auditLog } = openGate();
    const bad = join(directory, "bad.yaml");
    writeFileSync(bad, "allow: [{ capability: shell.execute, contians: x }]\n");
    for (const policyPath of [bad, join(directory, "missing.yaml"), directory]) {
      expect(() => new CapFenceTool({ tool: plain(), agentId: "tester", policyPath, auditLog })).toThrow(
        PolicyLoadError,
      );
    }
  });

  it.each([
    [undefined, { resource: "plain", action: "execute", capability: "plain.execute" }],
    ["unit.run", { resource: "unit", action: "run", capability: "unit.run" }],
    ["db.table.read", { resource: "db.table", action: "read", capability: "db.table.read" }],
    ["shell", { resource: "shell", action: "execute", capability: "shell" }],
  ])("make the event: capability %s", async (capability, expected) => {
    const { recorded, runtime } = openGate();
    const gated = new CapFenceTool({ tool: plain(), agentId: "tester", runtime, capability });
    await gated.invoke({ path: "a" }).catch(() => "refused, and recorded all the same");
    expect((await recorded())[0]).toMatchObject({ ...expected, actor: "tester", environment: "production" });
  });

  it("take a copy of the context", async () => {
    const { wrap, recorded } = openGate();
    const context = { user_role: "reader" };
    const gated = wrap(plain(), { context, environment: "staging" });
    context.user_role = "admin";
    await gated.invoke({ path: "a" });
    expect((await recorded())[0]).toMatchObject({ context: { user_role: "reader" }, environment: "staging" });
  });

  it("leave the tool's own later changes to the host", async () => {
    const { wrap } = openGate();
    const inner = new DynamicTool({ name: "x", description: "", func: async () => "old" });
    const gated = wrap(inner);
    inner.func = async () => "new";
    inner.name = "renamed";
    expect(await gated.invoke("a")).toBe("new");
    expect(gated.name).toBe("x");
    await expect(gated.invoke("forbidden")).rejects.toThrow("Blocked");
  });
});

const refused = (): CapFenceTool => openGate().wrap(plain(), { onBlocked: "message" });

describe("a message for a refused call", () => {
  const text = "Blocked by policy: policy_deny. The same call will be refused again.";
  const args = { path: "forbidden" };

  it("is text where there is no tool-call id", async () => {
    const gated = refused();
    expect(await gated.invoke(args)).toBe(text);
    expect(await gated.call(args)).toBe(text);
    expect(await gated.invoke({ type: "tool_call", id: "", name: "plain", args })).toBe(text);
    expect(await gated.invoke({ type: "tool_call", name: "plain", args })).toBe(text);
  });

  it("is an error ToolMessage where there is one, and holds no arguments", async () => {
    const gated = refused();
    const toolCall = { type: "tool_call", id: "call-1", name: "other", args } as const;
    for (const message of [
      await gated.invoke(toolCall),
      await gated.invoke(args, { toolCall }),
      await gated.call(toolCall),
      await gated.call({ ...toolCall, id: "" }, { toolCall }),
    ]) {
      expect(message).toMatchObject({ content: text, status: "error", name: "plain", tool_call_id: "call-1" });
      expect(JSON.stringify(message)).not.toContain("forbidden");
    }
  });

  it("shows an error in the trace", async () => {
    const gated = refused();
    const seen: string[] = [];
    const handler = {
      name: "h",
      awaitHandlers: true,
      handleToolEnd: () => void seen.push("end"),
      handleToolError: (error: unknown) => void seen.push(String(error)),
    };
    await gated.invoke(args, { callbacks: [handler] });
    expect(seen).toEqual(["AgentActionBlocked: Blocked: policy_deny"]);
  });

  it("names the reason when no rule matched", async () => {
    const { wrap } = openGate("allow: [other.thing]\n");
    expect(await wrap(plain(), { onBlocked: "message" }).invoke({ path: "a" })).toContain("policy_default_deny");
  });

  it("keeps content_and_artifact tools answering", async () => {
    const { wrap } = openGate();
    class Pair extends Tool {
      name = "pair";
      description = "";
      override responseFormat = "content_and_artifact";
      protected async _call(): Promise<[string, number]> {
        return ["content", 7];
      }
    }
    expect(await wrap(new Pair(), { onBlocked: "message" }).invoke("forbidden")).toBe(text);
  });
});
