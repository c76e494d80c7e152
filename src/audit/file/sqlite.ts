/** SQLite files in memory, through sql.js. This is the only module that knows it. */

import type { Database, SqlJsStatic, SqlValue } from "sql.js";

import { AuditCorruptError } from "../../errors.ts";

/** SQLite, loaded. */
export type Engine = SqlJsStatic;

/** A value as SQLite gives it. */
export type Value = SqlValue;

let engine: Promise<Engine> | undefined;

/** Loads SQLite once for the process. Everything else here is synchronous. */
export async function loadEngine(): Promise<Engine> {
  engine ??= import("sql.js").then(({ default: init }) => init());
  return await engine;
}

/** A statement that is run again and again. */
export interface PreparedStatement {
  /** Its first row with these values bound; `undefined` when there is none. */
  readonly first: (values: readonly Value[]) => readonly Value[] | undefined;
  readonly free: () => void;
}

/** One whole file. Every method throws {@link AuditCorruptError} when SQLite refuses: nothing but damage makes it refuse. */
export class SqliteFile {
  readonly #database: Database;
  /** The file's path, for messages. */
  readonly path: string;

  /** A file of these bytes, which become its own and are changed; a new one without any. */
  constructor(sql: Engine, path: string, bytes?: Uint8Array) {
    this.#database = new sql.Database(bytes);
    this.path = path;
  }

  run(statement: string): void {
    this.#guard(() => this.#database.run(statement));
  }

  all(query: string): Value[][] {
    return this.#guard(() => this.#database.exec(query)[0]?.values ?? []);
  }

  /** The first value of the first row. */
  scalar(query: string): Value | undefined {
    return this.all(query)[0]?.[0];
  }

  prepare(query: string): PreparedStatement {
    const statement = this.#guard(() => this.#database.prepare(query));
    return {
      first: (values) =>
        this.#guard(() => {
          statement.bind([...values]);
          const row = statement.step() ? statement.get() : undefined;
          statement.reset();
          return row;
        }),
      free: () => void statement.free(),
    };
  }

  /** A query's rows, one at a time. */
  *stream(query: string): Generator<Value[]> {
    const statement = this.#guard(() => this.#database.prepare(query));
    const next = (): Value[] | undefined => (statement.step() ? statement.get() : undefined);
    try {
      for (let row = this.#guard(next); row !== undefined; row = this.#guard(next)) yield row;
    } finally {
      statement.free();
    }
  }

  /** The file's bytes. Ends every prepared statement. */
  export(): Uint8Array {
    return this.#guard(() => this.#database.export());
  }

  close(): void {
    this.#database.close();
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new AuditCorruptError(this.path, `not a readable SQLite file (${reason})`, { cause: error });
    }
  }
}
