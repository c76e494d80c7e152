/** Where a log is kept, as people name it. */

import { FileStore } from "./file-store.ts";
import { nodeFiles } from "./files.ts";
import type { AuditStore } from "./store.ts";
import type { WriterSurroundings } from "./writer.ts";

/** Where an audit log is kept: the path of a file. */
export type AuditLocation = string;

/** The store at `location`. A path may be relative to the present working directory. Nothing is opened. */
export function storeAt(
  location: AuditLocation,
  surroundings: WriterSurroundings = { files: nodeFiles, now: Date.now },
): AuditStore {
  return new FileStore(location, surroundings);
}
