/** One name for a log, whatever links lead to it: its tail, lock and segments lie beside the file itself. */

import { existsSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";

import { AuditUnavailableError } from "../../errors.ts";
import { explainFileError } from "./files.ts";

/**
 * The log's own path. The file need not exist, its directory must.
 *
 * @throws AuditUnavailableError when the directory does not exist or can't be looked into.
 */
export function realLogPath(path: string): string {
  try {
    return existsSync(path) ? realpathSync(path) : join(realpathSync(dirname(path)), basename(path));
  } catch (error) {
    throw new AuditUnavailableError(path, explainFileError(error), { cause: error });
  }
}
