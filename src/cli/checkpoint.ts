/** `capfence checkpoint`: a signed statement of how long the log is and what its last entry is, to be kept elsewhere. */

import { resolve } from "node:path";

import type { Anchor } from "../audit/checkpoints/anchor.ts";
import { readCheckpointFile, replaceCheckpointFile } from "../audit/checkpoints/checkpoint-file.ts";
import { contradictionOf, makeCheckpoint } from "../audit/checkpoints/checkpoint.ts";
import { storeAt } from "../audit/location.ts";
import { readEntries } from "../audit/read.ts";
import { errorCode, fileProblem } from "../file-problem.ts";
import { CommandFailure } from "./command-failure.ts";
import { EXIT, type ExitCode, type Host } from "./host.ts";
import { readSigner } from "./key-files.ts";
import { auditLogPath } from "./log-path.ts";

/** The options of `capfence checkpoint`. */
export interface CheckpointCommandOptions {
  readonly auditLog?: string;
  readonly key?: string;
  readonly out?: string;
}

/**
 * Prints a checkpoint of the log as it stands, or puts it in a file. A checkpoint that lies there already is replaced
 * only if the log still holds what it states: otherwise a log that was cut would wipe out the proof of that.
 *
 * @throws AuditUnavailableError when the log cannot be read, AuditCorruptError when its last entry is damaged.
 * @throws CommandFailure when the key can't be read, or the file's checkpoint must not be replaced.
 */
export async function checkpoint(options: CheckpointCommandOptions, host: Host): Promise<ExitCode> {
  const path = auditLogPath(options.auditLog, host);
  const signer = readSigner(options.key, host);
  if (options.out === undefined) {
    host.stdout.write(await makeCheckpoint(path, signer));
    return EXIT.ok;
  }
  const out = resolve(host.cwd, options.out);
  for (;;) {
    const former = inFile(out, () => readCheckpointFile(out, signer));
    if (former !== undefined) await refuseContradiction(path, out, former);
    // Of a log that holds what the former one states, so this one covers no less.
    const note = await makeCheckpoint(path, signer);
    if (inFile(out, () => replaceCheckpointFile(out, note, signer, former))) return EXIT.ok;
  }
}

/** What `work` answers. @throws CommandFailure when it can't be done in the file `out`, or something else lies there. */
function inFile<T>(out: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const isRefused = errorCode(error) === undefined && error instanceof Error;
    const problem = isRefused ? error.message : `${out}: ${fileProblem(error)}`;
    throw new CommandFailure(EXIT.failed, problem, { cause: error });
  }
}

/** @throws CommandFailure when the log at `path` does not hold the entry that `former` was made of. */
async function refuseContradiction(path: string, out: string, former: Anchor): Promise<void> {
  const contradiction = await contradictionOf(former, readEntries(path, "latest first"));
  if (contradiction === undefined) return;
  const exit = contradiction.isProven ? EXIT.finding : EXIT.failed;
  throw new CommandFailure(
    exit,
    `${storeAt(path).name} ${contradiction.what}. The checkpoint in ${out} stays as it is`,
  );
}
