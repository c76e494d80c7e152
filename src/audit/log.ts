/** The audit log as its users hold it. Any number of holders in a process share one writer for each log. */

import { setTimeout as sleep } from "node:timers/promises";

import { AuditUnavailableError, type CapFenceError } from "../errors.ts";
import type { Head, PreparedEntry, StoredEntry } from "./format/entry.ts";
import { storeAt, type AuditLocation } from "./location.ts";
import type { Proposal, Settled } from "./appending/proposal.ts";
import type { AuditStore, ReadingOrder, StoreWriter } from "./store.ts";
import type { WriterSurroundings } from "./file/writer.ts";

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => {});
}

interface Holder {
  /** Aborted when it can append nothing more. */
  readonly end: AbortController;
  /** Is told of what goes wrong while nobody appends. */
  readonly listener: ((problem: CapFenceError) => void) | undefined;
}

interface SharedWriter {
  readonly writer: Promise<StoreWriter>;
  /** The writer once it is open. */
  opened: StoreWriter | undefined;
  readonly holders: Set<Holder>;
}

type Writers = Map<string, SharedWriter>;

const REGISTRY = Symbol.for("capfence.audit.writers.v3");

/** The process's writers by what tells their logs apart. On globalThis, so that two copies of this package share them. */
function writers(): Writers {
  const global = globalThis as { [REGISTRY]?: Writers };
  let registry = global[REGISTRY];
  if (registry === undefined) {
    registry = new Map();
    global[REGISTRY] = registry;
    process.once("exit", closeAllNow);
  }
  return registry;
}

function closeAllNow(): void {
  for (const { opened } of writers().values()) opened?.closeNow();
}

/** Tells everyone who waits for a change of a log whose writer has stopped for good. */
function endAll({ holders }: SharedWriter): void {
  for (const { end } of holders) end.abort();
}

/** A hold on the log at a location, which is opened by the first append. */
export class AuditLog {
  /** How messages name it: the absolute path of a file. */
  readonly path: string;
  readonly #store: AuditStore;
  readonly #self: Holder;
  #held: Promise<{ readonly key: string; readonly shared: SharedWriter }> | undefined;
  #shared: SharedWriter | undefined;
  #failure: CapFenceError | undefined;

  /**
   * A path may be relative to the present working directory. Nothing is opened yet. `listener` is told of what goes wrong
   * while nobody appends, as long as this holds the log.
   */
  constructor(location: AuditLocation, surroundings?: WriterSurroundings, listener?: (problem: CapFenceError) => void) {
    this.#store = storeAt(location, surroundings);
    this.#self = { end: new AbortController(), listener };
    this.path = this.#store.name;
  }

  /**
   * Appends an entry; resolves with its place in the chain once it is durable.
   *
   * @throws AuditUnavailableError when the log can't be opened (the next append tries again), or can't be written or
   *   was closed (it stays closed).
   * @throws AuditCorruptError when the log's files contradict themselves.
   */
  async append(entry: PreparedEntry): Promise<Head> {
    return await this.#with(async (writer) => await writer.append(entry));
  }

  /**
   * Appends what `proposal` decides while nobody else can append; resolves with its answer once that is durable.
   *
   * @throws AuditUnavailableError, AuditCorruptError as {@link append}.
   */
  async propose<T>(proposal: Proposal<T>): Promise<Settled<T>> {
    return await this.#with(async (writer) => await writer.propose(proposal));
  }

  async #with<T>(work: (writer: StoreWriter) => Promise<T>): Promise<T> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#held ??= this.#hold();
    const held = this.#held;
    try {
      const { shared } = await held;
      return await work(await shared.writer);
    } catch (error) {
      // Not opened: the next append tries again.
      if (this.#shared === undefined && this.#held === held) this.#held = undefined;
      if (this.#shared?.opened?.failure !== undefined) endAll(this.#shared);
      throw error;
    }
  }

  /** Every entry, each once and each checked against its hash. Throws as `readEntries` does. */
  entries(order: ReadingOrder): AsyncIterable<StoredEntry> {
    return this.#store.entries(order);
  }

  /**
   * Yields at once, whenever something about approvals may have been appended, and a last time after `signal` has been
   * aborted or this log has been closed: whoever waits for an answer then learns that it can't be used any more.
   */
  approvalChanges(signal: AbortSignal): AsyncIterable<void> {
    return this.#store.changes("approvals", pause, AbortSignal.any([signal, this.#self.end.signal]));
  }

  /** The log's identity; `undefined` before the first append. */
  get identity(): string | undefined {
    return this.#shared?.opened?.identity;
  }

  /**
   * Closes the log to everyone in this process: something that had to be recorded was not. Where the store may take it
   * later, the log is closed until it does.
   */
  async fail(failure: CapFenceError, unrecorded?: PreparedEntry): Promise<void> {
    if (unrecorded !== undefined && this.#shared?.opened?.owe(unrecorded) === true) return;
    this.#failure ??= failure;
    this.#self.end.abort();
    const held = await this.#held?.catch(() => undefined);
    if (held === undefined) return;
    held.shared.opened?.fail(failure);
    endAll(held.shared);
  }

  /**
   * Lets go of the log. When nobody else in this process holds it, waits for what is being written and folds it into
   * the database file.
   *
   * @throws AuditUnavailableError, AuditCorruptError when it was not folded; every entry that was acknowledged is safe in
   *   the tail.
   */
  async close(): Promise<void> {
    this.#failure ??= new AuditUnavailableError(this.path, "it has been closed");
    this.#self.end.abort();
    const holding = this.#held;
    // At once, so that closing twice lets go once.
    this.#held = undefined;
    const held = await holding?.catch(() => undefined);
    if (held === undefined) return;
    held.shared.holders.delete(this.#self);
    if (held.shared.holders.size > 0) return;
    if (writers().get(held.key) === held.shared) writers().delete(held.key);
    const { opened } = held.shared;
    if (opened === undefined) return;
    // No longer in the registry, and so not among those that are closed when the process ends.
    const closeNow = (): void => opened.closeNow();
    process.once("exit", closeNow);
    try {
      await opened.close();
    } finally {
      process.off("exit", closeNow);
    }
  }

  async #hold(): Promise<{ readonly key: string; readonly shared: SharedWriter }> {
    const key = this.#store.key();
    let shared = writers().get(key);
    if (shared === undefined || shared.opened?.failure !== undefined) {
      const holders = new Set<Holder>();
      const report = (problem: CapFenceError): void => {
        for (const { listener } of holders) listener?.(problem);
        if (made.opened?.failure !== undefined) endAll(made);
      };
      const made: SharedWriter = { writer: this.#store.openWriter(report), opened: undefined, holders };
      shared = made;
      writers().set(key, shared);
    }
    shared.holders.add(this.#self);
    try {
      shared.opened = await shared.writer;
    } catch (error) {
      if (writers().get(key) === shared) writers().delete(key);
      throw error;
    }
    this.#shared = shared;
    return { key, shared };
  }
}
