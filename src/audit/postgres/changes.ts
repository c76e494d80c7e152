/** Tells when something may have been appended to a log: at once when people wait for it, else by looking. */

import type { Pause } from "../store.ts";
import { PostgresFailure } from "./failure.ts";
import { Sessions, type Session } from "./sessions.ts";
import type { PostgresTarget } from "./target.ts";

/**
 * How often it is looked, in milliseconds. Only requests, answers and grants are notified of: notifying makes the commits
 * of the whole server wait for one another.
 */
const POLL_MS = 250;

/**
 * Yields at once, whenever the log has grown, and a last time after `signal` has been aborted.
 *
 * @throws PostgresFailure when the server can't be reached at first. A connection that is lost later is made again.
 */
export async function* watch(target: PostgresTarget, pause: Pause, signal: AbortSignal): AsyncGenerator<void> {
  const sessions = new Sessions(target);
  let session: Session | undefined = await sessions.acquire();
  let wake = new AbortController();
  const onNotification = (): void => wake.abort();
  try {
    await listen(session, onNotification);
    let seen: string | undefined;
    for (;;) {
      const isOver = signal.aborted;
      try {
        session ??= await listening(sessions, onNotification);
        const head = await lastSeq(session, target.log);
        if (head !== seen || isOver) yield;
        seen = head;
      } catch (error) {
        if (!(error instanceof PostgresFailure)) throw error;
        session?.release(true);
        session = undefined;
      }
      if (isOver) return;
      await pause(POLL_MS, AbortSignal.any([signal, wake.signal]));
      if (wake.signal.aborted) wake = new AbortController();
    }
  } finally {
    session?.release(true);
    await sessions.close();
  }
}

async function listening(sessions: Sessions, onNotification: () => void): Promise<Session> {
  const session = await sessions.acquire();
  await listen(session, onNotification);
  return session;
}

async function listen(session: Session, onNotification: () => void): Promise<void> {
  session.client.on("notification", onNotification);
  await session.run("LISTEN capfence");
}

async function lastSeq(session: Session, log: string): Promise<string> {
  const [row] = await session.run<{ readonly seq: string | null }>(
    `SELECT max(seq)::text AS seq FROM capfence.entries
     WHERE log = (SELECT id FROM capfence.logs WHERE name = $1)`,
    [log],
  );
  return row?.seq ?? "";
}
