/** `audit.db`: an ordinary SQLite file of entries, built and read as a whole and put in place by atomic rename. */

import { AuditCorruptError, AuditUnavailableError } from "../../errors.ts";
import { FORMAT_VERSION, soundEntry, type Head, type SegmentEntry, type StoredEntry } from "../format/entry.ts";
import { readRows, type Row } from "../format/rows.ts";
import { APPLICATION_ID, CREATION, DERIVED_COLUMNS, derivedColumns, SCHEMA } from "../format/schema.ts";
import { SqliteFile, type Engine, type PreparedStatement, type Value } from "./sqlite.ts";

/**
 * Opens a file's bytes, which become the database's own, for the time of `work`.
 *
 * @throws AuditCorruptError, AuditUnavailableError as {@link EntryDatabase.open}.
 */
export function withDatabase<T>(
  engine: Engine,
  bytes: Uint8Array,
  path: string,
  work: (database: EntryDatabase) => T,
): T {
  const database = EntryDatabase.open(engine, bytes, path);
  try {
    return work(database);
  } finally {
    database.close();
  }
}

/** One whole database file in memory. */
export class EntryDatabase {
  readonly #file: SqliteFile;
  #insert: PreparedStatement | undefined;

  private constructor(file: SqliteFile) {
    this.#file = file;
  }

  /** A new, empty log. */
  static create(engine: Engine, path: string): EntryDatabase {
    const file = new SqliteFile(engine, path);
    for (const statement of CREATION) file.run(statement);
    return new EntryDatabase(file);
  }

  /**
   * Opens the bytes of a file, which become the database's own.
   *
   * @throws AuditCorruptError when they are not a CapFence log.
   * @throws AuditUnavailableError when they are one of a newer version.
   */
  static open(engine: Engine, bytes: Uint8Array, path: string): EntryDatabase {
    if (bytes.length === 0) throw new AuditCorruptError(path, "the file is empty");
    const file = new SqliteFile(engine, path, bytes);
    try {
      checkHeader(file);
    } catch (error) {
      file.close();
      throw error;
    }
    return new EntryDatabase(file);
  }

  /** Adds an entry that has been checked. */
  append({ seq, hash, body, entry }: StoredEntry): void {
    this.#insert ??= this.#beginInserting();
    this.#insert.first([seq, ...[hash, body, ...derivedColumns(entry)].map(asBytes)]);
  }

  /** One transaction for all rows: each in one of its own takes three times as long. */
  #beginInserting(): PreparedStatement {
    this.#file.run("BEGIN");
    const texts = DERIVED_COLUMNS.slice(0, -1).map(() => "CAST(? AS TEXT)");
    return this.#file.prepare(
      `INSERT INTO entries VALUES (?, CAST(? AS TEXT), CAST(? AS TEXT), ${texts.join(", ")}, ?)`,
    );
  }

  /**
   * The first entry.
   *
   * @throws AuditCorruptError when there is none, or its hash is not the hash of its text.
   */
  first(): StoredEntry {
    return this.#one("ORDER BY seq ASC LIMIT 1");
  }

  /** The last entry. @throws AuditCorruptError as {@link first}. */
  last(): StoredEntry {
    return this.#one("ORDER BY seq DESC LIMIT 1");
  }

  /** The last entry that names a sealed segment, if there is one. @throws AuditCorruptError as {@link first}. */
  lastSegment(): SegmentEntry | undefined {
    if (this.#file.scalar("SELECT count(*) FROM entries WHERE kind = 'segment'") === 0) return undefined;
    const { entry } = this.#one("WHERE kind = 'segment' ORDER BY seq DESC LIMIT 1");
    return entry.kind === "segment" ? entry : undefined;
  }

  #one(which: string): StoredEntry {
    const [seq, hash, body] = this.#file.all(`SELECT seq, hash, body FROM entries ${which}`)[0] ?? [];
    return this.#sound(seq ?? null, hash, body);
  }

  #sound(seq: Value, hash: unknown, body: unknown): StoredEntry {
    const stored = soundEntry(hash, body);
    if (stored !== undefined && stored.seq === seq) return stored;
    const which = seq === null ? "it has no entries" : `entry ${String(seq)} is damaged`;
    const detail = typeof seq === "number" ? { seq } : {};
    throw new AuditCorruptError(this.#file.path, `${which}. Run capfence verify`, detail);
  }

  /** Whether the file holds the entry that `head` names. */
  holds(head: Head): boolean {
    const statement = this.#file.prepare("SELECT hash FROM entries WHERE seq = ?");
    try {
      return statement.first([head.seq])?.[0] === head.hash;
    } finally {
      statement.free();
    }
  }

  /** All rows in order, nothing of them believed. @throws AuditCorruptError when the file can't be read on. */
  rows(): Generator<Row> {
    return readRows(this.#file, "ASC");
  }

  /**
   * All entries in order, or in the reverse order, one at a time; only those behind `after`, if that is given.
   *
   * @throws AuditCorruptError at the first whose hash is not the hash of its text.
   */
  *entries(order: "ASC" | "DESC" = "ASC", after?: number): Generator<StoredEntry> {
    for (const { seq, hash, body } of readRows(this.#file, order, after)) yield this.#sound(seq, hash, body);
  }

  /** What SQLite's own check of the file's structure finds; `undefined` when all is well. */
  structureProblem(): string | undefined {
    const answer = this.#file.scalar("PRAGMA quick_check(1)");
    return answer === "ok" ? undefined : String(answer);
  }

  /** Ends adding, which takes some milliseconds of what {@link export} would take. */
  commit(): void {
    if (this.#insert !== undefined) this.#file.run("COMMIT");
    this.#insert = undefined;
  }

  /** The file's bytes. */
  export(): Uint8Array {
    this.commit();
    return this.#file.export();
  }

  close(): void {
    this.#file.close();
  }
}

/** Text as bytes: sql.js is slow at handing over text. */
function asBytes(value: string | number | null): Value {
  return typeof value === "string" ? Buffer.from(value, "utf8") : value;
}

/** @throws AuditCorruptError, AuditUnavailableError when it is no log of this version. */
function checkHeader(file: SqliteFile): void {
  const version = file.scalar("PRAGMA user_version");
  const schema = file.all("SELECT type, name, tbl_name, sql FROM sqlite_schema");
  const isOurs = file.scalar("PRAGMA application_id") === APPLICATION_ID;
  // In UTF-16, SQLite would make the text of what is stored, which need not be what was hashed.
  const isUtf8 = file.scalar("PRAGMA encoding") === "UTF-8";
  if (isOurs && typeof version === "number" && version > FORMAT_VERSION) {
    throw new AuditUnavailableError(
      file.path,
      `written in format ${version}, and this version of capfence reads format ${FORMAT_VERSION}. Use a newer one`,
    );
  }
  const isUnchanged = isUtf8 && JSON.stringify(schema) === JSON.stringify(SCHEMA);
  if (!isOurs || version !== FORMAT_VERSION || !isUnchanged) {
    throw new AuditCorruptError(file.path, "not a CapFence log, or its tables were changed");
  }
}
