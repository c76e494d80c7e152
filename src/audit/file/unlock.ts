/** Removes a lock whose owner cannot be judged, on a person's word, and records that. */

import { AuditUnavailableError } from "../../errors.ts";
import { systemUser } from "../../system-user.ts";
import { PreparedEntry } from "../format/entry.ts";
import { nodeFiles } from "./files.ts";
import { LogLock } from "./lock.ts";
import { AuditLog } from "../log.ts";
import { describeOwner, type Owner } from "./owner.ts";
import { realLogPath } from "./real-path.ts";

/** A lock that is held. */
export interface HeldLock {
  /** Who holds it, for people. */
  readonly description: string;
  /** `alive`: it runs on this host. `unknown`: it can't be looked at from here. */
  readonly state: "alive" | "unknown";
  readonly owner: Owner | undefined;
}

/** Who holds the lock of the log at `path`; `undefined` when nobody living does. Synchronous; changes nothing. */
export function inspectLock(path: string): HeldLock | undefined {
  const { owner, state } = new LogLock(nodeFiles, realLogPath(path)).inspect() ?? {};
  if (state === undefined || state === "dead") return undefined;
  return { owner, state, description: owner === undefined ? "an unreadable lock file" : describeOwner(owner) };
}

/**
 * Removes the lock from `held` and records who did it.
 *
 * @throws AuditUnavailableError when the owner is alive on this host, or the log can't be written.
 */
export async function breakLock(path: string, held: HeldLock): Promise<void> {
  if (held.state === "alive") throw new AuditUnavailableError(path, `${held.description} is alive. End it instead`);
  const by = systemUser();
  const lock = new LogLock(nodeFiles, realLogPath(path));
  lock.prepare();
  try {
    lock.breakFrom(held.owner);
  } finally {
    lock.dispose();
  }
  const log = new AuditLog(path);
  try {
    const owner = held.owner && { pid: held.owner.pid, host: held.owner.host };
    await log.append(new PreparedEntry({ kind: "unlock", by, ...(owner !== undefined && { owner }) }));
  } finally {
    await log.close();
  }
}
