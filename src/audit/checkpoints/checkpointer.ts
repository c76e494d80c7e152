/** Makes checkpoints while a log is written, so that they can be kept where the log's writer can't reach them. */

import { setTimeout as sleep } from "node:timers/promises";

import { readCheckpointFile, writeCheckpointFile } from "./checkpoint-file.ts";
import { contradictionOf, signCheckpoint } from "./checkpoint.ts";
import type { Head, StoredEntry } from "../format/entry.ts";
import { readNoteFile } from "../../note-file.ts";
import { parseSignerKey, type SignerKey } from "../../note.ts";

/** When checkpoints are made, and where they go. */
export interface CheckpointOptions {
  /** The file of the signing key, as `capfence keys generate` makes it. */
  readonly keyFile: string;
  /**
   * A file for the latest checkpoint, or a function that is given each. In a file, only a checkpoint that this key signed
   * and that the log still agrees with is replaced, by one that covers more.
   */
  readonly to: string | ((note: string) => void | Promise<void>);
  /** After this many entries. Default: 1,000. */
  readonly everyEntries?: number | undefined;
  /** After this many seconds, if anything was appended. Default: 60. */
  readonly everySeconds?: number | undefined;
}

/** How long closing waits for a checkpoint to be taken, in milliseconds. */
const CLOSING_MS = 10_000;

/** Where a log stands. */
interface Latest {
  readonly log: string;
  readonly head: Head;
}

/** Counts what is appended to one log and makes the checkpoints that are due. */
export class Checkpointer {
  readonly #signer: SignerKey;
  readonly #to: CheckpointOptions["to"];
  readonly #everyEntries: number;
  readonly #everyMs: number;
  readonly #entries: () => AsyncIterable<StoredEntry>;
  readonly #onError: (error: unknown) => void;
  #latest: Latest | undefined;
  #stated = -1;
  /** What the checkpoint that we last put in the file states: that hash is of an entry that our log's writer goes on from. */
  #written: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  /**
   * Reads the key. `entries` reads the log, latest first. What goes wrong later, when a checkpoint is made, goes to
   * `onError` and stops nothing.
   *
   * @throws TypeError naming the option when one is not valid, the key file included.
   */
  constructor(
    options: CheckpointOptions,
    entries: () => AsyncIterable<StoredEntry>,
    onError: (error: unknown) => void,
  ) {
    const { keyFile, to, everyEntries = 1_000, everySeconds = 60 } = options;
    if (typeof keyFile !== "string") {
      throw new TypeError("ActionRuntime: checkpoints.keyFile must be the path of a signing key");
    }
    if (typeof to !== "function" && (typeof to !== "string" || to === "")) {
      throw new TypeError("ActionRuntime: checkpoints.to must be a file or a function");
    }
    if (!(everyEntries >= 1)) throw new TypeError("ActionRuntime: checkpoints.everyEntries must be at least 1");
    if (!(everySeconds > 0 && everySeconds <= 86_400)) {
      throw new TypeError("ActionRuntime: checkpoints.everySeconds must be over 0 and at most 86400");
    }
    this.#signer = readKey(keyFile);
    this.#to = to;
    this.#everyEntries = everyEntries;
    this.#everyMs = everySeconds * 1000;
    this.#entries = entries;
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

  /** Makes a last checkpoint, if anything was appended since the one before, and waits for it, at most ten seconds. */
  async close(): Promise<void> {
    this.#make();
    await Promise.race([this.#writing, sleep(CLOSING_MS, undefined, { ref: false })]);
  }

  #make(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const latest = this.#latest;
    if (latest === undefined || latest.head.seq <= this.#stated) return;
    this.#stated = latest.head.seq;
    // One after another, so that an older checkpoint never replaces a newer one.
    this.#writing = this.#writing.then(() => this.#deliver(latest)).catch(this.#onError);
  }

  async #deliver({ log, head }: Latest): Promise<void> {
    const note = signCheckpoint(log, head, this.#signer);
    if (typeof this.#to !== "string") {
      await this.#to(note);
      return;
    }
    const former = readCheckpointFile(this.#to, this.#signer);
    if (former !== undefined && former.hash !== this.#written) {
      // Replacing one that this log contradicts would wipe out the proof that the log was another once.
      const contradiction = await contradictionOf(former, this.#entries());
      if (contradiction !== undefined) {
        throw new Error(`the log ${contradiction.what}. The checkpoint in ${this.#to} stays as it is`);
      }
      // Another process of the same log was quicker.
      if (former.size > head.seq) return;
    }
    writeCheckpointFile(this.#to, note);
    this.#written = head.hash;
  }
}

function readKey(file: string): SignerKey {
  try {
    return parseSignerKey(readNoteFile(file));
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw new TypeError(`ActionRuntime: checkpoints.keyFile can't be used (${problem})`, { cause: error });
  }
}
