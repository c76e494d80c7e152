/** Makes checkpoints while a log is written, so that they can be kept where the log's writer can't reach them. */

import { createPublicKey, randomBytes } from "node:crypto";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";

import { openCheckpoint, signCheckpoint, type Anchor } from "./checkpoint.ts";
import type { Head } from "./entry.ts";
import { parseSignerKey, type SignerKey, type VerifierKey } from "./note.ts";

/** When checkpoints are made, and where they go. */
export interface CheckpointOptions {
  /** The file of the signing key, as `capfence keys generate` makes it. */
  readonly keyFile: string;
  /** A file that always holds the latest checkpoint, or a function that is given each. */
  readonly to: string | ((note: string) => void | Promise<void>);
  /** After this many entries. Default: 1,000. */
  readonly everyEntries?: number | undefined;
  /** After this many seconds, if anything was appended. Default: 60. */
  readonly everySeconds?: number | undefined;
}

/** Counts what is appended to one log and makes the checkpoints that are due. */
export class Checkpointer {
  readonly #signer: SignerKey;
  readonly #to: CheckpointOptions["to"];
  readonly #everyEntries: number;
  readonly #everyMs: number;
  readonly #onError: (error: unknown) => void;
  #latest: { readonly log: string; readonly head: Head } | undefined;
  #stated = -1;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  /**
   * Reads the key. What goes wrong later, when a checkpoint is made, goes to `onError` and stops nothing.
   *
   * @throws TypeError when the options or the key are not valid; what node:fs throws when the key can't be read.
   */
  constructor(options: CheckpointOptions, onError: (error: unknown) => void) {
    const { keyFile, to, everyEntries = 1_000, everySeconds = 60 } = options;
    if (typeof to !== "function" && (typeof to !== "string" || to === "")) {
      throw new TypeError("checkpoints.to must be a file or a function");
    }
    if (!(everyEntries >= 1)) throw new TypeError("checkpoints.everyEntries must be at least 1");
    if (!(everySeconds > 0 && everySeconds <= 86_400)) {
      throw new TypeError("checkpoints.everySeconds must be over 0 and at most 86400");
    }
    this.#signer = parseSignerKey(readFileSync(keyFile, "utf8"));
    this.#to = to;
    this.#everyEntries = everyEntries;
    this.#everyMs = everySeconds * 1000;
    this.#onError = onError;
  }

  /** An entry of `log` has become durable. */
  appended(log: string, head: Head): void {
    if (head.seq <= (this.#latest?.head.seq ?? -1)) return;
    this.#latest = { log, head };
    if (this.#stated < 0) this.#stated = head.seq - 1;
    if (head.seq - this.#stated >= this.#everyEntries) this.#make();
    else this.#timer ??= setTimeout(() => this.#make(), this.#everyMs).unref();
  }

  /** Makes a last checkpoint, if anything was appended since the one before, and waits for it. */
  async close(): Promise<void> {
    this.#make();
    await this.#writing;
  }

  #make(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const latest = this.#latest;
    if (latest === undefined || latest.head.seq <= this.#stated) return;
    this.#stated = latest.head.seq;
    const note = signCheckpoint(latest.log, latest.head, this.#signer);
    // One after another, so that an older checkpoint never replaces a newer one.
    this.#writing = this.#writing.then(() => this.#deliver(note)).catch(this.#onError);
  }

  async #deliver(note: string): Promise<void> {
    if (typeof this.#to !== "string") {
      await this.#to(note);
      return;
    }
    const key = { ...this.#signer, key: createPublicKey(this.#signer.key) };
    const former = formerCheckpoint(this.#to, key);
    const present = openCheckpoint(note, [key]);
    // Replacing it would wipe out the proof that the log was longer once.
    if (former !== undefined && former.log === present.log && former.size > present.size) {
      throw new Error(
        `${this.#to} vouches for ${former.size} entries and the log has ${present.size}: it was cut or put back, and the checkpoint stays as it is`,
      );
    }
    writeCheckpoint(this.#to, note);
  }
}

/** The checkpoint of ours that a file holds; `undefined` when it holds none. */
function formerCheckpoint(path: string, key: VerifierKey): Anchor | undefined {
  try {
    return openCheckpoint(readFileSync(path, "utf8"), [key]);
  } catch {
    return undefined;
  }
}

/** Puts a checkpoint in a file, whole or not at all. */
export function writeCheckpoint(path: string, note: string): void {
  const made = `${path}.${randomBytes(6).toString("hex")}.new`;
  try {
    // A checkpoint is no secret, and others collect it.
    writeFileSync(made, note, { flag: "wx", mode: 0o644, flush: true });
    renameSync(made, path);
  } catch (error) {
    rmSync(made, { force: true });
    throw error;
  }
}
