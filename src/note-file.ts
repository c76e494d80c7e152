/** Reads the small text files that keys and checkpoints lie in. */

import { isUtf8 } from "node:buffer";
import { closeSync, openSync, readSync } from "node:fs";

/** A checkpoint is a few hundred bytes, with many signatures a few thousand. */
const MAX_BYTES = 1_048_576;

/**
 * The text of the file at `path`, a pipe too. Synchronous.
 *
 * @throws Error when it is larger than 1 MiB, before it is all read, or not UTF-8; what node:fs throws when it can't be read.
 */
export function readNoteFile(path: string): string {
  const descriptor = openSync(path, "r");
  try {
    const bytes = Buffer.allocUnsafe(MAX_BYTES + 1);
    let length = 0;
    while (length < bytes.length) {
      const read = readSync(descriptor, bytes, length, bytes.length - length, null);
      if (read === 0) return textOf(bytes.subarray(0, length));
      length += read;
    }
    throw new Error("it is larger than 1 MiB, which no key and no checkpoint is");
  } finally {
    closeSync(descriptor);
  }
}

function textOf(bytes: Buffer): string {
  // What is not UTF-8 would become other text, which may be passed over where the bytes would not be.
  if (!isUtf8(bytes)) throw new Error("it is not UTF-8 text, which every key and every checkpoint is");
  return bytes.toString("utf8");
}
