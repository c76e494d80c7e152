/** Reads a log's files: its sealed segments, the database and the tail, as one sequence. Nothing here writes or locks. */

import { AuditCorruptError, AuditUnavailableError } from "../../errors.ts";
import { errorCode } from "../../file-problem.ts";
import { withDatabase } from "./database.ts";
import type { StoredEntry } from "../format/entry.ts";
import { explainFileError, nodeFiles, type FileIdentity } from "./files.ts";
import { databaseEntries, eachOnce, tailEntries } from "./parts.ts";
import { listSegments } from "./segments.ts";
import { loadEngine, type Engine } from "./sqlite.ts";
import type { ReadingOrder } from "../store.ts";
import { tailPath } from "./tail-file.ts";

/**
 * Bytes that are too many for one file: it is read as a whole. A database is sealed at 32 MiB; only one that was copied from
 * elsewhere is larger. What is longer was made longer by somebody, and need take no space on the disk.
 */
const TOO_LARGE = 2_147_483_648;

/** The bytes of a log's two open files, and which file the database was before the tail was opened. */
export interface LogBytes {
  readonly identity: FileIdentity | undefined;
  /** Absent when everything is in the database. */
  readonly tail: Buffer | undefined;
  readonly database: Buffer;
}

/**
 * Reads a log's open files. The tail first: what leaves it in the meantime is then found in the database. Segments are
 * to be listed afterwards, for the same reason.
 *
 * @throws AuditUnavailableError when there is no log at `path` or it can't be read.
 * @throws AuditCorruptError when the database is missing beside a tail.
 */
export function readLogBytes(path: string): LogBytes {
  const identity = identifyFile(path);
  const tail = readIfThere(tailPath(path));
  const database = readIfThere(path);
  if (database === undefined) {
    if (tail !== undefined) throw new AuditCorruptError(path, "the file is missing, but its tail is there");
    throw new AuditUnavailableError(path, "there is no such file");
  }
  return { identity, tail, database };
}

/** A file that can be read as a whole; `undefined` when there is no such file. @throws AuditUnavailableError when it can't. */
function identifyReadable(path: string): FileIdentity | undefined {
  const found = identifyFile(path);
  if (found === undefined) return undefined;
  if (!found.ordinary) throw new AuditUnavailableError(path, "it is not an ordinary file");
  if (found.size >= TOO_LARGE)
    throw new AuditUnavailableError(path, "it has 2 GiB or more, which no file of a log has");
  return found;
}

/** A file's bytes; `undefined` when there is no such file. @throws AuditUnavailableError when it can't be read. */
function readIfThere(path: string): Buffer | undefined {
  if (identifyReadable(path) === undefined) return undefined;
  try {
    return nodeFiles.readFile(path);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw new AuditUnavailableError(path, explainFileError(error), { cause: error });
  }
}

/** Memory that one file after another is read into: what is left to the garbage collector stays for long. */
export class ReadingSpace {
  #space: Buffer = Buffer.alloc(0);

  /** As {@link readIfThere}; the bytes are good until the next file is read. */
  read(path: string): Buffer | undefined {
    const found = identifyReadable(path);
    if (found === undefined) return undefined;
    if (this.#space.length < found.size) this.#space = Buffer.allocUnsafeSlow(found.size);
    try {
      const fd = nodeFiles.openRead(path);
      try {
        return nodeFiles.read(fd, 0, found.size, this.#space);
      } finally {
        nodeFiles.close(fd);
      }
    } catch (error) {
      if (errorCode(error) === "ENOENT") return undefined;
      throw new AuditUnavailableError(path, explainFileError(error), { cause: error });
    }
  }
}

/** Which file is there; `undefined` when none is. @throws AuditUnavailableError when that can't be seen. */
export function identifyFile(path: string): FileIdentity | undefined {
  try {
    return nodeFiles.identify(path);
  } catch (error) {
    throw new AuditUnavailableError(path, explainFileError(error), { cause: error });
  }
}

/**
 * Every entry of the log at a real path, each once. Only one part of the log is in memory at a time.
 *
 * @throws AuditUnavailableError when there is no log or it can't be read.
 * @throws AuditCorruptError at the first entry that is damaged.
 */
export async function* readFiles(path: string, order: ReadingOrder): AsyncGenerator<StoredEntry> {
  const engine = await loadEngine();
  const { tail, database } = readLogBytes(path);
  const identity = withDatabase(engine, Buffer.from(database), path, (opened) => opened.last().entry.log);
  const parts = [
    ...listSegments(nodeFiles, path, identity).map((segment) => segmentEntries(engine, segment.path, order)),
    databaseEntries(engine, database, path, order),
    tailEntries(tail, path, order),
  ];
  yield* eachOnce(order === "oldest first" ? parts : parts.toReversed(), order);
}

/** Reads a segment's file when its first entry is asked for. */
function* segmentEntries(engine: Engine, path: string, order: ReadingOrder): Generator<StoredEntry> {
  const bytes = readIfThere(path);
  if (bytes !== undefined) yield* databaseEntries(engine, bytes, path, order);
}
