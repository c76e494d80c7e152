/** One connection to the server, in use by one caller: statements, transactions, and what it ended of. */

import { connectFailure, isOfAnotherSession, PostgresFailure, statementFailure, timeoutFailure } from "./failure.ts";
import type { PostgresClient } from "./target.ts";
import { within } from "../within.ts";

/** All that is read is text: a host may have parsers of its own for every type. */
const TEXT = { getTypeParser: () => String };

/** Whether statements may be prepared. Not where a pooler puts another session of the server behind each transaction. */
export interface Preparing {
  isPossible: boolean;
}

/** One connection, in use by one caller. */
export class Session {
  readonly #client: PostgresClient;
  readonly #answerTimeoutMs: number;
  readonly #preparing: Preparing;
  #isBroken = false;
  /** What the connection ended of while nothing was asked: the server says why only then, and once. */
  #end: PostgresFailure | undefined;
  readonly #onError = (error: unknown): void => {
    this.#isBroken = true;
    this.#end ??= connectFailure(error);
  };
  /** Whether the server committed something without the standby that commits wait for, and said no more than that. */
  #isAlone = false;
  readonly #onNotice = (notice: unknown): void => {
    // Of a notice, the routine is what is not translated (PostgreSQL, protocol, error and notice message fields).
    this.#isAlone ||= typeof notice === "object" && (notice as { routine?: unknown }).routine === "SyncRepWaitForLSN";
  };

  constructor(client: PostgresClient, answerTimeoutMs: number, preparing: Preparing) {
    this.#client = client;
    this.#answerTimeoutMs = answerTimeoutMs;
    this.#preparing = preparing;
    client.on("error", this.#onError);
    client.on("notice", this.#onNotice);
  }

  get client(): PostgresClient {
    return this.#client;
  }

  /** Whether nothing can be run on it any more. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /**
   * Runs one statement and answers its rows, whose columns are to be of type `text`. One with a name is prepared once for a
   * connection.
   *
   * @throws PostgresFailure
   */
  async run<Row>(text: string, values: readonly unknown[] = [], name?: string): Promise<readonly Row[]> {
    if (this.#end !== undefined) throw this.#end;
    const isPrepared = name !== undefined && this.#preparing.isPossible;
    const query = { text, values: [...values], types: TEXT, ...(isPrepared && { name }) };
    const answer = this.#client.query(query).catch((error: unknown) => {
      const failure = statementFailure(error);
      if (isOfAnotherSession(failure)) this.#preparing.isPossible = false;
      throw failure;
    });
    try {
      const { rows } = await within(this.#answerTimeoutMs, answer, () =>
        timeoutFailure("the server has not answered", this.#answerTimeoutMs, false),
      );
      if (this.#isAlone) throw new PostgresFailure("the wait for a standby was cancelled", "", false);
      return rows as readonly Row[];
    } catch (error) {
      // A transaction that was begun and a statement without answer must not meet the connection's next user.
      this.#isBroken = true;
      throw error;
    }
  }

  /**
   * Begins a transaction of this kind, in which text is UTF-8, whatever the session is set to. With `idleMs` the server ends
   * it when nothing is asked for so long.
   *
   * @throws PostgresFailure
   */
  async begin(mode: "READ COMMITTED" | "REPEATABLE READ READ ONLY", idleMs?: number): Promise<void> {
    const idle = idleMs === undefined ? "" : `; SET LOCAL idle_in_transaction_session_timeout = ${idleMs}`;
    await this.run(`BEGIN ISOLATION LEVEL ${mode}; SET LOCAL client_encoding = 'UTF8'${idle}`);
  }

  /** Does something in a transaction of its own, at the isolation level that appending needs. @throws PostgresFailure */
  async transact<T>(work: () => Promise<T>): Promise<T> {
    await this.begin("READ COMMITTED");
    const answer = await work();
    await this.run("COMMIT");
    return answer;
  }

  /** Gives the connection back; ends it when something is wrong with it, or it is not as it was when it was had. */
  release(isChanged: boolean = false): void {
    const isOver = this.#isBroken || isChanged;
    this.#client.off("error", this.#onError);
    this.#client.off("notice", this.#onNotice);
    // What a connection says while it ends concerns nobody.
    if (isOver) this.#client.on("error", () => {});
    this.#client.release(isOver);
  }
}
