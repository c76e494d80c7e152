/** A checkpoint kept in a file: never put over anything but an older one of its own. */

import { randomBytes } from "node:crypto";
import { renameSync, rmSync, writeFileSync } from "node:fs";

import type { Anchor } from "./anchor.ts";
import { openCheckpoint } from "./checkpoint.ts";
import { errorCode } from "../../file-problem.ts";
import { readNoteFile } from "../../note-file.ts";
import { verifierOf, type SignerKey } from "../../note.ts";

/**
 * The checkpoint that lies at `path`; `undefined` when nothing does, or an empty file.
 *
 * @throws Error when something else is there: it may be a log, or somebody's only proof, and is not to be replaced. What
 *   node:fs throws when it can't be read.
 */
export function readCheckpointFile(path: string, signer: SignerKey): Anchor | undefined {
  try {
    const note = readNoteFile(path);
    return note === "" ? undefined : openCheckpoint(note, [verifierOf(signer)]);
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT") return undefined;
    if (code !== undefined) throw error;
    const problem = `${path}: it is not a checkpoint that ${signer.name} signed, and is not replaced. Name another file`;
    throw new Error(problem, { cause: error });
  }
}

/**
 * Puts a checkpoint in a file, whole or not at all, in the place of `former`. Answers false, and leaves the file alone, when
 * another process has put another one there since. Synchronous: what remains is the moment between two calls of the system.
 *
 * @throws Error as {@link readCheckpointFile}, and what node:fs throws when it can't be written.
 */
export function replaceCheckpointFile(
  path: string,
  note: string,
  signer: SignerKey,
  former: Anchor | undefined,
): boolean {
  const made = `${path}.${randomBytes(6).toString("hex")}.new`;
  try {
    // A checkpoint is no secret, and others collect it.
    writeFileSync(made, note, { flag: "wx", mode: 0o644, flush: true });
    if (readCheckpointFile(path, signer)?.hash !== former?.hash) {
      rmSync(made);
      return false;
    }
    renameSync(made, path);
    return true;
  } catch (error) {
    rmSync(made, { force: true });
    throw error;
  }
}
