/** What somebody with a hex editor and SQLite can do to a log's files. */

import { createHash } from "node:crypto";

import type { Database, SqlValue } from "sql.js";

import { withDatabase, type Stored } from "./sample-log.ts";

/** The columns of `entries` behind `seq`, which is the row's key and can hold nothing but a number. */
export const COLUMNS = [
  "hash",
  "body",
  "ts",
  "kind",
  "agent_id",
  "capability",
  "environment",
  "decision",
  "reason",
  "rule",
  "outcome",
  "decision_seq",
] as const;

const LOOSE_TABLE = `CREATE TABLE entries (seq INTEGER PRIMARY KEY, ${COLUMNS.map((name) => `${name} BLOB`).join(", ")})`;

/** The file with `work` done to it. */
export function altered(bytes: Uint8Array, work: string | ((database: Database) => void)): Uint8Array {
  return withDatabase(bytes, (database) => {
    if (typeof work === "string") database.run(work);
    else work(database);
    return database.export();
  });
}

/** The same, with the table's types and constraints out of the way meanwhile. */
export function alteredLoosely(bytes: Uint8Array, work: string): Uint8Array {
  const schema = withDatabase(bytes, (database) => tableSql(database));
  const loose = altered(bytes, (database) => setTableSql(database, LOOSE_TABLE));
  return altered(altered(loose, work), (database) => setTableSql(database, schema));
}

/** A file with the same schema and rows whose text is in another encoding. */
export function encoded(bytes: Uint8Array, encoding: "UTF-16le" | "UTF-16be"): Uint8Array {
  return withDatabase(new Uint8Array(), (made) => {
    made.run(`PRAGMA encoding = '${encoding}'`);
    withDatabase(bytes, (database) => {
      for (const name of ["application_id", "user_version"]) {
        made.run(`PRAGMA ${name} = ${String(database.exec(`PRAGMA ${name}`)[0]?.values[0]?.[0])}`);
      }
      for (const [sql] of database.exec("SELECT sql FROM sqlite_schema")[0]?.values ?? []) made.run(String(sql));
      const { columns, values } = database.exec("SELECT * FROM entries")[0] ?? { columns: [], values: [] };
      const insertion = `INSERT INTO entries VALUES (${columns.map(() => "?").join(", ")})`;
      for (const row of values) made.run(insertion, row);
    });
    return made.export();
  });
}

function tableSql(database: Database): SqlValue {
  return database.exec("SELECT sql FROM sqlite_schema WHERE name = 'entries'")[0]?.values[0]?.[0] ?? null;
}

function setTableSql(database: Database, schema: SqlValue): void {
  database.run("PRAGMA writable_schema = ON");
  database.run("UPDATE sqlite_schema SET sql = ? WHERE name = 'entries'", [schema]);
}

/**
 * The file with an entry's text changed by `change`, and its hash and the columns of a decision made to agree with it
 * again. With `onwards`, all entries after it are chained to the changed one.
 */
export function rewritten(
  bytes: Uint8Array,
  seq: number,
  change: (body: string) => string,
  onwards: "onwards" | "alone" = "alone",
): Uint8Array {
  return altered(bytes, (database) => {
    const rows = database.exec(`SELECT seq, hash, body FROM entries WHERE seq >= ${seq} ORDER BY seq`)[0]?.values ?? [];
    let previous: { readonly old: string; readonly hash: string } | undefined;
    for (const [number, old, body] of onwards === "onwards" ? rows : rows.slice(0, 1)) {
      const next = previous === undefined ? change(String(body)) : String(body).replace(previous.old, previous.hash);
      const hash = sha256(next);
      const { decision, actor } = JSON.parse(next) as { decision?: string; actor?: string };
      database.run("UPDATE entries SET hash = ?, body = ?, decision = ?, agent_id = ? WHERE seq = ?", [
        hash,
        next,
        decision ?? null,
        actor ?? null,
        number ?? null,
      ]);
      previous = { old: String(old), hash };
    }
  });
}

/** The hexadecimal SHA-256 of text. */
export function sha256(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}

/** A tail's line. */
export function line({ hash, body }: Pick<Stored, "hash" | "body">): string {
  return `${hash} ${body}\n`;
}

/** All that anyone can read in a database file: every value with its type and bytes, and the schema. */
export function contentOf(bytes: Uint8Array): string {
  try {
    return withDatabase(bytes, (database) => {
      const values = COLUMNS.map((name) => `typeof(${name}), hex(${name})`).join(", ");
      return JSON.stringify([
        database.exec(`SELECT seq, ${values} FROM entries ORDER BY seq`),
        database.exec("SELECT type, name, hex(sql) FROM sqlite_schema"),
        database.exec("SELECT * FROM decisions"),
        database.exec("PRAGMA user_version"),
        database.exec("PRAGMA application_id"),
      ]);
    });
  } catch (error) {
    return `unreadable: ${String(error)}`;
  }
}

/** A copy of `bytes` with one byte changed. */
export function flipped(bytes: Uint8Array, offset: number, mask: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[offset] = (copy[offset] ?? 0) ^ mask;
  return copy;
}
