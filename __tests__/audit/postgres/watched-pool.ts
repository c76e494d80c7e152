/** A pool whose statements are seen on their way to the server, each before it is sent. */

import { Pool, type PoolClient, type QueryConfig } from "pg";
import { onTestFinished } from "vitest";

import type { PostgresPool } from "../../../src/audit/postgres/target.ts";

/** A statement that was answered. */
interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
  readonly rows: readonly unknown[];
}

/** Has real connections, one at a time, until the test is over. */
export class WatchedPool implements PostgresPool {
  /** Those that were answered, in order. */
  readonly answered: Statement[] = [];
  /** Waited for before each statement, told its text, its values, and what ends the connection's session on the server. */
  onStatement: (text: string, values: readonly unknown[], endSession: () => Promise<void>) => Promise<void> =
    async () => {};
  /** Whether the connection ends when the next statement is done, before its answer is there. */
  isAnswerLost = false;
  readonly #pool: Pool;
  readonly #other: Pool;

  constructor(url: string) {
    this.#pool = new Pool({ connectionString: url, max: 1 });
    this.#other = new Pool({ connectionString: url, max: 1 });
    onTestFinished(async () => {
      await this.#pool.end();
      await this.#other.end();
    });
  }

  on(event: "error", listener: () => void): void {
    this.#pool.on(event, listener);
  }

  async connect(): Promise<Awaited<ReturnType<PostgresPool["connect"]>>> {
    const client = await this.#pool.connect();
    return {
      query: async (query) => await this.#query(client, query),
      on: (event, listener) => client.on(event, listener),
      off: (event, listener) => client.off(event, listener),
      release: (destroy) => client.release(destroy),
    };
  }

  async #query(client: PoolClient, query: QueryConfig): Promise<{ readonly rows: readonly unknown[] }> {
    const { text, values = [] } = query;
    const { rows: own } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
    const endSession = async (): Promise<void> => {
      // With a time to wait, it answers when the session has ended.
      await this.#other.query("SELECT pg_terminate_backend($1, 10000)", [own[0]?.pid]);
    };
    await this.onStatement(text, values, endSession);
    const answer = await client.query<Record<string, unknown>>(query);
    if (this.isAnswerLost) {
      this.isAnswerLost = false;
      await endSession();
      // Fails as the statement would have.
      return await client.query(query);
    }
    this.answered.push({ text, values, rows: answer.rows });
    return answer;
  }
}
