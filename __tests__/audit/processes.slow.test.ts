import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

import { expect, it, onTestFinished } from "vitest";

import { readEntries } from "../../src/audit/read.ts";
import { verifyLog } from "../../src/audit/verify.ts";
import { compiled } from "../compiled.ts";
import { newLogPath } from "./sample-log.ts";
import type { StoppingOrders } from "./stopping-process.ts";

const SCRIPT = await compiled("__tests__/audit/stopping-process.ts");

/** Milliseconds a stopped process stays stopped. */
const STOPPED_MS = 3_000;

/** Runs a writer; one that stops itself is continued after three seconds. Answers what was acknowledged to it. */
async function run(orders: StoppingOrders): Promise<string[]> {
  const child = spawn(process.execPath, [SCRIPT, JSON.stringify(orders)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const before = out;
    out += text;
    if (!before.includes("stopping") && out.includes("stopping")) {
      void sleep(STOPPED_MS).then(() => child.kill("SIGCONT"));
    }
  });
  const [code] = (await once(child, "close")) as [number | null];
  expect(code).toBe(0);
  if (orders.stop !== "never") expect(out).toContain("stopping");
  return out.split("\n").filter((line) => /^\d+ [0-9a-f]{64}$/.test(line));
}

it("8 processes append 500 entries each, two of them stopped for three seconds, one with the lock: one chain of 4,000", async () => {
  const path = newLogPath();
  const stops = ["with the lock", "without the lock", ...Array<string>(6).fill("never")] as StoppingOrders["stop"][];
  const acknowledged = await Promise.all(stops.map(async (stop) => await run({ path, appends: 500, stop })));
  const report = await verifyLog(path);
  expect(report).toMatchObject({ intact: true, entries: 4_000, problems: [], warnings: [] });
  const stored = new Set<string>();
  for await (const { seq, hash } of readEntries(path)) stored.add(`${seq} ${hash}`);
  const all = acknowledged.flat();
  expect(new Set(all).size).toBe(4_000);
  expect(all.filter((entry) => !stored.has(entry))).toEqual([]);
});
