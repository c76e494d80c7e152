/** Lets whoever hands a call on to a gated tool see whether the call arrived there. */

import { AsyncLocalStorage } from "node:async_hooks";

/** One call on its way to `tool`. */
interface Attempt {
  readonly tool: object;
  entered: boolean;
}

const STORE = Symbol.for("capfence.attempts.v1");

/** On globalThis, so that a tool of another copy of this package reports to us too. */
function attempts(): AsyncLocalStorage<Attempt> {
  const global = globalThis as { [STORE]?: AsyncLocalStorage<Attempt> };
  return (global[STORE] ??= new AsyncLocalStorage());
}

/**
 * Runs `hand`, which is to call `tool` in its own asynchronous context, and says whether it did. What `hand` throws
 * comes back as `error`, so that a call that failed without arriving is told from one that failed inside.
 */
export async function watchEntry<T>(
  tool: object,
  hand: () => T | Promise<T>,
): Promise<{ readonly entered: boolean } & ({ readonly result: T } | { readonly error: unknown })> {
  const attempt: Attempt = { tool, entered: false };
  try {
    const result = await attempts().run(attempt, hand);
    return { entered: attempt.entered, result };
  } catch (error) {
    return { entered: attempt.entered, error };
  }
}

/** A gated tool says that a call has come in. */
export function noteEntry(tool: object): void {
  const attempt = attempts().getStore();
  if (attempt?.tool === tool) attempt.entered = true;
}
