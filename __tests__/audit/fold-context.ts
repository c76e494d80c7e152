/** A log as a writer of it has it, in parts. */

import { onTestFinished } from "vitest";

import { caughtUp } from "../../src/audit/file/caught-up.ts";
import { Chain } from "../../src/audit/file/chain.ts";
import { nodeFiles, type AuditFiles } from "../../src/audit/file/files.ts";
import type { FoldContext } from "../../src/audit/file/fold-context.ts";
import { LogLock } from "../../src/audit/file/lock.ts";
import { loadEngine } from "../../src/audit/file/sqlite.ts";
import { doLater } from "../../src/audit/file/steps.ts";
import type { PreparedEntry } from "../../src/audit/format/entry.ts";

function timestamp(): string {
  return "2026-01-15T10:00:00.000Z";
}

/** What folds the log at `path`, and finds out what is open there; the log is made if there is none. */
export async function contextOf(path: string, files: AuditFiles = nodeFiles): Promise<FoldContext> {
  const [engine, lock] = [await loadEngine(), new LogLock(files, path)];
  lock.prepare();
  const own = { files, engine, path, ownName: lock.ownName.bind(lock) };
  const chain = await lock.hold(() => Chain.open(own, "a".repeat(32), timestamp()));
  onTestFinished(() => {
    chain.close();
    lock.dispose();
  });
  return { ...own, lock, chain, timestamp, segmentEntries: 1_000_000 };
}

/** Appends an entry. */
export async function appendTo(context: FoldContext, entry: PreparedEntry): Promise<void> {
  const append = caughtUp(context, () => {
    const batch = context.chain.batch(context.timestamp());
    batch.add(entry);
    context.chain.write(batch);
  });
  await doLater(append);
}
