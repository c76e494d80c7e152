/**
 * Finds out what of approvals is open. To read back through a whole database takes a tenth of a second, so it is done
 * away from the log's lock, in small slices; what is appended meanwhile is followed.
 */

import { caughtUp } from "./caught-up.ts";
import type { FoldContext } from "./fold-context.ts";
import { databaseEntries, eachOnce, tailEntries } from "./parts.ts";
import { doNow, PAUSE, type Steps } from "./steps.ts";

/** Entries read in one go: about a millisecond. */
const SLICE = 64;

/** As often others may fold meanwhile what can't be followed. The next time, it is read under the lock. */
const MAX_ATTEMPTS = 3;

/**
 * Runs `section` under the log's lock, once the chain has caught up and knows what of approvals is open. The answer is that
 * of `section`, or `undefined` when the lock could not be had at once.
 *
 * @throws AuditCorruptError when what is read contradicts itself.
 */
export function* knowingOpenItems<T>(context: FoldContext, section: () => T): Steps<T | undefined> {
  const { openItems } = context.chain;
  for (let attempts = 0; ; attempts += 1) {
    if (openItems.register === undefined && attempts < MAX_ATTEMPTS) {
      const rebuilding = yield* caughtUp(context, () => rebuild(context));
      if (rebuilding === undefined) return undefined;
      yield* rebuilding;
    }
    const held = yield* caughtUp(context, () => {
      if (openItems.register === undefined) {
        if (attempts < MAX_ATTEMPTS) return "unknown";
        doNow(rebuild(context));
      }
      return { answer: section() };
    });
    if (held !== "unknown") return held?.answer;
  }
}

/** Reads back from the chain's head. Begun under the lock, it can be done without. */
function rebuild({ files, engine, chain, path }: FoldContext): Steps<void> {
  const tail = chain.tail?.read(0);
  // What may fail comes first: a rebuild that nobody ends would follow every entry from here on.
  const fd = files.openRead(path);
  const register = chain.openItems.begin(path, chain.head);
  function* readBack(): Steps<void> {
    try {
      let slice = SLICE;
      const parts = [
        tailEntries(tail, path, "latest first"),
        databaseEntries(engine, files.read(fd, 0, files.identifyOpen(fd).size), path, "latest first"),
      ];
      for (const stored of eachOnce(parts, "latest first")) {
        if (register.take(stored)) break;
        slice -= 1;
        if (slice > 0) continue;
        yield PAUSE;
        slice = SLICE;
      }
      chain.openItems.finish(register);
    } finally {
      chain.openItems.drop(register);
      files.close(fd);
    }
  }
  return readBack();
}
