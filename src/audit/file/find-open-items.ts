/**
 * Finds out what of approvals is open. To read back through a whole database takes a tenth of a second, so it is done
 * away from the log's lock, in small slices; what is appended meanwhile is followed.
 */

import { AuditCorruptError } from "../../errors.ts";
import type { StoredEntry } from "../format/entry.ts";
import { parseTailLine, splitTail } from "../format/tail.ts";
import { EntryDatabase } from "./database.ts";
import type { FoldContext } from "./fold-context.ts";
import { PAUSE, underLock, type Steps } from "./steps.ts";
import { tailPath } from "./tail-file.ts";

/** Entries read in one go: about a millisecond. */
const SLICE = 64;

/**
 * Lets the chain know what is open, if it does not yet; answers whether it does now, which the next
 * {@link Chain.catchUp} may change. It does not when the lock could not be had.
 *
 * @throws AuditCorruptError when what is read contradicts itself.
 */
export function* findOpenItems(context: FoldContext): Steps<boolean> {
  const { files, lock, chain, path } = context;
  while (!chain.knowsOpenItems) {
    const begun = yield* underLock(lock, () => {
      chain.catchUp();
      const [{ size }, tail] = [chain.database, chain.tail?.read(0)];
      // What may fail comes first: a rebuild that nobody ends would follow every entry from here on.
      const fd = files.openRead(path);
      return { rebuild: chain.beginRebuild(), tail, size, fd };
    });
    if (begun === undefined) return false;
    const { rebuild, tail, size, fd } = begun;
    try {
      let slice = SLICE;
      for (const stored of latestFirst(context, tail, files.read(fd, 0, size))) {
        if (rebuild.take(stored)) break;
        slice -= 1;
        if (slice > 0) continue;
        yield PAUSE;
        slice = SLICE;
      }
      chain.finishRebuild(rebuild);
    } finally {
      chain.dropRebuild(rebuild);
      files.close(fd);
    }
  }
  return true;
}

/** The entries of a tail's text and of a database's bytes, each once. */
function* latestFirst({ engine, path }: FoldContext, tail: Buffer | undefined, bytes: Buffer): Generator<StoredEntry> {
  let first = Infinity;
  const lines = tail === undefined ? [] : splitTail(tail).lines.slice(1);
  for (const line of lines.toReversed()) {
    const stored = parseTailLine(line);
    if (stored === undefined) throw new AuditCorruptError(path, `${tailPath(path)} is damaged`);
    first = stored.seq;
    yield stored;
  }
  const database = EntryDatabase.open(engine, bytes, path);
  try {
    for (const stored of database.entries("DESC")) if (stored.seq < first) yield stored;
  } finally {
    database.close();
  }
}
