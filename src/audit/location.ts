/** Where a log is kept, as people name it. */

import { FileStore } from "./file/file-store.ts";
import { nodeFiles } from "./file/files.ts";
import { PostgresStore } from "./postgres/store.ts";
import { postgresTarget, type PostgresLocation, type PostgresPool } from "./postgres/target.ts";
import { isPostgresUrl } from "./postgres/url.ts";
import type { AuditStore } from "./store.ts";
import type { WriterSurroundings } from "./file/writer.ts";

/**
 * Where an audit log is kept: the path of a file; a URL `postgres://user@host:port/database?log=name`; a `Pool` of the
 * package `pg`; or a PostgreSQL database with all that can be said of it.
 */
export type AuditLocation = string | PostgresPool | PostgresLocation;

const NO_LOCATION = "auditLog must be the path of a file, a postgres:// URL, or a Pool of the package pg";

/** What begins as a URL, perhaps within quotes or blanks that were left in: it may hold a password, so no message quotes it. */
const URL_LIKE = /^[\s"'`]*[a-z][a-z\d+.-]*:\/\//i;

/**
 * The store at `location`. A path may be relative to the present working directory. Nothing is opened or connected to.
 *
 * @throws TypeError when it is none.
 */
export function storeAt(
  location: AuditLocation,
  surroundings: WriterSurroundings = { files: nodeFiles, now: Date.now },
): AuditStore {
  if (typeof location !== "string" && (typeof location !== "object" || location === null)) {
    throw new TypeError(NO_LOCATION);
  }
  if (typeof location !== "string" || isPostgresUrl(location)) {
    return new PostgresStore(postgresTarget(location), surroundings.now);
  }
  if (location === "" || location === ":memory:" || location.includes("\0")) {
    throw new TypeError(NO_LOCATION);
  }
  if (URL_LIKE.test(location)) {
    throw new TypeError(`${NO_LOCATION}. It is another URL, or one within quotes or blanks; for a file, give its path`);
  }
  return new FileStore(location, surroundings);
}
