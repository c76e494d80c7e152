/**
 * Folding: moving the tail's entries into the database. The new database is built in memory in small slices, away from
 * any caller's path, written beside the old one, and put in place by rename under the log's lock. A database that has
 * reached its limit is sealed and a new one begun. All of it is idempotent: work that is interrupted, or overtaken by
 * another process's, leaves the log as it was, and the next fold goes on from there.
 */

import { isUnwritten, unlinkIfThere, type AuditFiles, type FileIdentity } from "./files.ts";
import { caughtUp } from "./caught-up.ts";
import type { FoldContext } from "./fold-context.ts";
import { buildDatabase } from "./rebuild.ts";
import { seal } from "./seal.ts";
import { SEGMENT_BYTES } from "./segments.ts";
import { PAUSE, type Steps } from "./steps.ts";

/** After this many folds of other processes that were quicker, ours gives up: they do the work. */
const MAX_OVERTAKEN = 10;

/** Bytes written in one go: about a millisecond. */
const WRITE_SLICE = 1_048_576;

/** Folds the chain's tail. */
export function* fold(context: FoldContext): Steps<void> {
  for (let overtaken = 0; overtaken < MAX_OVERTAKEN;) {
    const moved = yield* moveTail(context);
    if (moved === "overtaken") overtaken += 1;
    else if (moved === undefined) return;
    else yield* seal(context, moved.first);
  }
}

/**
 * Moves what is in the tail into the database. Answers the database's first entry when that is now full, and
 * `overtaken` when another process was quicker, so that our copy lacks what it had.
 */
function* moveTail(context: FoldContext): Steps<{ readonly first: number } | "overtaken" | undefined> {
  const { files, lock, chain, path } = context;
  const start = yield* caughtUp(context, () => {
    const { tail, sealed } = chain;
    return tail === undefined ? undefined : { tail, text: tail.read(0), sealed, fd: files.openRead(path) };
  });
  if (start === undefined) return undefined;
  const { tail, text, sealed, fd } = start;
  const made = lock.ownName("database");
  try {
    // Open until the end, so that no other file can get its number.
    const base = files.identifyOpen(fd);
    const { bytes, first, last, end } = yield* buildDatabase(context, files.read(fd, 0, base.size), text, sealed);
    // The process ends in the middle of a fold that was to go on later: this is the last one.
    unlinkIfThere(files, made);
    yield* write(files, made, base, bytes);
    const isPlaced = yield* caughtUp(context, () => {
      if (chain.tail !== tail || !isUnwritten(chain.identifyDatabase(), base)) return false;
      chain.replaceDatabase(made, last, end);
      return true;
    });
    if (isPlaced === undefined) return undefined;
    if (!isPlaced) return "overtaken";
    const isFull = last.seq - first + 1 >= context.segmentEntries || bytes.length >= SEGMENT_BYTES;
    return isFull ? { first } : undefined;
  } finally {
    files.close(fd);
    unlinkIfThere(files, made);
  }
}

function* write(files: AuditFiles, name: string, like: FileIdentity, bytes: Uint8Array): Steps<void> {
  const fd = files.create(name, like);
  try {
    for (let start = 0; start < bytes.length; start += WRITE_SLICE) {
      files.append(fd, bytes.subarray(start, start + WRITE_SLICE));
      yield PAUSE;
    }
    yield { now: () => files.sync(fd), later: async () => await files.syncLater(fd) };
  } finally {
    files.close(fd);
  }
}
