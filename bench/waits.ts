/** The longest waits for a decision, while the log is folded and sealed, beside the longest of a bare append + fdatasync. */

import { closeSync, fdatasync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { nodeFiles } from "../src/audit/file/files.ts";
import { listSegments } from "../src/audit/file/segments.ts";
import { ActionEvent, ActionRuntime } from "../src/index.ts";

const OPERATIONS = 30_000;
const SLICE = 250;
/** What a process does first is slow for other reasons. */
const WARM_UP = 1_000;
/** Bytes of an entry like the decision's. */
const LINE = Buffer.alloc(800, "x");

export async function benchWaits(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "capfence-bench-"));
  try {
    const auditLog = join(directory, "audit.db");
    const runtime = ActionRuntime.fromPolicy("policies/demo.yaml", { auditLog });
    const bare = openSync(join(directory, "bare"), "a");
    const subjects = {
      "write + fdatasync": async (): Promise<void> => {
        writeSync(bare, LINE);
        await new Promise((resolve) => fdatasync(bare, resolve));
      },
      "runtime.execute": async (): Promise<void> => {
        const payload = { command: "ls -la /tmp" };
        await runtime.execute(ActionEvent.create({ actor: "bench", action: "execute", resource: "shell", payload }));
      },
    };
    for (let n = 0; n < WARM_UP; n += 1) for (const run of Object.values(subjects)) await run();
    const waits: Record<string, number[]> = {};
    for (let done = 0; done < OPERATIONS; done += SLICE) {
      for (const [name, run] of Object.entries(subjects)) {
        for (let n = 0; n < SLICE; n += 1) {
          const start = performance.now();
          await run();
          (waits[name] ??= []).push(performance.now() - start);
        }
      }
    }
    closeSync(bare);
    await runtime.close();
    const sealed = listSegments(nodeFiles, auditLog).length;
    console.log(`\nWaits of one caller, ${OPERATIONS} each, in milliseconds; ${sealed} segments were sealed meanwhile`);
    for (const [name, each] of Object.entries(waits)) {
      each.sort((left, right) => left - right);
      const at = (part: number): string => (each[Math.ceil(part * each.length) - 1] ?? NaN).toFixed(2).padStart(8);
      console.log(`  ${name.padEnd(20)}half${at(0.5)}   99 %${at(0.99)}   99.9 %${at(0.999)}   longest${at(1)}`);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
}
