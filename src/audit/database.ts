/**
 * `audit.db`: an ordinary SQLite file, built and read as a whole by sql.js and put in place by atomic rename. This is
 * the only module that knows sql.js.
 */

import type { Database, SqlJsStatic, SqlValue, Statement } from "sql.js";

import { AuditCorruptError, AuditUnavailableError } from "../errors.ts";
import {
  FORMAT_VERSION,
  parseEntry,
  sha256,
  type Entry,
  type Head,
  type SegmentEntry,
  type StoredEntry,
} from "./entry.ts";

/** SQLite, loaded. */
export type Engine = SqlJsStatic;

let engine: Promise<Engine> | undefined;

/** Loads SQLite once for the process. Everything else here is synchronous. */
export async function loadEngine(): Promise<Engine> {
  engine ??= import("sql.js").then(({ default: init }) => init());
  return await engine;
}

/** "CapF", the application id in the file's header, by which tools like file(1) know it (SQLite file format, offset 68). */
const APPLICATION_ID = 0x43617046;

const TABLE = `CREATE TABLE entries (
  seq INTEGER PRIMARY KEY,
  hash TEXT NOT NULL,
  body TEXT NOT NULL,
  ts TEXT NOT NULL,
  kind TEXT NOT NULL,
  agent_id TEXT,
  capability TEXT,
  environment TEXT,
  decision TEXT,
  reason TEXT,
  rule TEXT,
  outcome TEXT,
  decision_seq INTEGER
)`;

const VIEW = `CREATE VIEW decisions (timestamp, agent_id, capability, decision, reason) AS
SELECT replace(substr(ts, 1, 19), 'T', ' '), agent_id, capability, decision, reason
FROM entries WHERE kind = 'decision' ORDER BY seq`;

/** Every object of the schema, as sqlite_schema lists it. There is no index: one could say something else than its table. */
const SCHEMA: readonly SchemaObject[] = [
  { type: "table", name: "entries", sql: TABLE },
  { type: "view", name: "decisions", sql: VIEW },
];

interface SchemaObject {
  readonly type: string;
  readonly name: string;
  readonly sql: string;
}

/** The columns derived from an entry, in the order of the table. */
export const DERIVED_COLUMNS = [
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

/** The values of {@link DERIVED_COLUMNS} that follow from an entry. */
export function derivedColumns(entry: Entry): readonly (string | number | null)[] {
  const decision = entry.kind === "decision" ? entry : undefined;
  const outcome = entry.kind === "outcome" ? entry : undefined;
  const call = decision ?? outcome;
  return [
    entry.ts,
    entry.kind,
    call?.actor ?? null,
    call?.capability ?? null,
    call?.environment ?? null,
    decision?.decision ?? null,
    decision?.reason ?? null,
    decision?.rule?.id ?? null,
    outcome?.status ?? null,
    outcome?.of ?? null,
  ];
}

/** A row as it stands in the file, nothing of it believed yet. */
export interface Row {
  readonly seq: SqlValue;
  readonly hash: SqlValue;
  /** The body's text; `undefined` when the file has no text there, or bytes that are not the UTF-8 of any text. */
  readonly body: string | undefined;
  readonly derived: readonly SqlValue[];
  /** Bytes of all derived columns together: text that goes on after a NUL, which a string would not show, adds to it. */
  readonly derivedBytes: number;
  /** Whether the derived columns are these to the byte and the type, as SQLite compares them. */
  readonly agrees: (derived: readonly (string | number | null)[]) => boolean;
}

/** One whole database file in memory. */
export class EntryDatabase {
  readonly #database: Database;
  readonly #path: string;
  #insert: Statement | undefined;

  private constructor(database: Database, path: string) {
    this.#database = database;
    this.#path = path;
  }

  /** A new, empty log. */
  static create(sql: Engine, path: string): EntryDatabase {
    const database = new sql.Database();
    database.run(`PRAGMA application_id = ${APPLICATION_ID}`);
    database.run(`PRAGMA user_version = ${FORMAT_VERSION}`);
    for (const object of SCHEMA) database.run(object.sql);
    return new EntryDatabase(database, path);
  }

  /**
   * Opens the bytes of a file, which become the database's own.
   *
   * @throws AuditCorruptError when they are not a CapFence log.
   * @throws AuditUnavailableError when they are one of a newer version.
   */
  static open(sql: Engine, bytes: Uint8Array, path: string): EntryDatabase {
    if (bytes.length === 0) throw new AuditCorruptError(path, "the file is empty");
    const opened = new EntryDatabase(new sql.Database(bytes), path);
    try {
      opened.#checkHeader();
    } catch (error) {
      opened.close();
      throw error;
    }
    return opened;
  }

  #checkHeader(): void {
    const version = this.#scalar("PRAGMA user_version");
    const schema = this.#all("SELECT type, name, tbl_name, sql FROM sqlite_schema");
    const isOurs = this.#scalar("PRAGMA application_id") === APPLICATION_ID;
    if (isOurs && typeof version === "number" && version > FORMAT_VERSION) {
      throw new AuditUnavailableError(
        this.#path,
        `written in format ${version}, and this version of capfence reads format ${FORMAT_VERSION}. Use a newer one`,
      );
    }
    const expected = SCHEMA.map(({ type, name, sql }) => [type, name, name, sql]);
    if (!isOurs || version !== FORMAT_VERSION || JSON.stringify(schema) !== JSON.stringify(expected)) {
      throw new AuditCorruptError(this.#path, "not a CapFence log, or its tables were changed");
    }
  }

  /** Adds an entry that has been checked. */
  append(stored: StoredEntry): void {
    this.#guard(() => {
      this.#insert ??= this.#database.prepare(
        `INSERT INTO entries VALUES (?, ?, ?${", ?".repeat(DERIVED_COLUMNS.length)})`,
      );
      this.#insert.run([stored.seq, stored.hash, stored.body, ...derivedColumns(stored.entry)]);
    });
  }

  /**
   * The first entry.
   *
   * @throws AuditCorruptError when there is none, or its hash is not the hash of its text.
   */
  first(): StoredEntry {
    return this.#sound("ORDER BY seq ASC LIMIT 1");
  }

  /** The last entry. @throws AuditCorruptError as {@link first}. */
  last(): StoredEntry {
    return this.#sound("ORDER BY seq DESC LIMIT 1");
  }

  /** The last entry that names a sealed segment, if there is one. @throws AuditCorruptError as {@link first}. */
  lastSegment(): SegmentEntry | undefined {
    if (this.#scalar("SELECT count(*) FROM entries WHERE kind = 'segment'") === 0) return undefined;
    const { entry } = this.#sound("WHERE kind = 'segment' ORDER BY seq DESC LIMIT 1");
    return entry.kind === "segment" ? entry : undefined;
  }

  #sound(which: string): StoredEntry {
    const [row] = this.#all(`SELECT seq, hash, body FROM entries ${which}`);
    const [seq, hash, body] = row ?? [];
    const entry = typeof body === "string" && sha256(body) === hash ? parseEntry(body) : undefined;
    if (typeof hash !== "string" || typeof body !== "string" || entry?.seq !== seq || entry === undefined) {
      throw new AuditCorruptError(this.#path, `entry ${String(seq ?? "")} in the database is missing or damaged`, {
        ...(typeof seq === "number" && { seq }),
      });
    }
    return { seq: entry.seq, hash, body, entry };
  }

  /** Whether the file holds the entry that `head` names. */
  holds(head: Head): boolean {
    return this.#guard(() => {
      const statement = this.#database.prepare("SELECT hash FROM entries WHERE seq = ?");
      try {
        statement.bind([head.seq]);
        return statement.step() && statement.get()[0] === head.hash;
      } finally {
        statement.free();
      }
    });
  }

  /**
   * All rows in order, or in the reverse order, one at a time.
   *
   * @throws AuditCorruptError when the file can't be read on, or its rows are not in order.
   */
  *rows(order: "ASC" | "DESC" = "ASC"): Generator<Row> {
    const bytes = DERIVED_COLUMNS.map((name) => `ifnull(octet_length(${name}), 0)`).join(" + ");
    const comparison = this.#guard(() =>
      this.#database.prepare(
        `SELECT ${DERIVED_COLUMNS.map((name) => `${name} IS ?`).join(" AND ")}
           AND typeof(decision_seq) IN ('integer', 'null') FROM entries WHERE seq = ?`,
      ),
    );
    const statement = this.#guard(() =>
      this.#database.prepare(
        // A byte order mark before a text is not shown to us, nor is what is behind a NUL.
        `SELECT seq, iif(octet_length(hash) = 64, hash, NULL), body, octet_length(body), ${bytes}, ${DERIVED_COLUMNS.join(", ")}
         FROM entries ORDER BY seq ${order}`,
      ),
    );
    const step = (): SqlValue[] | undefined => (statement.step() ? statement.get() : undefined);
    let before = order === "ASC" ? -Infinity : Infinity;
    try {
      for (let values = this.#guard(step); values !== undefined; values = this.#guard(step)) {
        const [seq = null, hash = null, body = null, bodyBytes, derivedBytes, ...derived] = values;
        // The pages of a file that somebody made may lead to the same rows without end.
        if (order === "ASC" ? Number(seq) <= before : Number(seq) >= before) {
          throw new AuditCorruptError(this.#path, "its rows are not in order");
        }
        before = Number(seq);
        const isExact = typeof body === "string" && this.#isExact(seq, body, Number(bodyBytes));
        const agrees: Row["agrees"] = (columns) => this.#guard(() => comparison.get([...columns, seq])[0] === 1);
        yield { seq, hash, body: isExact ? body : undefined, derived, derivedBytes: Number(derivedBytes), agrees };
      }
    } finally {
      statement.free();
      comparison.free();
    }
  }

  /**
   * Whether a body's bytes are just the UTF-8 of the text that we were given. Text ends at a NUL, and what is not UTF-8
   * becomes U+FFFD, so these two are looked at.
   */
  #isExact(seq: SqlValue, body: string, bytes: number): boolean {
    if (Buffer.byteLength(body) !== bytes) return false;
    if (!body.includes("\uFFFD")) return true;
    const stored = this.#scalar(`SELECT CAST(body AS BLOB) FROM entries WHERE seq = ${Number(seq)}`);
    return stored instanceof Uint8Array && Buffer.from(body, "utf8").equals(stored);
  }

  /**
   * All entries in order, or in the reverse order, one at a time.
   *
   * @throws AuditCorruptError at the first whose hash is not the hash of its text.
   */
  *entries(order: "ASC" | "DESC" = "ASC"): Generator<StoredEntry> {
    for (const { seq, hash, body } of this.rows(order)) {
      const entry = body !== undefined && sha256(body) === hash ? parseEntry(body) : undefined;
      if (typeof hash !== "string" || body === undefined || entry === undefined || entry.seq !== seq) {
        throw new AuditCorruptError(this.#path, `entry ${String(seq)} is damaged. Run capfence verify`, {
          ...(typeof seq === "number" && { seq }),
        });
      }
      yield { seq: entry.seq, hash, body, entry };
    }
  }

  /** What SQLite's own check of the file's structure finds; `undefined` when all is well. */
  structureProblem(): string | undefined {
    const answer = this.#scalar("PRAGMA quick_check(1)");
    return answer === "ok" ? undefined : String(answer);
  }

  /** The file's bytes. Nothing can be added afterwards: exporting ends every prepared statement. */
  export(): Uint8Array {
    return this.#guard(() => this.#database.export());
  }

  close(): void {
    this.#database.close();
  }

  #all(query: string): SqlValue[][] {
    return this.#guard(() => this.#database.exec(query)[0]?.values ?? []);
  }

  #scalar(query: string): SqlValue | undefined {
    return this.#all(query)[0]?.[0];
  }

  /** What SQLite refuses is a damaged file; nothing else here can make it fail. */
  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new AuditCorruptError(this.#path, `not a readable SQLite file (${reason})`, { cause: error });
    }
  }
}
