/** Why a command ends without having done what it was asked to. */

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
