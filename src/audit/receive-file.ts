/** Makes a log in files of entries that were recorded elsewhere. */

import { randomBytes } from "node:crypto";

import { AuditUnavailableError, CapFenceError } from "../errors.ts";
import { EntryDatabase } from "./database.ts";
import type { StoredEntry } from "./entry.ts";
import { explainFileError, type AuditFiles } from "./files.ts";
import { placeLog } from "./new-log.ts";
import { loadEngine } from "./sqlite.ts";

/**
 * Puts a database of these entries, in order, at a real path where there is nothing. All of it is in memory meanwhile.
 *
 * @throws AuditUnavailableError when something is there, it can't be written, or the entries name sealed segments: those
 *   are files of the log as it was, which no copy has.
 */
export async function receiveInFile(
  files: AuditFiles,
  path: string,
  entries: AsyncIterable<StoredEntry>,
): Promise<void> {
  if (files.identify(path) !== undefined) throw new AuditUnavailableError(path, "something is there already");
  const engine = await loadEngine();
  const database = EntryDatabase.create(engine, path);
  try {
    for await (const stored of entries) {
      if (stored.entry.kind === "segment") {
        const problem = `entry ${stored.seq} names a sealed segment, a file that only the log it was written in has`;
        throw new AuditUnavailableError(path, `${problem}. Keep that one, or copy it into PostgreSQL`);
      }
      database.append(stored);
    }
    placeLog(files, path, `${path}.${randomBytes(6).toString("hex")}.copy`, () => database.export());
  } catch (error) {
    if (CapFenceError.isInstance(error)) throw error;
    throw new AuditUnavailableError(path, explainFileError(error), { cause: error });
  } finally {
    database.close();
  }
}
