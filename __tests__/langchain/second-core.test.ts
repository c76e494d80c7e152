import { cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

import * as ours from "@langchain/core/tools";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";

import { guardTools } from "../../src/langchain/guard-tools.ts";
import { capfenceMiddleware } from "../../src/langchain/middleware.ts";
import { expectAgentGated, expectGated, type ToolFactory } from "../../src/testing/index.ts";
import { openGate } from "./gate.ts";

type Core = Pick<typeof ours, "tool" | "DynamicTool" | "StructuredTool">;

/** A second copy of `@langchain/core` on disk, as package managers leave them in a tree. */
const directory = realpathSync(mkdtempSync(join(tmpdir(), "capfence-core-")));
const second = join(directory, "node_modules", "@langchain", "core");
let theirs: Core;

beforeAll(async () => {
  const first = dirname(createRequire(import.meta.url).resolve("@langchain/core/package.json"));
  const installed = join(first, "..", "..");
  mkdirSync(dirname(second), { recursive: true });
  cpSync(first, second, { recursive: true, filter: (path) => !/\.(?:map|cjs|cts|d\.ts)$/.test(path) });
  for (const name of readdirSync(installed)) {
    if (name.startsWith("@langchain") || name.startsWith(".")) continue;
    symlinkSync(join(installed, name), join(directory, "node_modules", name), "junction");
  }
  theirs = (await import(pathToFileURL(join(second, "dist", "tools", "index.js")).href)) as Core;
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const schema = z.object({ path: z.string() });
const structured = { allowed: { path: "/srv/a" }, denied: { path: "/srv/forbidden" } };

const factories = (): ToolFactory[] => {
  class Reads extends theirs.StructuredTool<typeof schema> {
    name = "reads";
    description = "Reads.";
    schema = schema;
    calls: unknown[] = [];
    protected async _call(args: { path: string }): Promise<string> {
      this.calls.push(args);
      return `read ${args.path}`;
    }
  }
  return [
    {
      name: "tool()",
      ...structured,
      make: (calls) =>
        theirs.tool(
          (args) => {
            calls.push(args);
            return `read ${args.path}`;
          },
          { name: "read", schema },
        ),
    },
    {
      name: "DynamicTool",
      allowed: { input: "a" },
      denied: { input: "forbidden" },
      make: (calls) =>
        new theirs.DynamicTool({
          name: "text",
          description: "",
          func: async (input) => {
            calls.push(input);
            return `read ${input}`;
          },
        }),
    },
    { name: "a class", ...structured, make: (calls) => Object.assign(new Reads(), { calls }) },
  ];
};

describe("tools of a second copy of core in the tree", () => {
  it("are of other classes than ours", () => {
    for (const factory of factories()) expect(factory.make([])).not.toBeInstanceOf(ours.StructuredTool);
  });

  it("are gated by guardTools", async () => {
    const { runtime } = openGate();
    const options = { runtime, agentId: "tester", capability: "unit.run" };
    await expectGated((tool) => guardTools([tool], options)[0] ?? {}, { tools: factories() });
  });

  it("are gated by capfenceMiddleware", async () => {
    const { runtime } = openGate();
    const gate = capfenceMiddleware({ runtime, agentId: "tester", capability: "unit.run" });
    await expectAgentGated((agent) => ({ tools: agent.tools, middleware: [...agent.middleware, gate] }), {
      tools: factories(),
    });
  });
});
