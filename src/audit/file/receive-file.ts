/** Makes a log in files of entries that were recorded elsewhere. */

import { randomBytes } from "node:crypto";

import { AuditUnavailableError, CapFenceError } from "../../errors.ts";
import { EntryDatabase } from "./database.ts";
import type { StoredEntry } from "../format/entry.ts";
import { explainFileError, type AuditFiles } from "./files.ts";
import { placeLog } from "./new-log.ts";
import { loadEngine } from "./sqlite.ts";

/**
 * Puts one database of these entries, in order, at a real path where there is nothing. All of it is in memory meanwhile.
 * Entries that name sealed segments stay what they are, though here their segments are part of that database.
 *
 * @throws AuditUnavailableError when something is there, or it can't be written.
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
