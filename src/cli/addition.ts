/** How a command is added to the command line, and what the help of several commands has in common. */

import { Option, type Command } from "commander";

import type { ExitCode, Host } from "./host.ts";
import { parsePath } from "./option-values.ts";

/** Adds one command. `finish` is given the exit code of a command that ran. */
export type Addition = (program: Command, host: Host, finish: (code: ExitCode) => void) => void;

/** The end of every command's help. */
export const EXIT_CODES = `
Exit codes:
  0  fine
  1  could not do it
  2  wrong usage`;

/** The line that follows for commands that can find something. */
export function findingLine(what: string): string {
  return `  3  a finding: ${what}`;
}

/** Which audit log a command is about: a file, or a `postgres://` URL. */
export function auditLogOption(description: string): Option {
  return new Option("--audit-log <log>", description).argParser(parsePath);
}

/** How times may be written, for the help of commands that take some. */
export const TIMES = `
Times are UTC. A <time> is a date (2026-01-15), a time (2026-01-15T10:23, with a zone if you like), or how long ago
(30s, 15m, 2h, 7d, 1w).`;

/** Which audit log a command is about when none is named, for its help. */
export const WHICH_LOG = "the audit log (default: CAPFENCE_AUDIT_LOG, else ./audit.db)";
