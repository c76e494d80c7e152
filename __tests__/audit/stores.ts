/** The places a log can be kept in, each with what tests need beside the code under test: to read it raw, and to tamper. */

import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

import { Client } from "pg";
import { afterAll, describe } from "vitest";

import { parseEntry } from "../../src/audit/format/entry.ts";
import { Passing } from "../../src/audit/postgres/passing.ts";
import { migrate } from "../../src/audit/postgres/schema.ts";
import { postgresTarget } from "../../src/audit/postgres/target.ts";
import { derivedColumns, DERIVED_COLUMNS } from "../../src/audit/format/schema.ts";
import { emptyDatabase } from "../postgres/database.ts";
import { newLogPath, storedEntries, type Stored } from "./sample-log.ts";
import { altered } from "./tampering.ts";

/** A row as somebody who may do everything can write it. */
export type Row = Omit<Stored, "seq"> & { readonly seq: number | bigint };

/** One kind of place. */
export interface TestStore {
  readonly name: string;
  /** Where a log does not exist yet. */
  readonly newLog: () => string;
  /** All that is stored, in order, nothing of it checked. */
  readonly stored: (location: string) => Promise<readonly Stored[]>;
  /** Puts these rows in the place of all rows; what is derived from a row's text is made to agree with it. The log is closed. */
  readonly replace: (location: string, rows: readonly Row[]) => Promise<void>;
}

const files: TestStore = {
  name: "files",
  newLog: newLogPath,
  stored: async (path) => storedEntries(path),
  replace: async (path, rows) => {
    const bytes = altered(readFileSync(path), (database) => {
      database.run("CREATE TEMP TABLE former AS SELECT * FROM entries; DELETE FROM entries");
      for (const { seq, hash, body } of rows) {
        const entry = parseEntry(body);
        const derived = entry === undefined ? undefined : derivedColumns(entry);
        const former = database.exec(`SELECT ${DERIVED_COLUMNS.join(", ")} FROM former LIMIT 1`)[0]?.values[0] ?? [];
        database.run(`INSERT INTO entries VALUES (?, ?, ?${", ?".repeat(DERIVED_COLUMNS.length)})`, [
          String(seq),
          hash,
          body,
          ...(derived ?? former).map((value) => value ?? null),
        ]);
      }
      database.run("DROP TABLE former");
    });
    writeFileSync(path, bytes);
  },
};

/** The database of the test file that runs, and a connection to it of a user who may do everything. */
let current: { readonly url: string; readonly superuser: Client } | undefined;

/**
 * Makes a database that is ready for logs, for this test file alone; answers its URL, `undefined` where there is no
 * server. To be awaited at the top of a test file: modules are shared by the files of a worker, databases are not.
 */
export async function logDatabase(): Promise<string | undefined> {
  const url = await emptyDatabase();
  if (url === undefined) return undefined;
  await migrate(postgresTarget(url));
  const superuser = new Client({ connectionString: url });
  await superuser.connect();
  current = { url, superuser };
  afterAll(async () => {
    current = undefined;
    await superuser.end();
  });
  return url;
}

/** The location of a log that does not exist yet in the database at `url`. */
export function newPostgresLog(url: string | undefined): string {
  const location = new URL(url ?? "postgres:");
  location.searchParams.set("log", `log ${randomBytes(6).toString("hex")}`);
  return location.href;
}

/** Runs a statement as a user who may do everything. */
export async function sql<T>(text: string, values: readonly unknown[] = []): Promise<readonly T[]> {
  if (current === undefined) throw new Error("this file has no database for logs");
  return (await current.superuser.query(text, [...values])).rows as T[];
}

/** What the database calls a log. */
export function nameOf(location: string): string {
  return new URL(location).searchParams.get("log") ?? "default";
}

const postgres: TestStore = {
  name: "PostgreSQL",
  newLog: () => newPostgresLog(current?.url),
  stored: async (location) => {
    const rows = await sql<{ seq: string; hash: string; body: string }>(
      "SELECT seq, hash, body FROM capfence.entries AS e WHERE log = (SELECT id FROM capfence.logs WHERE name = $1) ORDER BY e.seq",
      [nameOf(location)],
    );
    return rows.map(({ seq, hash, body }) => ({ seq: Number(seq), hash, body }));
  },
  replace: async (location, rows) => {
    // Somebody who may do everything may also take away what stands in the way.
    await sql("ALTER TABLE capfence.entries DROP CONSTRAINT IF EXISTS entries_pkey");
    const [log] = await sql<{ id: number }>("SELECT id FROM capfence.logs WHERE name = $1", [nameOf(location)]);
    await sql("DELETE FROM capfence.entries WHERE log = $1", [log?.id]);
    const passing = new Passing();
    for (const { seq, hash, body } of rows.toSorted((left, right) => (left.seq < right.seq ? -1 : 1))) {
      const entry = parseEntry(body);
      const values = [log?.id, String(seq), hash, entry?.kind ?? "decision", body, entry ? passing.next(entry) : null];
      await sql(
        "INSERT INTO capfence.entries (log, seq, hash, kind, body, passed) VALUES ($1, $2, $3, $4, $5, $6)",
        values,
      );
    }
    await sql("UPDATE capfence.logs SET latest = $2 WHERE id = $1", [log?.id, passing.latest]);
  },
};

/** The kinds of place there are; the second can be used where there is a server. */
export const stores = [files, postgres] as const;

/** Says the same of every store; one that this platform has not is reported as skipped. Makes the file's {@link logDatabase}. */
export async function describeStores(what: string, tests: (store: TestStore) => void): Promise<void> {
  const database = await logDatabase();
  describe(`${what}, in files`, () => tests(files));
  describe.skipIf(database === undefined)(`${what}, in PostgreSQL`, () => tests(postgres));
}
