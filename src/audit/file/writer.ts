/**
 * The writer of one log: appends entries in groups that share one flush, and folds the tail into the database when
 * there is time.
 */

import { randomBytes } from "node:crypto";

import { AuditUnavailableError, CapFenceError } from "../../errors.ts";
import { fileProblem } from "../../file-problem.ts";
import type { Batch } from "../appending/batch.ts";
import { caughtUp } from "./caught-up.ts";
import type { Chain } from "./chain.ts";
import type { Head, PreparedEntry } from "../format/entry.ts";
import { explainFileError, type AuditFiles } from "./files.ts";
import { knowingOpenItems } from "./find-open-items.ts";
import { fold } from "./fold.ts";
import type { FoldContext } from "./fold-context.ts";
import { GroupQueue } from "../appending/group-queue.ts";
import { LockHeldError, LogLock } from "./lock.ts";
import { appending, type Proposal, type Settled } from "../appending/proposal.ts";
import { SEGMENT_ENTRIES } from "./segments.ts";
import { loadEngine } from "./sqlite.ts";
import { openChain } from "./open-chain.ts";
import { doLater, doNow } from "./steps.ts";
import type { TailFile } from "./tail-file.ts";

/** After this long without an append, in milliseconds, the tail is folded. The rest is random: one of many writers is first. */
const IDLE_MS = 1_000;
const IDLE_MORE_MS = 500;

/**
 * A fold builds the whole database anew, so after each in a row that fails twice the time passes before the next, whatever is
 * appended; this long at most, in milliseconds.
 */
const MAX_REST_MS = 300_000;

/**
 * Each time a tail has grown by so many entries, or bytes, it is folded without waiting for an idle moment: by the writer
 * whose entry made it so, and so by one of them.
 */
const FOLD_ENTRIES = 4_096;
const FOLD_BYTES = 8_388_608;

/** Entries written under one lock and flushed together, at most; bounds how long others wait. */
const GROUP_SIZE = 256;

/** What a writer needs from outside; tests put in their own. */
export interface WriterSurroundings {
  readonly files: AuditFiles;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Entries at which a database is sealed. Default: {@link SEGMENT_ENTRIES}. */
  readonly segmentEntries?: number;
}

/** Hears of what goes wrong while nobody appends. */
export type Report = (problem: CapFenceError) => void;

interface Pending {
  /** Whether it may ask what of approvals is open. */
  readonly asks: boolean;
  /** Adds what is to be appended, and answers what to do once that is durable. */
  readonly add: (batch: Batch) => () => void;
  readonly reject: (error: Error) => void;
}

interface Written {
  readonly done: readonly (() => void)[];
  /** What is to be flushed, if anything is. */
  readonly tail: TailFile | undefined;
  readonly isLarge: boolean;
}

/** Appends to one log. A process has one for each log; see `../log.ts`. */
export class LogWriter {
  readonly #path: string;
  readonly #lock: LogLock;
  readonly #context: FoldContext;
  readonly #queue = new GroupQueue<Pending>(GROUP_SIZE, async (group) => await this.#commit(group));
  readonly #report: Report;
  #folding: Promise<void> | undefined;
  #idle: NodeJS.Timeout | undefined;
  /** Folds in a row that have failed. */
  #failedFolds = 0;
  #isClosing = false;
  #failure: CapFenceError | undefined;

  private constructor(context: FoldContext, report: Report) {
    this.#path = context.path;
    this.#report = report;
    this.#lock = context.lock;
    this.#context = context;
    // What a process that crashed left in the tail is folded in when there is time.
    this.#scheduleFold();
  }

  /**
   * Opens the log at a real path, or makes a new one. `report` is told when the tail could not be folded: once, until it
   * can be again; and when the writer has stopped for good because of that.
   *
   * @throws AuditUnavailableError when its files can't be read, written or locked.
   * @throws AuditCorruptError when they contradict themselves.
   */
  static async open(path: string, surroundings: WriterSurroundings, report: Report = () => {}): Promise<LogWriter> {
    const { files, now } = surroundings;
    // In a segment of one there is only room for the entry that names the segment before it.
    const segmentEntries = Math.max(2, surroundings.segmentEntries ?? SEGMENT_ENTRIES);
    const timestamp = (): string => new Date(now()).toISOString();
    const lock = new LogLock(files, path);
    try {
      const engine = await loadEngine();
      lock.prepare();
      const own = { files, engine, path, ownName: lock.ownName.bind(lock) };
      const chain = await openChain(own, lock, randomBytes(16).toString("hex"), timestamp);
      return new LogWriter({ files, engine, path, lock, chain, timestamp, segmentEntries }, report);
    } catch (error) {
      lock.dispose();
      throw unavailable(path, error);
    }
  }

  /** The log's identity, the same in all its entries. */
  get identity(): string {
    return this.#context.chain.log;
  }

  /** Why this writer has stopped for good, if it has. */
  get failure(): CapFenceError | undefined {
    return this.#failure;
  }

  async append(entry: PreparedEntry): Promise<Head> {
    const { heads } = await this.#settled(appending(entry), false);
    return heads[0] as Head;
  }

  /**
   * Appends what a proposal decides, and resolves with its answer once that is durable. Calls made at the same time share
   * one flush.
   *
   * @throws AuditUnavailableError when it can't be written. After a failed write the writer has stopped for good, and so
   *   it has when a proposal throws: nobody knows what that has missed.
   * @throws AuditCorruptError when the log's files contradict what this writer knows; likewise.
   */
  propose<T>(proposal: Proposal<T>): Promise<Settled<T>> {
    return this.#settled(proposal, true);
  }

  #settled<T>(proposal: Proposal<T>, asks: boolean): Promise<Settled<T>> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      const add = (batch: Batch): (() => void) => {
        const { entries, answer } = proposal(batch);
        const heads = entries.map((entry) => batch.add(entry));
        return () => resolve({ heads, answer });
      };
      this.#queue.add({ asks, add, reject });
    });
  }

  /** Stops for good: every waiting and further append is refused with `failure`. */
  fail(failure: CapFenceError): void {
    const first = (this.#failure ??= failure);
    clearTimeout(this.#idle);
    for (const { reject } of this.#queue.clear()) reject(first);
  }

  /** After a failed write there is no telling what a file holds. */
  owe(): boolean {
    return false;
  }

  /**
   * Finishes what is waiting, folds the tail into the database and lets go of the files.
   *
   * @throws AuditUnavailableError, AuditCorruptError why the tail was not folded, or why this writer had stopped before;
   *   every entry that was acknowledged is safe in the tail.
   */
  async close(): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#idle);
    await this.#queue.settled();
    await this.#folding;
    // What stopped it was told to those who appended; whoever closes it must not take the log for folded.
    const failure = this.#failure;
    try {
      if (failure === undefined) await doLater(fold(this.#context));
    } catch (error) {
      throw unavailable(this.#path, error);
    } finally {
      this.#release();
    }
    if (failure !== undefined) throw failure;
  }

  /** The same at the end of the process, when nothing asynchronous runs any more. What can't be folded stays in the tail. */
  closeNow(): void {
    try {
      if (this.#failure === undefined) doNow(fold(this.#context));
    } catch {
      // The tail keeps every entry, and the next process folds it.
    }
    this.#release();
  }

  #release(): void {
    this.fail(new AuditUnavailableError(this.#path, "it has been closed"));
    try {
      this.#context.chain.close();
    } catch {
      // Whatever had to be durable was flushed.
    }
    this.#lock.dispose();
  }

  async #commit(group: readonly Pending[]): Promise<void> {
    try {
      const { done, tail, isLarge } = await this.#write(group);
      // The lock is free again: one flush covers all that any process has written before it.
      await tail?.sync();
      for (const resolve of done) resolve();
      if (isLarge && this.#failedFolds === 0) this.#startFold();
    } catch (error) {
      const failure = unavailable(this.#path, error);
      for (const { reject } of group) reject(failure);
      // A lock that stayed taken leaves nothing half done. Anything else may, and no retry could make it certain.
      if (!(error instanceof LockHeldError)) this.fail(failure);
    }
    this.#scheduleFold();
  }

  /** Writes what a group appends; answers what to do once the tail is flushed. */
  async #write(group: readonly Pending[]): Promise<Written> {
    const { chain, timestamp } = this.#context;
    const asks = group.some((pending) => pending.asks);
    const write = (): Written => {
      const before = thresholdsPassed(chain);
      const batch = chain.batch(timestamp());
      const done = group.map(({ add }) => add(batch));
      const tail = chain.write(batch);
      return { done, tail, isLarge: thresholdsPassed(chain) > before };
    };
    const written = await this.#lock.hold(() => {
      const isReady = chain.catchUp() && (!asks || chain.openItems.register !== undefined);
      return isReady ? write() : undefined;
    });
    if (written !== undefined) return written;
    const work = asks ? knowingOpenItems : caughtUp;
    // Whoever does it later waits for the lock, or is told that it could not be had.
    return (await doLater(work(this.#context, write))) as Written;
  }

  #scheduleFold(): void {
    const { chain } = this.#context;
    if (this.#isClosing || this.#failure !== undefined || chain.tail === undefined) return;
    if (this.#idle === undefined) {
      const moment = IDLE_MS + Math.random() * IDLE_MORE_MS;
      const rest = Math.min(moment * 2 ** this.#failedFolds, MAX_REST_MS);
      this.#idle = setTimeout(() => this.#startFold(), rest).unref();
      // After a failure an append puts nothing off.
    } else if (this.#failedFolds === 0) this.#idle.refresh();
  }

  #startFold(): void {
    if (this.#isClosing || this.#failure !== undefined) return;
    this.#folding ??= this.#fold();
  }

  async #fold(): Promise<void> {
    try {
      await doLater(fold(this.#context));
      this.#failedFolds = 0;
    } catch (error) {
      this.#foldFailed(error);
    } finally {
      this.#folding = undefined;
      clearTimeout(this.#idle);
      this.#idle = undefined;
      // What has come meanwhile was no reason for another fold.
      this.#scheduleFold();
    }
  }

  #foldFailed(error: unknown): void {
    const problem = unavailable(this.#path, error);
    // No room for a second copy is no reason to stop: the tail goes on. A contradiction is.
    const isContradiction = CapFenceError.isInstance(error) && !AuditUnavailableError.isInstance(error);
    if (isContradiction || this.#context.chain.tail?.isDoubtful === true) {
      this.fail(problem);
      // Nobody may append anything for long, and some wait.
      this.#report(problem);
      return;
    }
    this.#failedFolds += 1;
    if (this.#failedFolds > 1 || this.#isClosing) return;
    const what = "its tail could not be folded into the database, and grows until it can be";
    this.#report(
      new AuditUnavailableError(
        this.#path,
        `${what} (${CapFenceError.isInstance(error) ? error.message : fileProblem(error)})`,
        { cause: error },
      ),
    );
  }
}

/** How often the tail has grown by what is reason to fold it. */
function thresholdsPassed({ unfolded, tail }: Chain): number {
  return Math.floor(unfolded / FOLD_ENTRIES) + Math.floor((tail?.size ?? 0) / FOLD_BYTES);
}

/** A failed file-system call as the error that callers know; our own errors as they are. */
function unavailable(path: string, error: unknown): CapFenceError {
  if (CapFenceError.isInstance(error)) return error;
  return new AuditUnavailableError(path, explainFileError(error), { cause: error });
}
