/** A progress bar, for a person who waits. */

import type { Host } from "../host.ts";

/** Columns of the bar. */
const WIDTH = 24;

/** Milliseconds between two drawings. */
const PAUSE_MS = 100;

/** A bar on stderr, if that is a terminal; otherwise nothing. */
export class ProgressBar {
  readonly #host: Host;
  readonly #what: string;
  #drawn = 0;
  #shown = "";

  /** `what` is going on, in a word or two. */
  constructor(what: string, host: Host) {
    this.#what = what;
    this.#host = host;
    this.#drawn = host.now();
  }

  /** How much is done, from 0 to 1. Draws ten times a second at most, and not at once: most things take no time. */
  update(progress: number): void {
    if (this.#host.stderr.isTTY !== true) return;
    const now = this.#host.now();
    if (now - this.#drawn < PAUSE_MS) return;
    this.#drawn = now;
    const full = Math.round(Math.min(1, Math.max(0, progress)) * WIDTH);
    const percent = String(Math.floor(progress * 100)).padStart(3);
    const shown = `${this.#what} [${"#".repeat(full)}${".".repeat(WIDTH - full)}] ${percent} %`;
    if (shown !== this.#shown) this.#host.stderr.write(`\r${shown}`);
    this.#shown = shown;
  }

  /** Leaves the line as it was. */
  end(): void {
    if (this.#shown !== "") this.#host.stderr.write(`\r${" ".repeat(this.#shown.length)}\r`);
    this.#shown = "";
  }
}
