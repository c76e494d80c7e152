/** Sealing: a database that has reached its limit gets a second name, and the chain an entry that commits to its bytes. */

import { createHash } from "node:crypto";
import { dirname } from "node:path";

import { withDatabase } from "./database.ts";
import { knowingOpenItems } from "./find-open-items.ts";
import { caughtUp } from "./caught-up.ts";
import type { FoldContext } from "./fold-context.ts";
import { segmentPath } from "./segments.ts";
import { PAUSE, type Steps } from "./steps.ts";

/** Bytes digested in one go. */
const DIGEST_SLICE = 1_048_576;

/** Seals the database and records it in the chain. */
export function* seal(context: FoldContext, firstEntry: number): Steps<void> {
  const { files, engine, chain, timestamp } = context;
  const segment = yield* caughtUp(context, () => {
    // Another process may have sealed it, and begun a new database, before us.
    return chain.sealedSeq < firstEntry ? linkSegment(context, firstEntry) : undefined;
  });
  if (segment === undefined) return;
  const bytes = files.readFile(segment);
  const digest = createHash("sha256");
  for (let start = 0; start < bytes.length; start += DIGEST_SLICE) {
    digest.update(bytes.subarray(start, start + DIGEST_SLICE));
    yield PAUSE;
  }
  const { first, last, head } = withDatabase(engine, bytes, segment, (sealed) => {
    const { seq, hash } = sealed.last();
    return { first: sealed.first().seq, last: seq, head: hash };
  });
  const entry = { kind: "segment", first, last, head, digest: digest.digest("hex") } as const;
  yield* knowingOpenItems(context, () => {
    if (chain.sealedSeq < last) chain.appendSegment(entry, timestamp());
  });
}

/**
 * Gives the database, whose first entry is `first`, a second name that is never written to again. A file that has that name
 * already stays: a crash, or another process, has come this far before. Answers the segment's path.
 */
function linkSegment({ files, path, chain }: FoldContext, first: number): string {
  const segment = segmentPath(path, chain.log, first);
  if (files.identify(segment) === undefined) {
    files.link(path, segment);
    files.syncDirectory(dirname(path));
  }
  return segment;
}
