/**
 * Segments: when the database has grown to its limit it is sealed, which is to give it a second name that is never
 * written to again, and a new database is begun. A segment is a whole SQLite file like `audit.db` itself, and the chain
 * names it with its digest.
 */

import { basename, dirname, join } from "node:path";

import type { AuditFiles } from "./files.ts";

/** Entries at which a database is sealed: about 6 MiB, and half a second's work to build. */
export const SEGMENT_ENTRIES = 8_192;

/** Bytes at which a database is sealed, whatever its entries: 32 MiB. */
export const SEGMENT_BYTES = 33_554_432;

/** A sealed part of a log. */
export interface SegmentFile {
  /** The file's name, without its directory. */
  readonly name: string;
  readonly path: string;
  /** Its first entry. */
  readonly first: number;
}

/** The name of the segment of the log `log` (its identity) that begins with entry `first`: `audit.db.<8 digits>.<first>`. */
export function segmentPath(path: string, log: string, first: number): string {
  return `${path}.${log.slice(0, 8)}.${first}`;
}

/** The sealed parts that lie beside a log, oldest first; those of one log identity, or else of any. */
export function listSegments(files: AuditFiles, path: string, log?: string): readonly SegmentFile[] {
  const directory = dirname(path);
  return files
    .list(directory)
    .flatMap((name) => {
      if (!name.startsWith(`${basename(path)}.`)) return [];
      const [, identity, first] = /^\.([0-9a-f]{8})\.(0|[1-9]\d{0,14})$/.exec(name.slice(basename(path).length)) ?? [];
      if (identity === undefined || (log !== undefined && identity !== log.slice(0, 8))) return [];
      return [{ name, path: join(directory, name), first: Number(first) }];
    })
    .toSorted((left, right) => left.first - right.first);
}
