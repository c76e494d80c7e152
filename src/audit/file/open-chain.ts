/** Opening a log: most of it is read before its lock is taken, which takes a tenth of a second for a long tail. */

import { Chain, type ChainSurroundings } from "./chain.ts";
import type { LogLock } from "./lock.ts";

/** As often the log may change while it is read, before it is read under the lock. */
const MAX_LOOKS = 3;

/**
 * Opens a log, or makes a new one whose genesis entry has the identity `newLog` and the present time.
 *
 * @throws AuditUnavailableError, AuditCorruptError as {@link Chain.open}; LockHeldError; what node:fs throws.
 */
export async function openChain(
  surroundings: ChainSurroundings,
  lock: LogLock,
  newLog: string,
  timestamp: () => string,
): Promise<Chain> {
  let peeked = Chain.peek(surroundings);
  let chain: Chain | undefined;
  try {
    for (let looks = 0; chain === undefined; looks += 1) {
      chain = await lock.hold(() => {
        lock.clearLeftovers();
        const state = looks < MAX_LOOKS ? stateOf(peeked) : "changed";
        if (state === "behind") return undefined;
        return state === "current" ? peeked : Chain.open(surroundings, newLog, timestamp());
      });
      if (chain === undefined && !canLook(peeked)) {
        peeked?.close();
        peeked = undefined;
      }
    }
    return chain;
  } finally {
    if (peeked !== chain) peeked?.close();
  }
}

function canLook(peeked: Chain | undefined): boolean {
  try {
    peeked?.look();
    return true;
  } catch {
    // Read from the beginning, it says why.
    return false;
  }
}

/** Whether what was read without the lock is all there is, or something has to be looked into, or it does not hold any more. */
function stateOf(peeked: Chain | undefined): "current" | "behind" | "changed" {
  try {
    if (peeked === undefined) return "changed";
    return peeked.catchUpFromPeek() ? "current" : "behind";
  } catch {
    return "changed";
  }
}
