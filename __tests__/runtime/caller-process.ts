/** A process of its own that makes the same call again and again, and runs a tool that counts when it may. */

import { once } from "node:events";
import { appendFileSync, writeSync } from "node:fs";

import { Policy } from "../../src/policy/policy.ts";
import { ActionRuntime } from "../../src/runtime/runtime.ts";

/** What a caller is told, as JSON in its first argument. */
export interface CallerOrders {
  readonly auditLog: string;
  readonly policy: string;
  readonly call: Parameters<ActionRuntime["execute"]>[0];
  /** How often the call is made, all at the same time. */
  readonly times: number;
  /** A file that the tool appends a byte to. */
  readonly counter: string;
  /** Whether it stops between the verdict and the tool. */
  readonly stopsBeforeTool: boolean;
}

const orders = JSON.parse(process.argv[2] ?? "{}") as CallerOrders;
const runtime = ActionRuntime.fromPolicy(Policy.parse(orders.policy), { auditLog: orders.auditLog });
writeSync(1, "ready\n");
await once(process.stdin, "data");
process.stdin.destroy();
const ran = await Promise.all(Array.from({ length: orders.times }, callOnce));
writeSync(1, `${ran.filter(Boolean).length}\n`);
await runtime.close();

async function callOnce(): Promise<boolean> {
  const verdict = await runtime.execute(orders.call);
  if (!verdict.authorized) return false;
  if (orders.stopsBeforeTool) {
    writeSync(1, "stopped\n");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  }
  appendFileSync(orders.counter, ".");
  return true;
}
