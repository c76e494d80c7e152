/** Makes a new log: a database that holds the genesis entry. */

import { dirname } from "node:path";

import { AuditCorruptError, AuditUnavailableError } from "../../errors.ts";
import { EntryDatabase } from "./database.ts";
import { PreparedEntry, soundEntry } from "../format/entry.ts";
import type { AuditFiles, FileIdentity } from "./files.ts";
import { listSegments } from "./segments.ts";
import type { Engine } from "./sqlite.ts";
import { BEFORE_GENESIS } from "../format/successor.ts";
import { tailPath } from "./tail-file.ts";

/**
 * Puts a new log at `path`, never over an existing file. `madeAs` is a name of this writer's own, `log` the new log's
 * identity, `ts` its time.
 *
 * @throws AuditCorruptError when a tail or a segment shows that there was a log before.
 */
export function createLog(
  files: AuditFiles,
  engine: Engine,
  path: string,
  madeAs: string,
  log: string,
  ts: string,
): FileIdentity {
  return placeLog(files, path, madeAs, () => genesisDatabase(engine, path, log, ts));
}

/** Puts the database that `make` answers at `path`, as {@link createLog} does. */
export function placeLog(files: AuditFiles, path: string, madeAs: string, make: () => Uint8Array): FileIdentity {
  const trace = files.identify(tailPath(path)) === undefined ? listSegments(files, path)[0]?.path : tailPath(path);
  if (trace !== undefined) throw new AuditCorruptError(path, `the file is missing, but ${trace} is there. Put it back`);
  const bytes = make();
  const fd = files.create(madeAs);
  try {
    files.append(fd, bytes);
    files.sync(fd);
    files.link(madeAs, path);
    files.syncDirectory(dirname(path));
  } finally {
    files.close(fd);
    files.unlink(madeAs);
  }
  const created = files.identify(path);
  if (created === undefined) throw new AuditUnavailableError(path, "the file that was just made has disappeared");
  return created;
}

function genesisDatabase(engine: Engine, path: string, log: string, ts: string): Uint8Array {
  const { hash, body } = new PreparedEntry({ kind: "genesis" }).follow(BEFORE_GENESIS, log, ts);
  const genesis = soundEntry(hash, body);
  if (genesis === undefined) throw new Error("a genesis entry that can't be read back");
  const database = EntryDatabase.create(engine, path);
  try {
    database.append(genesis);
    return database.export();
  } finally {
    database.close();
  }
}
