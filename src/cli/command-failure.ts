/** Why a command ends without having done what it was asked to. */

import { errorCode } from "../audit/files.ts";
import type { EXIT, ExitCode } from "./host.ts";

/** Options of {@link CommandFailure}. */
interface CommandFailureOptions extends ErrorOptions {
  /** Lines that follow the message, with what there is to see. */
  readonly details?: readonly string[];
}

/**
 * Ends a command with one line on stderr, details if there are any, and an exit code. The message and the details may hold
 * text from outside; they are escaped later.
 */
export class CommandFailure extends Error {
  readonly exit: Exclude<ExitCode, typeof EXIT.ok>;
  readonly details: readonly string[];

  constructor(exit: Exclude<ExitCode, typeof EXIT.ok>, message: string, options: CommandFailureOptions = {}) {
    super(message, options);
    this.exit = exit;
    this.details = options.details ?? [];
  }
}

const REASONS: ReadonlyMap<string | undefined, string> = new Map([
  ["ENOENT", "there is no such file or directory"],
  ["ENOTDIR", "a part of its path is not a directory"],
  ["EISDIR", "it is a directory"],
  ["EACCES", "this user may not do that"],
  ["EPERM", "this user may not do that"],
  ["EROFS", "it lies on a file system that can only be read"],
  ["EEXIST", "it exists already"],
  ["ENOSPC", "the disk is full"],
]);

/** Says in words why a file could not be read or written. */
export function fileProblem(error: unknown): string {
  return REASONS.get(errorCode(error)) ?? (error instanceof Error ? error.message : String(error));
}
