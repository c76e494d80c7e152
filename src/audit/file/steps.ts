/** Work in steps: each can be done at once, at the end of the process, or without blocking the event loop. */

import { setImmediate as nextTurn } from "node:timers/promises";

import type { LogLock } from "./lock.ts";

/** One piece of work that can be done at once, or without blocking the event loop. */
export interface Step {
  readonly now: () => void;
  readonly later: () => Promise<void>;
}

/** Work that comes step by step and ends with an answer. */
export type Steps<T> = Generator<Step, T>;

/** Between slices: others may run. */
export const PAUSE: Step = { now: () => {}, later: async () => await nextTurn() };

/** Does the work, letting others run in between; answers what it does. */
export async function doLater<T>(work: Steps<T>): Promise<T> {
  let answer: T | undefined;
  function* whole(): Steps<void> {
    answer = yield* work;
  }
  // Such a loop lets the work clean up when a step fails.
  for (const step of whole()) await step.later();
  return answer as T;
}

/** Does the work at once. */
export function doNow(work: Steps<void>): void {
  for (const step of work) step.now();
}

/** Runs `section` under the log's lock; its answer is `undefined` when the lock could not be had at once. */
export function* underLock<T>(lock: LogLock, section: () => T): Steps<T | undefined> {
  let answer: T | undefined;
  yield {
    now: () => {
      answer = lock.holdNow(section);
    },
    later: async () => {
      answer = await lock.hold(section);
    },
  };
  return answer;
}
