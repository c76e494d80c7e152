/** Which audit log a command is about. */

import { realpathSync } from "node:fs";
import { resolve } from "node:path";

import { defaultAuditLog } from "../audit/default-path.ts";
import type { Host } from "./host.ts";

/**
 * The path of the log that was named, or else of the default one; absolute. Links are followed, as a writer does: the
 * tail, the segments and the lock lie beside the file itself.
 */
export function auditLogPath(named: string | undefined, host: Host): string {
  const path = resolve(host.cwd, named ?? defaultAuditLog(host.env));
  try {
    return realpathSync(path);
  } catch {
    // Not there, or not to be reached: whoever reads it says so.
    return path;
  }
}
