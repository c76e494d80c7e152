/** What a durable decision costs beside a bare append + fdatasync of the same bytes. */

import { closeSync, fdatasync, fdatasyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ActionEvent, ActionRuntime } from "../src/index.ts";
import { measure, report } from "./measure.ts";

const POLICY = "policies/demo.yaml";

/** Durable decisions, one after another and many at once. */
export async function benchAudit(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "capfence-bench-"));
  try {
    const auditLog = join(directory, "audit.db");
    const runtime = ActionRuntime.fromPolicy(POLICY, { auditLog });
    const decide = async (): Promise<void> => {
      await runtime.execute(
        ActionEvent.create({
          actor: "bench",
          action: "execute",
          resource: "shell",
          payload: { command: "ls -la /tmp" },
        }),
      );
    };
    await decide();
    const line = lastLine(`${auditLog}-tail`);
    const bare = openSync(join(directory, "bare"), "a");
    const timings = await measure(
      [
        {
          name: "write + fdatasync, asynchronous",
          run: async (times) => {
            for (let index = 0; index < times; index += 1) {
              writeSync(bare, line);
              await new Promise((resolve) => fdatasync(bare, resolve));
            }
          },
        },
        {
          name: "write + fdatasync, blocking",
          run: (times) => {
            for (let index = 0; index < times; index += 1) {
              writeSync(bare, line);
              fdatasyncSync(bare);
            }
          },
        },
        {
          name: "runtime.execute, one caller",
          run: async (times) => {
            for (let index = 0; index < times; index += 1) await decide();
          },
        },
        {
          name: "runtime.execute, 8 callers",
          run: async (times) => await callers(8, times, decide),
        },
        {
          name: "runtime.execute, 64 callers",
          run: async (times) => await callers(64, times, decide),
        },
      ],
      25,
      192,
    );
    report(`A durable decision (${line.length} bytes an entry)`, "µs", timings);
    closeSync(bare);
    await runtime.close();
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function callers(count: number, times: number, decide: () => Promise<void>): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, async () => {
      for (let index = 0; index < times / count; index += 1) await decide();
    }),
  );
}

function lastLine(path: string): Buffer {
  return Buffer.from(`${readFileSync(path, "utf8").trimEnd().split("\n").at(-1)}\n`);
}
