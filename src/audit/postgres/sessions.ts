/** Connections to the server: had in time or not at all, and given back only when nothing is under way on them. */

import { AuditUnavailableError } from "../../errors.ts";
import { connectFailure, timeoutFailure } from "./failure.ts";
import { Session, type Preparing } from "./session.ts";
import type { PostgresClient, PostgresPool, PostgresTarget } from "./target.ts";
import { within } from "../within.ts";

/** Connections of one process to one log, at most: one appends, one reads what the decision depends on. */
const MAX_CONNECTIONS = 2;

/** A connection that nobody uses is closed after so many milliseconds. */
const IDLE_MS = 10_000;

/** After so many milliseconds without use, a connection that was kept goes back to its pool. */
const KEPT_MS = 100;

/** A connection that is kept for a moment, for one caller who uses it again and again. */
export class KeptSession {
  readonly #sessions: Sessions;
  #kept: Session | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(sessions: Sessions) {
    this.#sessions = sessions;
  }

  /** As {@link Sessions.use}; not to be called again before it has resolved. */
  async use<T>(work: (session: Session) => Promise<T>): Promise<T> {
    clearTimeout(this.#timer);
    if (this.#kept?.isBroken === true) this.letGo();
    const session = (this.#kept ??= await this.#sessions.acquire());
    try {
      const answer = await work(session);
      this.#timer = setTimeout(() => this.letGo(), KEPT_MS).unref();
      return answer;
    } catch (error) {
      this.#kept = undefined;
      // It may have left a transaction open.
      session.release(true);
      throw error;
    }
  }

  /** Gives the connection back. */
  letGo(): void {
    clearTimeout(this.#timer);
    this.#kept?.release();
    this.#kept = undefined;
  }
}

/** The connections to one server. */
export class Sessions {
  readonly #target: PostgresTarget;
  readonly #preparing: Preparing = { isPossible: true };
  #own: Promise<OwnPool> | undefined;

  constructor(target: PostgresTarget) {
    this.#target = target;
  }

  /**
   * A connection; to be released.
   *
   * @throws AuditUnavailableError when the package `pg` is not installed.
   * @throws PostgresFailure when none can be had in time.
   */
  async acquire(): Promise<Session> {
    const { connectTimeoutMs, answerTimeoutMs } = this.#target;
    const pool = await this.#pool();
    const connecting = connected(pool);
    let isLate = false;
    const client = await within(connectTimeoutMs, connecting, () => {
      isLate = true;
      return timeoutFailure("no connection to the server could be had", connectTimeoutMs, true);
    }).finally(() => {
      if (isLate)
        connecting.then(
          (late) => late.release(),
          () => {},
        );
    });
    return new Session(client, answerTimeoutMs, this.#preparing);
  }

  /** Gives a connection to `work` and takes it back. Throws as {@link acquire} does, and what `work` throws. */
  async use<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const session = await this.acquire();
    try {
      const answer = await work(session);
      session.release();
      return answer;
    } catch (error) {
      // It may have left a transaction open.
      session.release(true);
      throw error;
    }
  }

  /** Whether others wait for a connection of a pool that is the host's. */
  get areWanted(): boolean {
    return (this.#target.pool?.waitingCount ?? 0) > 0;
  }

  /** Ends the connections that are ours. */
  async close(): Promise<void> {
    const own = await this.#own?.catch(() => undefined);
    this.#own = undefined;
    await own?.end();
  }

  async #pool(): Promise<PostgresPool> {
    const { pool } = this.#target;
    if (pool === undefined) return await (this.#own ??= openPool(this.#target));
    ignoreIdleErrors(pool);
    return pool;
  }
}

/** @throws PostgresFailure also for what `pg` throws at once: a certificate that can't be read, say. */
async function connected(pool: PostgresPool): Promise<PostgresClient> {
  try {
    return await pool.connect();
  } catch (error) {
    throw connectFailure(error);
  }
}

interface OwnPool extends PostgresPool {
  end(): Promise<void>;
}

async function openPool({ name, url, connectTimeoutMs }: PostgresTarget): Promise<OwnPool> {
  const { Pool } = await import("pg").catch((error: unknown) => {
    const problem = "the package pg can't be loaded. Install it: npm install pg";
    throw new AuditUnavailableError(name, problem, { cause: error });
  });
  const pool = new Pool({
    ...(url !== undefined && { connectionString: url }),
    application_name: "capfence",
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: IDLE_MS,
    keepAlive: true,
    // As with a file: a log that nobody closed does not keep the process alive.
    allowExitOnIdle: true,
  });
  ignoreIdleErrors(pool);
  return pool;
}

const quiet = new WeakSet<PostgresPool>();

/** A server that stops ends idle connections too; unheard, that would end the process. The next use says what is wrong. */
function ignoreIdleErrors(pool: PostgresPool): void {
  if (quiet.has(pool)) return;
  quiet.add(pool);
  pool.on("error", () => {});
}
