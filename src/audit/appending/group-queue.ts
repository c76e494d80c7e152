/** Work that is done in groups: what comes while one group is worked on waits for the next. */

/** A queue that gives what waits in it, at most so many at a time, to one worker. */
export class GroupQueue<T> {
  readonly #size: number;
  readonly #work: (group: readonly T[]) => Promise<void>;
  readonly #waiting: T[] = [];
  #working: Promise<void> | undefined;

  /** `work` is given groups of 1 to `size` items, one group after the other, and must not reject. */
  constructor(size: number, work: (group: readonly T[]) => Promise<void>) {
    this.#size = size;
    this.#work = work;
  }

  add(item: T): void {
    this.#waiting.push(item);
    this.#working ??= this.#run();
  }

  /** Takes out what waits and is not being worked on. */
  clear(): T[] {
    return this.#waiting.splice(0);
  }

  /** Resolves when nothing waits and nothing is being worked on. */
  async settled(): Promise<void> {
    await this.#working;
  }

  async #run(): Promise<void> {
    for (;;) {
      // After all that is ready to run now, so that callers who go on at the same time are in one group.
      await new Promise<void>((resolve) => process.nextTick(resolve));
      const group = this.#waiting.splice(0, this.#size);
      if (group.length === 0) break;
      await this.#work(group);
    }
    this.#working = undefined;
  }
}
