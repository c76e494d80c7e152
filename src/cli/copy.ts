/** `capfence copy`: copies an audit log from one place to another, hashes unchanged. */

import { copyLog } from "../audit/copy.ts";
import { count } from "./count.ts";
import { EXIT, type ExitCode, type Host } from "./host.ts";
import { auditLogPath } from "./log-path.ts";

/**
 * Copies the log and says what was copied.
 *
 * @throws AuditUnavailableError when one place can't be read or written, or there is a log at `to`.
 * @throws AuditCorruptError when one log is not intact.
 */
export async function copy(from: string, to: string, host: Host): Promise<ExitCode> {
  const { entries, head } = await copyLog(auditLogPath(from, host), auditLogPath(to, host));
  host.stdout.write(
    `Copied and verified ${count(entries, "entry", "entries")}. The last is ${head.seq}, ${head.hash}.\n`,
  );
  return EXIT.ok;
}
