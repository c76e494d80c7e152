/** Processes that are measured in turns: one for each engine, all alive, one working at a time. */

import { fork, type ChildProcess } from "node:child_process";
import { join } from "node:path";

import { shuffled } from "../measure.ts";

/** A slice is long enough to hold a few garbage collections and short enough for the machine's speed to stay the same. */
export const SLICE_MILLISECONDS = 40;

export const ROUNDS: number = Number(process.env["BENCH_ROUNDS"] ?? 9);

/** A process that answers messages, one at a time. */
export class Child {
  readonly name: string;
  /** What it said when it was ready. */
  readonly hello: unknown;
  readonly #process: ChildProcess;

  private constructor(name: string, process: ChildProcess, hello: unknown) {
    this.name = name;
    this.#process = process;
    this.hello = hello;
  }

  /** Starts a script of `bench/engines/` and resolves when it is ready. It runs without what the parent needs for TypeScript. */
  static async start(name: string, script: string, args: readonly string[]): Promise<Child> {
    const path = join(import.meta.dirname, "..", "engines", script);
    // Node 20 aborts in its deoptimizer when calls into WebAssembly are inlined in code that has to be given up.
    const execArgv = ["--no-turbo-inline-js-wasm-calls"];
    const started = fork(path, args, { execArgv, serialization: "advanced" });
    return new Child(name, started, await reply(name, started));
  }

  async ask(message: object): Promise<unknown> {
    this.#process.send(message);
    return await reply(this.name, this.#process);
  }

  stop(): void {
    this.#process.kill();
  }
}

async function reply(name: string, child: ChildProcess): Promise<unknown> {
  return await new Promise((resolve, reject) => {
    const exited = (code: number | null): void => {
      reject(new Error(`${name} ended with ${code}`));
    };
    child.once("exit", exited);
    child.once("message", (message) => {
      child.off("exit", exited);
      resolve(message);
    });
  });
}

/** One thing to time: a message to a child that answers nanoseconds. */
export interface Turn {
  readonly child: Child;
  readonly message: object;
}

/** Asks every turn once a round, in a new random order each time; answers the median of each in nanoseconds. */
export async function medians<T extends Turn>(turns: readonly T[]): Promise<ReadonlyMap<T, number>> {
  const slices = new Map<T, number[]>(turns.map((turn) => [turn, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const turn of shuffled(turns)) {
      const { nanoseconds } = (await turn.child.ask({ ...turn.message, milliseconds: SLICE_MILLISECONDS })) as {
        nanoseconds: number;
      };
      slices.get(turn)?.push(nanoseconds);
    }
  }
  return new Map([...slices].map(([turn, times]) => [turn, median(times)]));
}

function median(times: readonly number[]): number {
  return times.toSorted((left, right) => left - right)[Math.floor(times.length / 2)] ?? NaN;
}
