/** A process of its own that appends to a log and stops itself once (SIGSTOP), with the lock in its hands or without. */

import { writeSync } from "node:fs";

import { nodeFiles, type AuditFiles } from "../../src/audit/file/files.ts";
import { AuditLog } from "../../src/audit/log.ts";
import { decisionEntry, recordedEvent } from "../../src/audit/recording/record.ts";
import { ActionEvent } from "../../src/event.ts";

/** What a stopping writer is told, as JSON in its first argument. */
export interface StoppingOrders {
  readonly path: string;
  readonly appends: number;
  readonly stop: "never" | "with the lock" | "without the lock";
}

const { path, appends, stop } = JSON.parse(process.argv[2] ?? "{}") as StoppingOrders;
let written = 0;

function stopNow(): void {
  writeSync(1, "stopping\n");
  process.kill(process.pid, "SIGSTOP");
}

const files: AuditFiles = {
  ...nodeFiles,
  append(fd, data) {
    nodeFiles.append(fd, data);
    written += 1;
    // Entries are written under the lock.
    if (stop === "with the lock" && written === 100) stopNow();
  },
};

const log = new AuditLog(path, { files, now: Date.now, segmentEntries: 1_000 });
for (let number = 0; number < appends; number += 1) {
  const actor = `writer-${process.pid}`;
  const event = ActionEvent.create({ actor, action: "run", resource: "unit", payload: { number } });
  const allowed = { decision: "allow", reason: "policy_allow" } as const;
  const { seq, hash } = await log.append(decisionEntry(recordedEvent(event, {}), allowed, true, "cd".repeat(32)));
  writeSync(1, `${seq} ${hash}\n`);
  if (stop === "without the lock" && number === 100) stopNow();
}
await log.close();
