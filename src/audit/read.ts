/** Reads a log: the database and the tail beside it, as one sequence. Nothing here writes or locks. */

import { AuditCorruptError, AuditUnavailableError } from "../errors.ts";
import { EntryDatabase, loadEngine, type Engine } from "./database.ts";
import { parseEntry, sha256, type StoredEntry } from "./entry.ts";
import { errorCode, explainFileError, nodeFiles } from "./files.ts";
import { parseTailLine, splitTail } from "./tail.ts";
import { tailPath } from "./tail-file.ts";

/** The bytes of a log's files. */
export interface LogBytes {
  /** Absent when everything is in the database. */
  readonly tail: Buffer | undefined;
  readonly database: Buffer;
}

/**
 * Reads a log's files. The tail first: what leaves it in the meantime is then found in the database.
 *
 * @throws AuditUnavailableError when there is no log at `path` or it can't be read.
 * @throws AuditCorruptError when the database is missing beside a tail.
 */
export function readLogBytes(path: string): LogBytes {
  const tail = readIfThere(tailPath(path));
  const database = readIfThere(path);
  if (database === undefined) {
    if (tail !== undefined) throw new AuditCorruptError(path, "the file is missing, but its tail is there");
    throw new AuditUnavailableError(path, "there is no such file");
  }
  return { tail, database };
}

function readIfThere(path: string): Buffer | undefined {
  try {
    const found = nodeFiles.identify(path);
    if (found === undefined) return undefined;
    if (!found.ordinary) throw new AuditUnavailableError(path, "it is not an ordinary file");
    return nodeFiles.readFile(path);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    if (AuditUnavailableError.isInstance(error)) throw error;
    throw new AuditUnavailableError(path, explainFileError(error), { cause: error });
  }
}

/**
 * Every entry of the log at `path`, oldest first. Each entry's text is checked against its hash; the chain as a whole
 * is what `verifyLog` checks.
 *
 * @throws AuditUnavailableError when there is no log or it can't be read.
 * @throws AuditCorruptError at the first entry that is damaged.
 */
export async function* readEntries(path: string): AsyncGenerator<StoredEntry> {
  const engine = await loadEngine();
  const { tail, database } = readLogBytes(path);
  let last = -1;
  for (const stored of databaseEntries(engine, database, path)) {
    last = stored.seq;
    yield stored;
  }
  for (const line of tail === undefined ? [] : splitTail(tail).lines.slice(1)) {
    const stored = parseTailLine(line);
    if (stored === undefined) throw damaged(path, last + 1);
    if (stored.seq > last) yield stored;
  }
}

function* databaseEntries(engine: Engine, bytes: Buffer, path: string): Generator<StoredEntry> {
  const database = EntryDatabase.open(engine, bytes, path);
  try {
    for (const { seq, hash, body } of database.rows()) {
      const text = Buffer.from(body).toString("utf8");
      const entry = sha256(body) === hash ? parseEntry(text) : undefined;
      if (entry === undefined || typeof hash !== "string") throw damaged(path, seq);
      yield { seq: entry.seq, hash, body: text, entry };
    }
  } finally {
    database.close();
  }
}

function damaged(path: string, seq: unknown): AuditCorruptError {
  return new AuditCorruptError(path, `entry ${String(seq)} is damaged. Run capfence verify`, {
    ...(typeof seq === "number" && { seq }),
  });
}
