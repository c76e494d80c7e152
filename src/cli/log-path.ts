/** Which audit log a command is about. */

import { existsSync, realpathSync } from "node:fs";
import { resolve } from "node:path";

import { defaultAuditLog } from "../audit/default-path.ts";
import { storeAt } from "../audit/location.ts";
import { isPostgresUrl } from "../audit/postgres/url.ts";
import { CommandFailure } from "./command-failure.ts";
import { EXIT, type Host } from "./host.ts";

/**
 * The log that was named, or else the default one: a URL, or an absolute path. Links are followed, as a writer does: the
 * tail, the segments and the lock lie beside the file itself.
 *
 * @throws CommandFailure when it is neither. It is not quoted, since a password may be in it.
 */
export function auditLogPath(named: string | undefined, host: Host): string {
  const location = named ?? defaultAuditLog(host.env);
  check(location);
  if (isPostgresUrl(location)) return location;
  const path = resolve(host.cwd, location);
  try {
    const real = realpathSync(path);
    // A pipe's name leads nowhere: /proc/1/fd/pipe:[2].
    return existsSync(real) ? real : path;
  } catch {
    // Not there, or not to be reached: whoever reads it says so.
    return path;
  }
}

function check(location: string): void {
  try {
    storeAt(location);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new CommandFailure(EXIT.usage, error.message.replace(/^auditLog/, "the audit log"), { cause: error });
  }
}
