/** Reads the small text files that keys and checkpoints lie in. */

import { closeSync, openSync, readSync } from "node:fs";

/** A checkpoint is a few hundred bytes, with many signatures a few thousand. */
const MAX_BYTES = 1_048_576;

/**
 * The text of the file at `path`, a pipe too. Synchronous.
 *
 * @throws Error when it is larger than 1 MiB, before it is all read; what node:fs throws when it can't be read.
 */
export function readNoteFile(path: string): string {
  const descriptor = openSync(path, "r");
  try {
    const bytes = Buffer.allocUnsafe(MAX_BYTES + 1);
    let length = 0;
    while (length < bytes.length) {
      const read = readSync(descriptor, bytes, length, bytes.length - length, null);
      if (read === 0) return bytes.toString("utf8", 0, length);
      length += read;
    }
    throw new Error("it is larger than 1 MiB, which no key and no checkpoint is");
  } finally {
    closeSync(descriptor);
  }
}
