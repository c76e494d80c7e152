/** Reads the rows of a database file as they stand, believing nothing of them. */

import { AuditCorruptError } from "../../errors.ts";
import { DERIVED_COLUMNS } from "./schema.ts";
import type { SqliteFile, Value } from "../file/sqlite.ts";

/** A row as it stands in the file. */
export interface Row {
  readonly seq: number;
  readonly hash: Value;
  /** The body's text; `undefined` when the file has no text there, or bytes that are not the UTF-8 of any text. */
  readonly body: string | undefined;
  readonly derived: readonly Value[];
  /** Bytes of all derived columns together: text that goes on after a NUL, which a string would not show, adds to it. */
  readonly derivedBytes: number;
  /** Whether the derived columns are these to the byte and the type, as SQLite compares them. */
  readonly agrees: (derived: readonly (string | number | null)[]) => boolean;
}

const BYTES = DERIVED_COLUMNS.map((name) => `ifnull(octet_length(${name}), 0)`).join(" + ");

const COMPARISON = `SELECT ${DERIVED_COLUMNS.map((name) => `${name} IS ?`).join(" AND ")}
  AND typeof(decision_seq) IN ('integer', 'null') FROM entries WHERE seq = ?`;

/**
 * All rows in order, or in the reverse order, one at a time; only those behind the entry at `after`, if that is given.
 *
 * @throws AuditCorruptError when the file can't be read on, or its rows are not in order.
 */
export function* readRows(file: SqliteFile, order: "ASC" | "DESC", after = -1): Generator<Row> {
  const comparison = file.prepare(COMPARISON);
  const rows = file.stream(
    // A byte order mark before a text is not shown to us, nor is what is behind a NUL.
    `SELECT seq, iif(octet_length(hash) = 64, hash, NULL), body, octet_length(body), ${BYTES}, ${DERIVED_COLUMNS.join(", ")}
     FROM entries ${after < 0 ? "" : `WHERE seq > ${after}`} ORDER BY seq ${order}`,
  );
  let before = order === "ASC" ? -Infinity : Infinity;
  try {
    for (const [key = null, hash = null, body = null, bodyBytes, derivedBytes, ...derived] of rows) {
      // The table's key, which SQLite makes an integer whatever is written there.
      const seq = Number(key);
      // The pages of a file that somebody made may lead to the same rows without end.
      if (order === "ASC" ? seq <= before : seq >= before) {
        throw new AuditCorruptError(file.path, "its rows are not in order");
      }
      before = seq;
      const isExact = typeof body === "string" && isExactly(file, seq, body, Number(bodyBytes));
      const agrees: Row["agrees"] = (columns) => comparison.first([...columns, seq])?.[0] === 1;
      yield { seq, hash, body: isExact ? body : undefined, derived, derivedBytes: Number(derivedBytes), agrees };
    }
  } finally {
    comparison.free();
  }
}

/**
 * Whether a body's bytes are just the UTF-8 of the text that we were given. A byte order mark before it is not shown to us,
 * nor perhaps what is behind a NUL, and what is not UTF-8 becomes U+FFFD, so these are looked at.
 */
function isExactly(file: SqliteFile, seq: number, body: string, bytes: number): boolean {
  if (Buffer.byteLength(body) !== bytes) return false;
  if (!body.includes("\uFFFD")) return true;
  const stored = file.scalar(`SELECT CAST(body AS BLOB) FROM entries WHERE seq = ${seq}`);
  return stored instanceof Uint8Array && Buffer.from(body, "utf8").equals(stored);
}
