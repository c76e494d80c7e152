import {
  DynamicStructuredTool,
  DynamicTool,
  isLangChainTool,
  isRunnableToolLike,
  isStructuredTool,
  StructuredTool,
  Tool,
  tool,
} from "@langchain/core/tools";
import { describe, expect, it } from "vitest";
import { z } from "zod";

import { CapFenceTool } from "../../src/langchain/capfence-tool.ts";
import type { WrappableTool } from "../../src/langchain/inner-tool.ts";
import { openGate } from "./gate.ts";

describe("a wrapped tool is, like the one inside,", () => {
  class Own extends StructuredTool {
    name = "own";
    description = "";
    schema = z.object({});
    protected async _call(): Promise<string> {
      return "done";
    }
  }
  class OwnText extends Tool {
    name = "own";
    description = "";
    protected async _call(): Promise<string> {
      return "done";
    }
  }
  const CLASSES = { StructuredTool, Tool, DynamicTool, DynamicStructuredTool };

  it.each<readonly [string, () => WrappableTool, readonly (keyof typeof CLASSES)[]]>([
    ["tool() for text", () => tool(() => "x", { name: "t" }), ["StructuredTool", "Tool", "DynamicTool"]],
    ["tool()", () => tool(() => "x", { name: "t", schema: z.object({}) }), ["StructuredTool", "DynamicStructuredTool"]],
    ["a class", () => new Own(), ["StructuredTool"]],
    ["a text class", () => new OwnText(), ["StructuredTool", "Tool"]],
  ])("an instance of core's classes: %s", (_name, make, expected) => {
    const gate = openGate();
    for (const subject of [make(), gate.wrap(make())]) {
      const classes = Object.entries(CLASSES).filter(([, type]) => subject instanceof type);
      expect(classes.map(([name]) => name)).toEqual(expected);
    }
    const gated = gate.wrap(make());
    expect(gated).toBeInstanceOf(CapFenceTool);
    expect(gated.constructor).toBe(CapFenceTool);
    expect(make()).not.toBeInstanceOf(CapFenceTool);
    expect(isStructuredTool(gated) && isLangChainTool(gated)).toBe(true);
    expect(isRunnableToolLike(gated)).toBe(false);
  });

  it("shown by its own name and class in graphs", () => {
    const gate = openGate();
    const bare = tool(() => "x", { name: "t", schema: z.object({ path: z.string() }) });
    const gated = gate.wrap(bare);
    expect(gated.lc_id).toEqual(["langchain", "tools", "DynamicStructuredTool"]);
    expect(gated.getGraph().toJSON()).toEqual(bare.getGraph().toJSON());
    expect(gated.toJSONNotImplemented()).toEqual(bare.toJSONNotImplemented());
  });

  it("described by its own namespace, aliases, names of secrets and constructor arguments", () => {
    class Keyed extends Own {
      override lc_serializable = true;
      override get lc_namespace(): string[] {
        return ["acme", "tools"];
      }
      override get lc_secrets(): Record<string, string> {
        return { apiKey: "ACME_KEY" };
      }
      override get lc_aliases(): Record<string, string> {
        return { apiKey: "key" };
      }
      readonly apiKey: string;
      constructor(apiKey: string) {
        super({ tags: ["acme"] });
        this.apiKey = apiKey;
        this.lc_kwargs["apiKey"] = apiKey;
      }
    }
    const gate = openGate();
    const bare = new Keyed("sesame");
    const gated = gate.wrap(bare);
    for (const field of ["lc_namespace", "lc_id", "lc_secrets", "lc_aliases", "lc_serializable"] as const) {
      expect(gated[field], field).toEqual(bare[field]);
    }
    expect(JSON.stringify(gated)).toBe(JSON.stringify(bare));
    expect(gated.lc_kwargs).toEqual({ tags: ["acme"] });

    const schema = z.object({ path: z.string() });
    const plain = tool(() => "x", { name: "t", description: "Reads.", schema, returnDirect: true });
    const wrapped = gate.wrap(plain);
    expect(Object.keys(wrapped.lc_kwargs)).toEqual(Object.keys(plain.lc_kwargs));
    expect(wrapped.lc_kwargs).toEqual({ ...plain.lc_kwargs, func: wrapped.func });
  });

  it("no instance of a class below CapFenceTool that it is not", () => {
    class Below extends CapFenceTool {}
    const gate = openGate();
    const { runtime } = gate;
    const below = new Below({ tool: new Own(), agentId: "tester", runtime });
    expect(below).toBeInstanceOf(Below);
    expect(below).toBeInstanceOf(CapFenceTool);
    expect(gate.wrap(new Own())).not.toBeInstanceOf(Below);
    expect([null, undefined, 7, {}].some((value) => Object(value) instanceof CapFenceTool)).toBe(false);
  });

  it("callable by its func, which is gated and takes its argument as it comes", async () => {
    const gate = openGate();
    const calls: unknown[] = [];
    const structured = gate.wrap(
      tool((args) => void calls.push(args), { name: "t", schema: z.object({ path: z.string() }) }),
    );
    const text = gate.wrap(
      new DynamicTool({ name: "t", description: "", func: async (input) => String(calls.push(input)) }),
    );
    await structured.func?.({ path: 7 });
    await text.func?.("a");
    await expect(structured.func?.({ path: "forbidden" })).rejects.toThrow("Blocked: policy_deny");
    await expect(text.func?.("forbidden")).rejects.toThrow("Blocked: policy_deny");
    expect(gate.wrap(new Own())).not.toHaveProperty("func");
    expect(calls).toEqual([{ path: 7 }, "a"]);
    expect(await gate.judged()).toEqual([{ path: 7 }, { input: "a" }, { path: "forbidden" }, { input: "forbidden" }]);
  });
});
