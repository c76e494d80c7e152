/** What approvals cost: nothing where no rule asks, and no more in a long log than in a short one. */

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { tailPath } from "../src/audit/file/tail-file.ts";
import { ActionEvent, ActionRuntime, Policy } from "../src/index.ts";
import { measure, report, shuffled, type Subject } from "./measure.ts";

const SIZES = [100, 100_000];
const ROUNDS = 25;
const FIRST_ROUNDS = 9;

const WITHOUT = Policy.parse("allow:\n  - shell.execute\n");
const WITH = Policy.parse("require_approval:\n  - pay.send\nallow:\n  - shell.execute\n");

/** The same calls in a log of 100 entries and in one of 100,000, in turns. */
export async function benchApprovals(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "capfence-bench-"));
  try {
    const logs = SIZES.map((size) => ({ size, auditLog: join(directory, `${size}.db`) }));
    for (const { size, auditLog } of logs) await fill(auditLog, size);
    const runtimes = logs.flatMap(({ size, auditLog }) => {
      const [without, asking] = [WITHOUT, WITH].map((policy) => ActionRuntime.fromPolicy(policy, { auditLog }));
      return without === undefined || asking === undefined ? [] : [{ size, without, asking }];
    });
    const subjects = runtimes.flatMap(({ size, without, asking }): Subject[] => [
      { name: `${size} entries: allowed, no rule asks`, run: async (times) => await repeat(times, without, "shell") },
      { name: `${size} entries: allowed, other rules ask`, run: async (times) => await repeat(times, asking, "shell") },
      { name: `${size} entries: joins what waits`, run: async (times) => await repeat(times, asking, "pay") },
    ]);
    report("Approvals, a durable decision each", "µs", await measure(subjects, ROUNDS, 50));
    for (const { without, asking } of runtimes) await Promise.all([without.close(), asking.close()]);
    await firstOnes(logs);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function fill(auditLog: string, size: number): Promise<void> {
  const runtime = ActionRuntime.fromPolicy(WITH, { auditLog });
  await decide(runtime, "pay");
  let left = size;
  const caller = async (): Promise<void> => {
    for (; left > 0; left -= 1) await decide(runtime, "shell");
  };
  await Promise.all(Array.from({ length: 64 }, caller));
  while (existsSync(tailPath(auditLog))) await sleep(100);
  await runtime.close();
}

/** The first call that needs approval reads the log back to where it says what is open; the first allowed one need not. */
async function firstOnes(logs: readonly { readonly size: number; readonly auditLog: string }[]): Promise<void> {
  console.log("\nOpening the log and its first decision, median");
  const times = new Map<string, number[]>();
  const kinds = logs.flatMap((log) => (["shell", "pay"] as const).map((resource) => ({ ...log, resource })));
  for (let round = 0; round < FIRST_ROUNDS; round += 1) {
    for (const { size, auditLog, resource } of shuffled(kinds)) {
      const start = performance.now();
      const runtime = ActionRuntime.fromPolicy(WITH, { auditLog });
      await decide(runtime, resource);
      const took = performance.now() - start;
      await runtime.close();
      const name = `${size} entries: ${resource === "shell" ? "allowed" : "joins what waits"}`;
      times.set(name, [...(times.get(name) ?? []), took]);
    }
  }
  for (const [name, all] of times) {
    const median = all.toSorted((left, right) => left - right)[Math.floor(all.length / 2)] ?? NaN;
    console.log(`  ${name.padEnd(46)}${median.toFixed(1).padStart(9)} ms`);
  }
}

async function repeat(times: number, runtime: ActionRuntime, resource: "shell" | "pay"): Promise<void> {
  for (let index = 0; index < times; index += 1) await decide(runtime, resource);
}

async function decide(runtime: ActionRuntime, resource: "shell" | "pay"): Promise<void> {
  const action = resource === "shell" ? "execute" : "send";
  await runtime.execute(ActionEvent.create({ actor: "bench", action, resource, payload: { command: "ls -la /tmp" } }));
}
