/** Looking into a database that another process may have put in place: whole, checked, and without the log's lock. */

import { AuditUnavailableError } from "../../errors.ts";
import type { Head, SegmentEntry, StoredEntry } from "../format/entry.ts";
import { withDatabase, type EntryDatabase } from "./database.ts";
import type { AuditFiles, FileIdentity } from "./files.ts";
import { listSegments } from "./segments.ts";
import type { Engine } from "./sqlite.ts";

/** What it takes to look into a database. */
export interface DatabaseSurroundings {
  readonly files: AuditFiles;
  readonly engine: Engine;
  /** The log's real path. */
  readonly path: string;
}

/** A file that was looked into. */
export interface LookedInto {
  readonly identity: FileIdentity;
  /** The file, open: the system gives the number of a file that is gone to another one. */
  readonly fd: number;
}

/** How far a database goes. */
export interface DatabaseEnd {
  readonly last: StoredEntry;
  /** The last entry in the database that names a segment of this log's. */
  readonly segment: SegmentEntry | undefined;
}

/** What was found in one file. It holds of that file only, and of one entry. */
export interface DatabaseLook extends DatabaseEnd, LookedInto {
  /** The entry that was looked for. */
  readonly head: Head;
  /** Whether that is in this database, or in the segment that was sealed from it, and the database is of the same log. */
  readonly isHeld: boolean;
}

/**
 * Looks into the database for an entry of the log `log`. The file is to be closed by whoever gets the answer.
 *
 * @throws AuditCorruptError when it is damaged.
 * @throws AuditUnavailableError when the entry can only be in a segment that is not here.
 */
export function lookInto(surroundings: DatabaseSurroundings, log: string, head: Head): DatabaseLook {
  const { found, ...file } = openDatabase(surroundings, (database) => {
    const end = endOf(database);
    return { ...end, head, isHeld: end.last.entry.log === log && isHeldBy(database, surroundings, log, head) };
  });
  return { ...found, ...file };
}

/** Opens the database and answers what `work` finds in it, with the file, which stays open. */
export function openDatabase<T>(
  { files, engine, path }: DatabaseSurroundings,
  work: (database: EntryDatabase) => T,
): LookedInto & { readonly found: T } {
  const fd = files.openRead(path);
  try {
    // Of the file that is open, whatever has its name by now.
    const identity = files.identifyOpen(fd);
    return { identity, fd, found: withDatabase(engine, files.read(fd, 0, identity.size), path, work) };
  } catch (error) {
    files.close(fd);
    throw error;
  }
}

function isHeldBy(
  database: EntryDatabase,
  { files, engine, path }: DatabaseSurroundings,
  log: string,
  head: Head,
): boolean {
  if (database.first().seq <= head.seq) return database.holds(head);
  const segment = listSegments(files, path, log).findLast(({ first }) => first <= head.seq);
  if (segment === undefined) {
    throw new AuditUnavailableError(
      path,
      `entry ${head.seq} lies in a part of the log that is elsewhere. Open it anew`,
    );
  }
  return withDatabase(engine, files.readFile(segment.path), segment.path, (sealed) => sealed.holds(head));
}

/** How far a database goes. */
export function endOf(database: EntryDatabase): DatabaseEnd {
  const segment = database.lastSegment();
  // An entry and what it names are in one database only where a log was copied: its segments stayed behind.
  const isHere = segment !== undefined && segment.last < database.first().seq;
  return { last: database.last(), segment: isHere ? segment : undefined };
}
