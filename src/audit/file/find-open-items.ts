/**
 * Finds out what of approvals is open. To read back through a whole database takes a tenth of a second, so it is done
 * away from the log's lock, in small slices; what is appended meanwhile is followed.
 */

import { caughtUp } from "./caught-up.ts";
import type { FoldContext } from "./fold-context.ts";
import { databaseEntries, eachOnce, tailEntries } from "./parts.ts";
import { PAUSE, type Steps } from "./steps.ts";

/** Entries read in one go: about a millisecond. */
const SLICE = 64;

/**
 * Lets the chain know what is open, if it does not yet; answers whether it does now, which the next
 * {@link Chain.catchUp} may change. It does not when the lock could not be had.
 *
 * @throws AuditCorruptError when what is read contradicts itself.
 */
export function* findOpenItems(context: FoldContext): Steps<boolean> {
  const { files, engine, chain, path } = context;
  while (chain.openItems.register === undefined) {
    const begun = yield* caughtUp(context, () => {
      const tail = chain.tail?.read(0);
      // What may fail comes first: a rebuild that nobody ends would follow every entry from here on.
      const fd = files.openRead(path);
      return { rebuild: chain.openItems.begin(path, chain.head), tail, fd };
    });
    if (begun === undefined) return false;
    const { rebuild, tail, fd } = begun;
    try {
      let slice = SLICE;
      const parts = [
        tailEntries(tail, path, "latest first"),
        databaseEntries(engine, files.read(fd, 0, files.identifyOpen(fd).size), path, "latest first"),
      ];
      for (const stored of eachOnce(parts, "latest first")) {
        if (rebuild.take(stored)) break;
        slice -= 1;
        if (slice > 0) continue;
        yield PAUSE;
        slice = SLICE;
      }
      chain.openItems.finish(rebuild);
    } finally {
      chain.openItems.drop(rebuild);
      files.close(fd);
    }
  }
  return true;
}
