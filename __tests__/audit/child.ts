/** Starts writer processes and talks to them. */

import { spawn, type ChildProcessByStdio, type SpawnOptions } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";

import { onTestFinished } from "vitest";

import { compiled } from "../compiled.ts";
import type { WriterOrders } from "./writer-process.ts";

const SCRIPT = await compiled("__tests__/audit/writer-process.ts");

/** An entry whose writing was acknowledged. */
export interface Acknowledged {
  readonly seq: number;
  readonly hash: string;
}

/** A writer process that runs. */
export class WriterProcess {
  readonly process: ChildProcessByStdio<Writable, Readable, Readable>;
  #out = "";
  #err = "";
  readonly #ended: Promise<unknown>;

  constructor(orders: WriterOrders, options: SpawnOptions = {}) {
    const child = spawn(process.execPath, [SCRIPT, JSON.stringify(orders)], {
      ...options,
      stdio: ["pipe", "pipe", "pipe"],
    });
    child.stdout.setEncoding("utf8").on("data", (text: string) => (this.#out += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (this.#err += text));
    this.process = child;
    this.#ended = once(child, "close");
    onTestFinished(() => void child.kill("SIGKILL"));
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  /** What it wrote to its error output. */
  get errors(): string {
    return this.#err;
  }

  /** The entries that it says were acknowledged, its unfinished last line left out. */
  get acknowledged(): Acknowledged[] {
    const lines = this.#out.split("\n").slice(0, -1);
    return lines.flatMap((line) => {
      const [seq, hash] = line.split(" ");
      return hash === undefined ? [] : [{ seq: Number(seq), hash }];
    });
  }

  /** Waits until it has written something that includes `text`. */
  async says(text: string): Promise<void> {
    while (!this.#out.includes(text)) {
      if (this.process.exitCode !== null) throw new Error(`the writer has ended: ${this.#err}`);
      await Promise.race([once(this.process.stdout, "data"), this.#ended]);
    }
  }

  /** Tells it to begin. */
  tell(): void {
    this.process.stdin.write("begin\n");
  }

  /** Waits until it has ended; answers its exit code, `null` when it was killed. */
  async ended(): Promise<number | null> {
    await this.#ended;
    return this.process.exitCode;
  }

  /** Kills it as `kill -9` does, and waits until it is gone. */
  async killed(): Promise<void> {
    this.process.kill("SIGKILL");
    await this.#ended;
  }
}
