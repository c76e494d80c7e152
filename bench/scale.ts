/** What becomes of a log that grows: appending, opening, memory, verification; and of one that several processes write. */

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import initSqlJs from "sql.js";

import { nodeFiles } from "../src/audit/file/files.ts";
import { listSegments } from "../src/audit/file/segments.ts";
import { tailPath } from "../src/audit/file/tail-file.ts";
import { verifyLog } from "../src/audit/verify.ts";
import { ActionEvent, ActionRuntime } from "../src/index.ts";

/** Entries of the largest log. */
const LARGEST = Number(process.env["BENCH_ENTRIES"] ?? 1_000_000);

export async function benchScale(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "capfence-bench-"));
  try {
    await processes(directory);
    await growth(join(directory, "audit.db"));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** One log and the same number of entries each time, so that as much is folded. */
async function processes(directory: string): Promise<void> {
  console.log("\nSeveral processes, one caller each, one log");
  for (const warmUp of [0, 8_000]) {
    const rates: Record<number, number[]> = { 1: [], 2: [], 4: [] };
    for (let round = 0; round < 5; round += 1) {
      for (const [count, each] of Object.entries(rates)) {
        const log = join(directory, `processes-${warmUp}-${count}-${round}.db`);
        each.push(await rateOf(Number(count), log, warmUp));
      }
    }
    console.log(`  each process after ${warmUp} appends of its own:`);
    const one = middle(rates[1] ?? []);
    for (const [count, each] of Object.entries(rates)) {
      const rate = middle(each);
      console.log(`    ${count} processes: ${rate.toFixed(0)} appends/s, ${(rate / one).toFixed(2)} times one process`);
    }
  }
}

const APPENDS = 8_000;

async function rateOf(count: number, log: string, warmUp: number): Promise<number> {
  const children = Array.from({ length: count }, () => startAppender(log, APPENDS / count, 1, warmUp));
  await Promise.all(children.map(async ({ ready }) => await ready));
  const start = performance.now();
  for (const { go } of children) go();
  await Promise.all(children.map(async ({ done }) => await done));
  return (APPENDS * 1000) / (performance.now() - start);
}

function middle(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[values.length >> 1] ?? NaN;
}

interface Opened {
  /** Milliseconds from making the runtime to its first decision. */
  readonly opened: number;
  /** Bytes resident then, and before, with the package only imported. */
  readonly memory: number;
  readonly idle: number;
}

function startAppender(
  log: string,
  count: number,
  callers: number,
  warmUp = 0,
): { readonly ready: Promise<Opened>; readonly go: () => void; readonly done: Promise<unknown> } {
  const script = join(import.meta.dirname, "appender.mjs");
  const child = spawn(process.execPath, [script, log, String(count), String(callers), String(warmUp)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines: ((line: string) => void)[] = [];
  const line = async (): Promise<string> => await new Promise((resolve) => lines.push(resolve));
  const ready = line().then((text) => JSON.parse(text) as Opened);
  const done = line();
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString("utf8");
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
      lines.shift()?.(text.slice(0, end));
      text = text.slice(end + 1);
    }
  });
  return { ready, go: () => void child.stdin.write("go\n"), done };
}

async function growth(auditLog: string): Promise<void> {
  console.log("\nA log that grows (one caller's append; opening it in a new process, its first decision included)");
  const runtime = ActionRuntime.fromPolicy("policies/demo.yaml", { auditLog });
  let entries = 0;
  let first = 0;
  for (let size = 1_000; size <= LARGEST; size *= 10) {
    await Promise.all(
      Array.from({ length: 64 }, async () => {
        for (; entries < size; entries += 1) await decide(runtime);
      }),
    );
    // What is measured is a log of this size, and not the folding of what 64 callers have just appended.
    while (existsSync(tailPath(auditLog))) await sleep(100);
    const slices: number[] = [];
    for (let slice = 0; slice < 21; slice += 1) {
      const start = performance.now();
      for (let index = 0; index < 50; index += 1) await decide(runtime);
      slices.push(((performance.now() - start) * 1000) / 50);
    }
    const median = slices.toSorted((left, right) => left - right)[10] ?? NaN;
    if (first === 0) first = median;
    const opened = startAppender(auditLog, 0, 1);
    const { opened: ms, memory, idle } = await opened.ready;
    await opened.done;
    console.log(
      `  ${String(size).padStart(9)} entries: ${median.toFixed(0)} µs an append (${(median / first).toFixed(2)} times), ` +
        `opened in ${ms.toFixed(0)} ms with ${mebibytes(memory)} MiB, of which ` +
        `${mebibytes(idle)} before`,
    );
  }
  await runtime.close();
  await verification(auditLog);
}

async function decide(runtime: ActionRuntime): Promise<void> {
  const payload = { command: "ls -la /tmp" };
  await runtime.execute(ActionEvent.create({ actor: "bench", action: "execute", resource: "shell", payload }));
}

async function verification(path: string): Promise<void> {
  const sql = await initSqlJs();
  const log = listSegments(nodeFiles, path);
  const floor = (): number => {
    let rows = 0;
    for (const file of [...log.map((segment) => segment.path), path]) {
      const database = new sql.Database(nodeFiles.readFile(file));
      const statement = database.prepare("SELECT seq, hash, body FROM entries ORDER BY seq");
      while (statement.step()) {
        const [, , body] = statement.get();
        createHash("sha256").update(String(body)).digest("hex");
        JSON.parse(String(body));
        rows += 1;
      }
      statement.free();
      database.close();
    }
    return rows;
  };
  const times: { floor: number[]; verify: number[] } = { floor: [], verify: [] };
  let rows = 0;
  for (let round = 0; round < 3; round += 1) {
    let start = performance.now();
    rows = floor();
    times.floor.push(performance.now() - start);
    start = performance.now();
    const report = await verifyLog(path);
    times.verify.push(performance.now() - start);
    if (!report.intact) throw new Error(JSON.stringify(report.problems));
  }
  const [bare = NaN, verify = NaN] = [times.floor, times.verify].map((all) => all.toSorted((a, b) => a - b)[1]);
  console.log(
    `\nVerifying ${rows} entries: ${(verify / 1000).toFixed(1)} s; reading the rows, SHA-256 and JSON.parse alone ` +
      `${(bare / 1000).toFixed(1)} s; ratio ${(verify / bare).toFixed(2)}; ${mebibytes(process.memoryUsage.rss())} MiB`,
  );
}

function mebibytes(bytes: number): string {
  return (bytes / 1_048_576).toFixed(0);
}
