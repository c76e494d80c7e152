/** `capfence unlock`: removes a lock whose owner cannot be judged from here. */

import { existsSync } from "node:fs";

import { isPostgresUrl } from "../audit/postgres/url.ts";
import { breakLock, inspectLock } from "../audit/file/unlock.ts";
import { AuditUnavailableError } from "../errors.ts";
import { CommandFailure } from "./command-failure.ts";
import { EXIT, type ExitCode, type Host } from "./host.ts";
import { auditLogPath } from "./log-path.ts";
import { visible } from "./terminal.ts";

/** The options of `capfence unlock`. */
export interface UnlockOptions {
  readonly auditLog?: string;
  readonly yes?: true;
}

/**
 * Names the lock's owner, asks, removes the lock and records that.
 *
 * @throws AuditUnavailableError when there is no such log, or it cannot be written afterwards.
 * @throws CommandFailure when the owner is alive, or there is nobody to ask.
 */
export async function unlock(options: UnlockOptions, host: Host): Promise<ExitCode> {
  const path = auditLogPath(options.auditLog, host);
  if (isPostgresUrl(path)) {
    throw new CommandFailure(EXIT.failed, "a log in PostgreSQL has no lock that could be left behind");
  }
  const held = inspectLock(path);
  if (held === undefined) {
    if (!existsSync(path)) throw new AuditUnavailableError(path, "there is no such file");
    host.stdout.write(`${visible(path)} is not locked.\n`);
    return EXIT.ok;
  }
  const { description, state } = held;
  if (state === "alive") {
    const advice = "That process is alive: let it go on, or end it";
    throw new CommandFailure(EXIT.failed, `${path} is locked by ${description}. ${advice}`);
  }
  host.stderr.write(
    `${visible(path)} is locked by ${visible(description)}, which cannot be looked at from here.\n` +
      "If it still runs, removing its lock lets two writers into the log at once.\n",
  );
  if (options.yes !== true) {
    if (host.confirm === undefined) {
      throw new CommandFailure(
        EXIT.usage,
        "there is no terminal to ask on. Say --yes if that process has certainly ended",
      );
    }
    if (!(await host.confirm("Has it certainly ended? Remove its lock? [y/N] "))) {
      throw new CommandFailure(EXIT.failed, "the lock stays");
    }
  }
  await breakLock(path, held);
  host.stdout.write(`The lock is removed, and the log records who removed it.\n`);
  return EXIT.ok;
}
