/** Lets a generator tool stream as ever, and says once how it ended. */

/** The part of a generator that LangChain uses; a synchronous one counts as well. */
export interface GeneratorLike {
  next(...args: [] | [unknown]): IteratorResult<unknown, unknown> | PromiseLike<IteratorResult<unknown, unknown>>;
  return?(value: unknown): IteratorResult<unknown, unknown> | PromiseLike<IteratorResult<unknown, unknown>>;
  throw?(error: unknown): IteratorResult<unknown, unknown> | PromiseLike<IteratorResult<unknown, unknown>>;
}

/** Whether LangChain would consume this result chunk by chunk; it asks for `next` and nothing else. */
export function isGenerator(value: unknown): value is GeneratorLike {
  return typeof value === "object" && value !== null && "next" in value && typeof value.next === "function";
}

/**
 * A generator that passes every chunk, error and final value of `source` through unchanged. `ended` is called once, before
 * the last step is handed on: `finished` with the final value, `failed` when `source` threw or was abandoned half-way.
 */
export function watchGenerator(
  source: GeneratorLike,
  ended: (status: "finished" | "failed", output?: unknown) => Promise<void>,
): AsyncIterableIterator<unknown, unknown, unknown> {
  let over = false;
  const end = async (status: "finished" | "failed", output?: unknown): Promise<void> => {
    if (over) return;
    over = true;
    await ended(status, output);
  };
  const step = async (
    take: () => ReturnType<GeneratorLike["next"]>,
    status: "finished" | "failed",
  ): Promise<IteratorResult<unknown, unknown>> => {
    let result: IteratorResult<unknown, unknown>;
    try {
      result = await take();
    } catch (error) {
      await end("failed");
      throw error;
    }
    if (result.done === true) await end(status, status === "finished" ? result.value : undefined);
    return result;
  };
  return {
    next: async (...args) => step(() => source.next(...args), "finished"),
    // Core calls this after the last chunk as well; by then the end has been told.
    return: async (value) => step(() => source.return?.(value) ?? { done: true, value }, "failed"),
    throw: async (error) =>
      step(() => {
        if (source.throw === undefined) throw error;
        return source.throw(error);
      }, "failed"),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
