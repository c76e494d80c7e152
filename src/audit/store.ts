/** What the audit log needs of the place where it is kept. There are two: `file/file-store.ts`, `postgres/store.ts`. */

import type { CapFenceError } from "../errors.ts";
import type { ChainCheck } from "./checks/chain-check.ts";
import type { Head, PreparedEntry, StoredEntry } from "./format/entry.ts";
import type { Proposal, Settled } from "./appending/proposal.ts";

/** Which end of a log is read first. */
export type ReadingOrder = "oldest first" | "latest first";

/** A place that holds one log, or can. Nothing is opened before it is needed. */
export interface AuditStore {
  /** How messages name it. No secret is in it. */
  readonly name: string;

  /**
   * What tells it from every other log that this process may write; the same for every name of one log.
   *
   * @throws AuditUnavailableError when the place can't be looked into.
   */
  key(): string;

  /**
   * Opens the log for appending, or makes a new one. A process has one writer for each log; see `log.ts`. What goes wrong
   * later and stops nothing is told to `report`.
   *
   * @throws AuditUnavailableError when the log can't be reached, read or written.
   * @throws AuditCorruptError when it contradicts itself.
   */
  openWriter(report: (problem: CapFenceError) => void): Promise<StoreWriter>;

  /** Every entry, each once and each checked against its hash. Throws as `readEntries` does. */
  entries(order: ReadingOrder): AsyncIterable<StoredEntry>;

  /**
   * Gives every entry, as it is stored, to `check`; yields every now and then, so that what was checked can be taken and
   * others may run.
   *
   * @throws AuditUnavailableError when there is no log, or it can't be read.
   * @throws AuditCorruptError when nothing more can be read, because of what it holds.
   */
  check(check: ChainCheck): AsyncIterable<void>;

  /**
   * Makes a new log of entries that were recorded elsewhere, whole or not at all.
   *
   * @throws AuditUnavailableError when there is a log already, or it can't be written.
   */
  receive(entries: AsyncIterable<StoredEntry>): Promise<void>;

  /**
   * Makes sure that every entry that was read before, and can still be read, is durable and not taken back any more.
   *
   * @throws AuditUnavailableError when somebody is in the middle of a write for 15 seconds.
   */
  flush(): Promise<void>;

  /**
   * Yields at once, whenever something may have been appended (or something about approvals, if that is all one waits for),
   * and a last time after `signal` has been aborted.
   */
  changes(what: "anything" | "approvals", pause: Pause, signal: AbortSignal): AsyncIterable<void>;
}

/** Resolves after so many milliseconds, or as soon as `signal` is aborted. */
export type Pause = (milliseconds: number, signal: AbortSignal) => Promise<void>;

/** Appends to one log. */
export interface StoreWriter {
  /** The log's identity, the same in all its entries. */
  readonly identity: string;

  /** Why this writer has stopped for good, if it has. */
  readonly failure: CapFenceError | undefined;

  /**
   * Appends an entry and resolves with its place in the chain once it is durable. Calls made at the same time share one
   * flush.
   *
   * @throws AuditUnavailableError when it can't be written.
   * @throws AuditCorruptError when the log contradicts what this writer knows.
   */
  append(entry: PreparedEntry): Promise<Head>;

  /**
   * Appends what a proposal decides and resolves with its answer once that is durable. From what the proposal is told until
   * its entries have their place, nobody appends anything else.
   *
   * @throws AuditUnavailableError, AuditCorruptError as {@link append}.
   */
  propose<T>(proposal: Proposal<T>): Promise<Settled<T>>;

  /** Stops for good: every waiting and further append is refused with `failure`. */
  fail(failure: CapFenceError): void;

  /**
   * Takes on an entry that had to be recorded and could not be: nothing else is recorded before it is. Answers whether it
   * does so; a store whose failures last does not.
   */
  owe(entry: PreparedEntry): boolean;

  /**
   * Finishes what is waiting and lets go of the log.
   *
   * @throws AuditUnavailableError, AuditCorruptError why that could not be done in order, or why it had stopped before.
   */
  close(): Promise<void>;

  /** The same at the end of the process, when nothing asynchronous runs any more, as far as it can be done. */
  closeNow(): void;
}
