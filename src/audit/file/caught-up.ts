/** Work under the log's lock that needs to know what other processes have done before. */

import type { FoldContext } from "./fold-context.ts";
import { PAUSE, underLock, type Steps } from "./steps.ts";

/** Looks that may be in vain, since others have folded again meanwhile. The next is taken under the lock, and is not. */
const MAX_LOOKS = 3;

/**
 * Runs `section` under the log's lock, once the chain has caught up. To look into a database that another process has put
 * in place takes a tenth of a second, so that is done away from the lock. The answer is that of `section`, or `undefined`
 * when the lock could not be had at once.
 *
 * @throws AuditCorruptError when what others left does not continue what the chain knows.
 */
export function* caughtUp<T>(
  { lock, chain }: Pick<FoldContext, "lock" | "chain">,
  section: () => T,
): Steps<T | undefined> {
  for (let looks = 0; ; looks += 1) {
    const isLast = looks >= MAX_LOOKS;
    const held = yield* underLock(lock, () => {
      if (isLast) chain.catchUpHere();
      else if (!chain.catchUp()) return "behind";
      return { answer: section() };
    });
    if (held !== "behind") return held?.answer;
    chain.look();
    yield PAUSE;
  }
}
