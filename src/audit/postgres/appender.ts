/**
 * Appends entries to one log and makes sure of what became of it: an append whose answer was lost is asked for again by
 * its id, which does nothing twice.
 */

import { setTimeout as pause } from "node:timers/promises";

import { newId } from "../../new-id.ts";
import type { Head, PreparedEntry } from "../format/entry.ts";
import { appendEntries, type Append } from "./asking.ts";
import { isConflict, PostgresFailure } from "./failure.ts";
import { linked, type Appended } from "./links.ts";
import type { KeptSession } from "./sessions.ts";
import type { PostgresTarget } from "./target.ts";

/** How often a transaction that another one stood in the way of is tried. */
export const MAX_CONFLICTS = 5;

/** Pauses between looks for an append whose end is not known, in milliseconds: the first, and the longest. */
const FIRST_PAUSE_MS = 25;
const MAX_PAUSE_MS = 1_000;

/** An append of entries that somebody may still want to know about. */
interface OwnAppend extends Append {
  readonly entries: readonly PreparedEntry[];
}

/** Pauses that get longer. */
export class Patience {
  #ms = FIRST_PAUSE_MS;

  async wait(): Promise<void> {
    await pause(this.#ms);
    this.#ms = Math.min(2 * this.#ms, MAX_PAUSE_MS);
  }
}

/** Appends to one log, one append after the other. */
export class Appender {
  readonly #target: PostgresTarget;
  readonly #session: KeptSession;
  readonly #identity: string;
  /** An entry that is known to be there. */
  known: Head;
  /** An append that may or may not have been done: it is asked for again before anything else. */
  #doubt: OwnAppend | undefined;
  /** Sessions here are set to an isolation level or an encoding that `capfence.append` refuses (CF004). */
  #needsOwnTransaction = false;

  constructor(target: PostgresTarget, session: KeptSession, identity: string, known: Head) {
    this.#target = target;
    this.#session = session;
    this.#identity = identity;
    this.known = known;
  }

  /** The entries of which it is not known whether they are there. */
  get doubtful(): readonly PreparedEntry[] {
    return this.#doubt?.entries ?? [];
  }

  /**
   * Appends entries together, all or none; answers their places once they are durable.
   *
   * @throws PostgresFailure when they were not, or that can't be found out in time; then they are {@link doubtful}.
   * @throws AuditCorruptError when the server recorded something else.
   */
  async append(entries: readonly PreparedEntry[], ts: string): Promise<readonly Head[]> {
    if (entries.length === 0) return [];
    const templates = entries.map((entry) => entry.template(this.#identity, ts));
    const append: OwnAppend = { id: newId(), templates, entries };
    return this.#done(append, await this.#certainly(append));
  }

  /**
   * Asks once for what is doubtful, so that it is there; answers those entries.
   *
   * @throws PostgresFailure when it stays open. AuditCorruptError as {@link append}.
   */
  async settle(): Promise<readonly PreparedEntry[]> {
    const doubt = this.#doubt;
    if (doubt === undefined) return [];
    this.#done(doubt, await this.#ask(doubt, true));
    this.#doubt = undefined;
    return doubt.entries;
  }

  async #certainly(append: OwnAppend): Promise<Appended> {
    const patience = new Patience();
    let doubtfulSince: number | undefined;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#ask(append, attempt > 1);
      } catch (error) {
        if (!(error instanceof PostgresFailure) || error.code === "CF002") throw error;
        if (!error.isUndone) doubtfulSince ??= performance.now();
        if (doubtfulSince === undefined) {
          if (!isConflict(error) || attempt >= MAX_CONFLICTS) throw error;
        } else if (performance.now() - doubtfulSince > this.#target.resolveTimeoutMs) {
          this.#doubt = append;
          throw stillDoubtful(error);
        }
        await patience.wait();
      }
    }
  }

  /** Asks on a session as it is; in a transaction of its own, which is two round trips more, where that is refused. */
  async #ask(append: Append, again: boolean): Promise<Appended> {
    try {
      return await this.#askOnce(append, again);
    } catch (error) {
      if (!(error instanceof PostgresFailure) || error.code !== "CF004" || this.#needsOwnTransaction) throw error;
      this.#needsOwnTransaction = true;
      return await this.#askOnce(append, again);
    }
  }

  async #askOnce(append: Append, again: boolean): Promise<Appended> {
    return await this.#session.use(async (session) => {
      const ask = async (): Promise<Appended> => await appendEntries(session, this.#target, append, this.known, again);
      return this.#needsOwnTransaction ? await session.transact(ask) : await ask();
    });
  }

  #done({ templates }: Append, appended: Appended): readonly Head[] {
    const places = linked(this.#target.name, templates, appended, this.known);
    this.known = places.at(-1) ?? this.known;
    return places;
  }
}

/** Whether something was recorded could not be found out in time. */
export function stillDoubtful({ message }: PostgresFailure): PostgresFailure {
  const problem = "the server did not say whether the entry was recorded, and it could not be found out in time";
  return new PostgresFailure(`${problem} (${message})`, "", false);
}
