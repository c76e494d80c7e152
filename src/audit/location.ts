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

/**
 * What begins as a URL, perhaps after what an env file or a copied text has left there: blanks, quotes, what nobody sees. A
 * password may be in it, so it must not be taken for a path, which messages show. A letter before a colon is a drive.
 */
const MEANT_AS_URL = /^[\s\p{C}"'`<\u2018-\u201f]*(?:postgres(?:ql)?:|[a-z][a-z\d+.:-]+:\/\/)/iu;

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
  if (MEANT_AS_URL.test(location)) {
    throw new TypeError(`${NO_LOCATION}. It is another URL, or one within quotes or blanks; for a file, give its path`);
  }
  return new FileStore(location, surroundings);
}
