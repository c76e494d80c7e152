/** Tells when something was appended to a log: by notification when people wait for it, and by looking otherwise. */

import type { Pause } from "../store.ts";
import { PostgresFailure } from "./failure.ts";
import type { Session } from "./session.ts";
import { Sessions } from "./sessions.ts";
import type { PostgresTarget } from "./target.ts";

/**
 * How often a log is looked at, in milliseconds. Only requests, answers and grants are notified of: notifying makes the
 * commits of the whole server wait for one another.
 */
const LOOK_MS = 250;

/** How often whoever waits for an answer asks though nobody was notified, in milliseconds: a notification may be lost. */
const ASK_MS = 2_000;

/**
 * Yields at once, whenever the log has grown, and a last time after `signal` has been aborted.
 *
 * @throws PostgresFailure when the server can't be reached at first. A connection that is lost later is made again.
 */
export async function* growth(target: PostgresTarget, pause: Pause, signal: AbortSignal): AsyncGenerator<void> {
  const sessions = new Sessions(target);
  let session: Session | undefined = await sessions.acquire();
  let seen: string | undefined;
  try {
    for (;;) {
      const isOver = signal.aborted;
      try {
        session ??= await sessions.acquire();
        const head = await lastSeq(session, target.log);
        if (head !== seen || isOver) yield;
        seen = head;
      } catch (error) {
        if (!(error instanceof PostgresFailure)) throw error;
        session?.release(true);
        session = undefined;
      }
      if (isOver) return;
      await pause(LOOK_MS, signal);
    }
  } finally {
    session?.release();
    await sessions.close();
  }
}

async function lastSeq(session: Session, log: string): Promise<string> {
  const text = `SELECT max(seq)::text AS seq FROM capfence.entries
    WHERE log = (SELECT id FROM capfence.logs WHERE name = $1)`;
  const [row] = await session.transact(async () => await session.run<{ readonly seq: string | null }>(text, [log]));
  return row?.seq ?? "";
}

/** How long the bell is off when there is no connection for it, in milliseconds. */
const OFF_MS = 1_000;

/** Wakes those who wait for a person's answer. However many they are, they share one connection. */
export class Bell {
  readonly #target: PostgresTarget;
  readonly #sleepers = new Set<() => void>();
  #stop: AbortController | undefined;

  constructor(target: PostgresTarget) {
    this.#target = target;
  }

  /** Yields at once, whenever it rings, every two seconds, and a last time after `signal` has been aborted. */
  async *rings(pause: Pause, signal: AbortSignal): AsyncGenerator<void> {
    let bell = new AbortController();
    const wake = (): void => bell.abort();
    this.#sleepers.add(wake);
    this.#begin(pause);
    try {
      for (;;) {
        const isOver = signal.aborted;
        // Before the caller looks, so that what comes in between is heard.
        bell = new AbortController();
        yield;
        if (isOver) return;
        await pause(ASK_MS, AbortSignal.any([signal, bell.signal]));
      }
    } finally {
      this.#sleepers.delete(wake);
      if (this.#sleepers.size === 0) this.#end();
    }
  }

  #begin(pause: Pause): void {
    if (this.#stop !== undefined) return;
    this.#stop = new AbortController();
    void this.#listen(pause, this.#stop.signal);
  }

  #end(): void {
    this.#stop?.abort();
    this.#stop = undefined;
  }

  /**
   * Listens until it is told to stop, and not while somebody needs the connection more: a host's pool may have no other. Whoever
   * can't be woken meanwhile asks every two seconds all the same.
   */
  async #listen(pause: Pause, stop: AbortSignal): Promise<void> {
    const sessions = new Sessions(this.#target);
    while (!stop.aborted) {
      // What it failed of, whoever looks for the answer is told.
      if (!sessions.areWanted) await this.#hear(sessions, pause, stop).catch(() => {});
      await pause(OFF_MS, stop);
    }
    await sessions.close();
  }

  /** Rings when it is notified, as long as there is a connection that nobody else waits for. */
  async #hear(sessions: Sessions, pause: Pause, stop: AbortSignal): Promise<void> {
    const ring = (): void => {
      for (const wake of this.#sleepers) wake();
    };
    const session = await sessions.acquire();
    session.client.on("notification", ring);
    try {
      await session.run("LISTEN capfence");
      // What came before is not notified of any more.
      ring();
      do await pause(LOOK_MS, stop);
      while (!stop.aborted && !session.isBroken && !sessions.areWanted);
    } finally {
      session.client.off("notification", ring);
      session.release(true);
    }
  }
}
