/** Makes checkpoints while a log is written, so that they can be kept where the log's writer can't reach them. */

import type { Anchor } from "./anchor.ts";
import { readCheckpointFile, replaceCheckpointFile } from "./checkpoint-file.ts";
import { contradictionOf, signCheckpoint } from "./checkpoint.ts";
import type { Head, StoredEntry } from "../format/entry.ts";
import { readNoteFile } from "../../note-file.ts";
import { parseSignerKey, type SignerKey } from "../../note.ts";
import { within } from "../within.ts";

/** When checkpoints are made, and where they go. */
export interface CheckpointOptions {
  /** The file of the signing key, as `capfence keys generate` makes it. */
  readonly keyFile: string;
  /**
   * A file for the latest checkpoint, or a function that is given each. In a file, only a checkpoint that this key signed
   * and that the log still agrees with is replaced, by one that covers more. A function is given one at a time.
   * A checkpoint that it has not taken within ten seconds counts as not made, and it may be given the next one.
   */
  readonly to: string | ((note: string) => void | Promise<void>);
  /** After this many entries. Default: 1,000. */
  readonly everyEntries?: number | undefined;
  /** After this many seconds, if anything was appended. Default: 60. */
  readonly everySeconds?: number | undefined;
}

/** How long a function may take a checkpoint, and how long closing waits for the last one, in milliseconds. */
const TAKING_MS = 10_000;

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
  /** Where the log stood when the last checkpoint was due: those to come are counted from there. */
  #due = -1;
  /** The last entry that a checkpoint covers which was taken. */
  #stated = -1;
  /** What is to be stated next, while another checkpoint is being made. One is enough: the latest covers the rest. */
  #waiting: Latest | undefined;
  /** What the checkpoint that we last put in the file states: that hash is of an entry that our log's writer goes on from. */
  #written: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #making: Promise<void> | undefined;
  #isClosing = false;
  /** The problem that was told last, if none has been made since. */
  #told: string | undefined;

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
    if (this.#due < 0) this.#due = this.#stated = head.seq - 1;
    if (head.seq - this.#due >= this.#everyEntries) this.#make();
    else this.#startTimer();
  }

  /**
   * Makes a last checkpoint, if there are entries that none covers which was taken, and waits for it, at most ten seconds.
   * That it was not made by then goes to `onError`.
   */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#make();
    if (this.#making === undefined) return;
    const late = (): Error => new Error(`the last checkpoint was not made within ${TAKING_MS / 1000} seconds`);
    await within(TAKING_MS, this.#making, late).catch(this.#onError);
  }

  #startTimer(): void {
    this.#timer ??= setTimeout(() => this.#make(), this.#everyMs).unref();
  }

  #make(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const latest = this.#latest;
    if (latest === undefined || latest.head.seq <= this.#stated) return;
    this.#due = latest.head.seq;
    this.#waiting = latest;
    this.#making ??= this.#makeAll();
  }

  /** One after another, so that an older checkpoint never replaces a newer one. */
  async #makeAll(): Promise<void> {
    try {
      for (let next = this.#waiting; next !== undefined; next = this.#waiting) {
        this.#waiting = undefined;
        if (next.head.seq > this.#stated) await this.#makeOne(next);
      }
    } finally {
      // At once, so that nothing is left to wait for a loop that is over.
      this.#making = undefined;
    }
  }

  async #makeOne(place: Latest): Promise<void> {
    const { seq } = place.head;
    // It counts, too, when it is taken too late.
    const made = this.#deliver(place).then(() => void (this.#stated = Math.max(this.#stated, seq)));
    const late = (): Error =>
      new Error(`checkpoints.to has not taken the checkpoint of entry ${seq} within ${TAKING_MS / 1000} seconds`);
    try {
      // In a file, a pass over the log may take longer.
      await (typeof this.#to === "string" ? made : within(TAKING_MS, made, late));
      this.#told = undefined;
    } catch (error) {
      // What is not stated is tried again, though nothing more is appended.
      if (!this.#isClosing) this.#startTimer();
      const what = String(error);
      if (what !== this.#told) this.#onError(error);
      this.#told = what;
    }
  }

  async #deliver({ log, head }: Latest): Promise<void> {
    const note = signCheckpoint(log, head, this.#signer);
    if (typeof this.#to !== "string") {
      await this.#to(note);
      return;
    }
    let former: Anchor | undefined;
    // Another process may put one there while we look into the log: that one is then held against the log, too.
    do {
      former = readCheckpointFile(this.#to, this.#signer);
      if (former !== undefined && former.hash !== this.#written) {
        // Replacing one that this log contradicts would wipe out the proof that the log was another once.
        const contradiction = await contradictionOf(former, this.#entries());
        if (contradiction !== undefined) {
          throw new Error(`the log ${contradiction.what}. The checkpoint in ${this.#to} stays as it is`);
        }
        // Another process of the same log was quicker.
        if (former.size > head.seq) return;
      }
    } while (!replaceCheckpointFile(this.#to, note, this.#signer, former));
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
