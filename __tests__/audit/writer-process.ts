/** A process of its own that appends to a log as it is ordered to, and prints what was acknowledged. */

import { once } from "node:events";
import { writeSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { setImmediate as nextTurn } from "node:timers/promises";

import { nodeFiles } from "../../src/audit/file/files.ts";
import { LogLock } from "../../src/audit/file/lock.ts";
import { AuditLog } from "../../src/audit/log.ts";
import { decisionEntry, recordedEvent } from "../../src/audit/recording/record.ts";
import { AuditUnavailableError } from "../../src/errors.ts";
import { ActionEvent } from "../../src/event.ts";

/** What a writer process is told to do, as JSON in its first argument. */
export interface WriterOrders {
  readonly path: string;
  /** Tries an append that is refused again, after a moment. Default: false. */
  readonly perseveres?: boolean;
  /** The actor of its entries. Default: `child`. */
  readonly actor?: string;
  /** Decisions to append; -1 for as many as it can until it is killed. Default: 0. */
  readonly appends?: number;
  /** At most this many at the same time. Default: 1. */
  readonly together?: number;
  /** The longest text in a payload, in characters. Default: 0. */
  readonly text?: number;
  /** Closes the log, and opens it again, after so many. Default: never. */
  readonly reopenEvery?: number;
  /** Entries at which a database is sealed. Default: 8,192. */
  readonly segmentEntries?: number;
  /** When it begins: at once, or when it is told to, after it has said that it is ready. Default: `at once`. */
  readonly begin?: "at once" | "when told";
  /** What it does when it has appended. Default: `close`. */
  readonly end?: "close" | "return" | "exit" | "exit while closing" | "throw" | "wait" | "hold the lock";
}

const orders = JSON.parse(process.argv[2] ?? "{}") as WriterOrders;
const { path, actor = "child", appends = 0, together = 1, text = 0, end = "close" } = orders;
const { reopenEvery = Infinity, segmentEntries = 8_192, perseveres = false } = orders;
let log = openLog();

function openLog(): AuditLog {
  return new AuditLog(path, { files: nodeFiles, now: Date.now, segmentEntries });
}

async function append(number: number): Promise<void> {
  const payload = { number, text: "é".repeat(Math.random() * text) };
  const event = ActionEvent.create({ actor, action: "run", resource: "unit", environment: "test", payload });
  const decision = { decision: "allow", reason: "policy_allow" } as const;
  for (;;) {
    try {
      const { seq, hash } = await log.append(decisionEntry(recordedEvent(event, {}), decision, true, "cd".repeat(32)));
      return say(`${seq} ${hash}`);
    } catch (error) {
      if (!perseveres || !AuditUnavailableError.isInstance(error)) throw error;
      await pause(20);
    }
  }
}

/** Written at once, so that a kill leaves nothing unsaid. */
function say(line: string): void {
  writeSync(1, `${line}\n`);
}

function block(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

if (orders.begin === "when told") {
  say("ready");
  await once(process.stdin, "data");
  process.stdin.destroy();
}
let left = appends < 0 ? Infinity : appends;
let toReopening = reopenEvery;
for (let number = 0; left > 0;) {
  const group = 1 + Math.floor(Math.random() * Math.min(together, left));
  await Promise.all(Array.from({ length: group }, (_, index) => append(number + index)));
  number += group;
  left -= group;
  toReopening -= group;
  if (toReopening > 0) continue;
  await log.close();
  log = openLog();
  toReopening = reopenEvery;
}
if (end === "close") await log.close();
if (end === "exit") process.exit();
if (end === "exit while closing") {
  const closing = log.close();
  // So many turns into folding that nothing is put in place yet.
  for (let turn = 0; turn < 3; turn += 1) await nextTurn();
  void closing.then(() => say("closed"));
  process.exit();
}
if (end === "throw") throw new Error("on purpose");
if (end === "wait") {
  say("waiting");
  setInterval(() => {}, 60_000);
}
if (end === "hold the lock") {
  const lock = new LogLock(nodeFiles, path);
  lock.prepare();
  lock.holdNow(() => {
    say("waiting");
    block();
  });
}
