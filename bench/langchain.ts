/** What the gate costs an allowed call, beside the two durable appends it cannot do without. */

import { closeSync, fdatasync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { tool } from "@langchain/core/tools";
import { z } from "zod";

import { ActionRuntime, CapFenceTool } from "../src/index.ts";
import { measure, report } from "./measure.ts";

const ARGS = { command: "ls -la /tmp" };

/** An allowed `tool.invoke` with its durable log: the decision before the tool runs, and the outcome after. */
export async function benchLangchain(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "capfence-bench-"));
  try {
    const auditLog = join(directory, "audit.db");
    const runtime = ActionRuntime.fromPolicy("policies/demo.yaml", { auditLog });
    const bare = tool(({ command }) => `ran ${command}`, {
      name: "shell",
      schema: z.object({ command: z.string() }),
    });
    const gated = new CapFenceTool({ tool: bare, agentId: "bench", capability: "shell.execute", runtime });
    await gated.invoke({ ...ARGS });
    const [decision = Buffer.alloc(0), outcome = Buffer.alloc(0)] = lastLines(`${auditLog}-tail`, 2);
    const file = openSync(join(directory, "bare"), "a");
    const append = async (line: Buffer): Promise<void> => {
      writeSync(file, line);
      await new Promise((resolve) => fdatasync(file, resolve));
    };
    const timings = await measure(
      [
        {
          name: "bare invoke, two appends with fdatasync",
          run: async (times) => {
            for (let index = 0; index < times; index += 1) {
              await append(decision);
              await bare.invoke({ ...ARGS });
              await append(outcome);
            }
          },
        },
        {
          name: "gated invoke",
          run: async (times) => {
            for (let index = 0; index < times; index += 1) await gated.invoke({ ...ARGS });
          },
        },
        {
          name: "bare invoke alone",
          run: async (times) => {
            for (let index = 0; index < times; index += 1) await bare.invoke({ ...ARGS });
          },
        },
      ],
      25,
      96,
    );
    report("An allowed tool.invoke with a durable log", "µs", timings);
    const [appends = NaN, gatedTime = NaN, alone = NaN] = timings.map(({ median }) => median);
    const overhead = ((gatedTime - alone) / (appends - alone)).toFixed(2);
    console.log(`  beyond the unwrapped call: ${overhead} times the two appends`);
    closeSync(file);
    await runtime.close();
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The last lines of a file, from the first to the last of them. */
function lastLines(path: string, count: number): Buffer[] {
  const lines = readFileSync(path, "utf8").trimEnd().split("\n").slice(-count);
  return lines.map((line) => Buffer.from(`${line}\n`));
}
