import { execFileSync, spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { verifyLog } from "../../src/audit/verify.ts";
import { compiled } from "../compiled.ts";
import { emptyDatabase } from "../postgres/database.ts";
import type { GraphOrders, GraphState } from "./graph-process.ts";

const SCRIPT = await compiled("__tests__/langchain/graph-process.ts");
const CLI = await compiled("src/cli/bin.ts");
const POLICY = "require_approval:\n  - pay.send\n";

const database = await emptyDatabase();

let directory: string;
const children: ChildProcessByStdio<Writable, Readable, null>[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "capfence-graphs-"));
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(directory, { recursive: true });
});

interface GraphProcess {
  readonly begin: () => void;
  readonly ended: () => Promise<readonly GraphState[]>;
}

/** Starts a process; one that resumes begins when it is told to. */
async function graph(more: Partial<GraphOrders> = {}): Promise<GraphProcess> {
  const files = { auditLog: join(directory, "audit.db"), counter: join(directory, "counter") };
  const orders: GraphOrders = { database: database ?? "", policy: POLICY, ...files, ...more };
  const child = spawn(process.execPath, [SCRIPT, JSON.stringify(orders)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  children.push(child);
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  const closed = once(child, "close");
  while (more.resume !== undefined && !out.includes("ready")) {
    await Promise.race([once(child.stdout, "data"), closed]);
    if (child.exitCode !== null) throw new Error("it ended before it was ready");
  }
  return {
    begin: () => void child.stdin.write("begin\n"),
    ended: async () => {
      await closed;
      expect(child.exitCode).toBe(0);
      const lines = out.split("\n").filter((line) => line.startsWith("{"));
      return lines.map((line) => JSON.parse(line) as GraphState);
    },
  };
}

function capfence(...argv: readonly string[]): string {
  const line = [CLI, ...argv, "--audit-log", join(directory, "audit.db")];
  return execFileSync(process.execPath, line, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
}

function count(): number {
  const counter = join(directory, "counter");
  return existsSync(counter) ? readFileSync(counter, "utf8").length : 0;
}

describe.skipIf(database === undefined)("a run whose checkpoints lie in PostgreSQL", { timeout: 90_000 }, () => {
  it("pauses in one process, is approved by another, and resumes in four at once, fifty times: it runs once", async () => {
    const [started] = await (await graph()).ended();
    const id = started?.waits[0] ?? "";
    expect(started).toEqual({ waits: [id], answers: [] });

    const early = await graph({ resume: { id } });
    early.begin();
    expect(await early.ended()).toEqual([{ waits: [id], answers: [] }]);
    expect(count()).toBe(0);

    expect(capfence("approve", id, "--by", "alice", "--yes")).toBe("Approved. It may run once.\n");
    const resumed = await Promise.all([13, 13, 12, 12].map(async (times) => await graph({ resume: { id }, times })));
    for (const { begin } of resumed) begin();
    const states = (await Promise.all(resumed.map(async ({ ended }) => await ended()))).flat();
    expect(count()).toBe(1);
    expect(states.filter(({ answers }) => answers.includes("paid 2500")).length).toBeGreaterThan(0);
    expect(await verifyLog(join(directory, "audit.db"))).toMatchObject({ intact: true, withoutOutcome: 0 });
  });
});
