/** Lets whoever hands a call on to a gated tool see whether the call arrived there, and whether the answer came from there. */

import { AsyncLocalStorage } from "node:async_hooks";

import { ToolMessage } from "@langchain/core/messages";

/** One call on its way to `tool`. */
interface Attempt {
  readonly tool: object;
  entered: boolean;
  /** What the tool has answered, one for each time it was called. */
  readonly answers: unknown[];
}

/** How a call that was handed on came back. */
export type Passage<T> = {
  /** Whether it arrived at the tool. */
  readonly entered: boolean;
} & (
  | {
      readonly result: T;
      /** Whether the result is what the tool has answered. */
      readonly isAnswer: boolean;
    }
  | { readonly error: unknown }
);

const STORE = Symbol.for("capfence.attempts.v1");

/** On globalThis, so that a tool of another copy of this package reports to us too. */
function attempts(): AsyncLocalStorage<Attempt> {
  const global = globalThis as { [STORE]?: AsyncLocalStorage<Attempt> };
  return (global[STORE] ??= new AsyncLocalStorage());
}

/**
 * Runs `hand`, which is to call `tool` in its own asynchronous context. What `hand` throws comes back as `error`, so that a
 * call that failed without arriving is told from one that failed inside.
 */
export async function watchPassage<T>(tool: object, hand: () => T | Promise<T>): Promise<Passage<T>> {
  const attempt: Attempt = { tool, entered: false, answers: [] };
  try {
    const result = await attempts().run(attempt, hand);
    const isAnswer = attempt.answers.some((answer) => answer === result || isMessageOf(answer, result));
    return { entered: attempt.entered, result, isAnswer };
  } catch (error) {
    return { entered: attempt.entered, error };
  }
}

/** A gated tool says that a call has come in. */
export function noteEntry(tool: object): void {
  const attempt = attempts().getStore();
  if (attempt?.tool === tool) attempt.entered = true;
}

/** A gated tool says what it has answered to a call. */
export function noteAnswer(tool: object, answer: unknown): void {
  const attempt = attempts().getStore();
  if (attempt?.tool === tool) attempt.answers.push(answer);
}

/** LangChain's agents make a message of an answer that is none. */
function isMessageOf(answer: unknown, result: unknown): boolean {
  if (!ToolMessage.isInstance(result)) return false;
  try {
    return result.content === (typeof answer === "string" ? answer : JSON.stringify(answer));
  } catch {
    return false;
  }
}
