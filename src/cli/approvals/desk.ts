/** Where answers are given from the command line: the log, and who answers. */

import { AuditLog } from "../../audit/log.ts";
import { nodeFiles } from "../../audit/file/files.ts";
import { readEntries } from "../../audit/read.ts";
import { readOpenItems } from "../../audit/open-items/read-open-items.ts";
import type { OpenItemsRegister } from "../../audit/open-items/open-items.ts";
import { verifierOf, type SignerKey } from "../../note.ts";
import { ApprovalsOfLog } from "../../runtime/approvals.ts";
import type { Approvals } from "../../runtime/approvals-interface.ts";
import { Recorder } from "../../runtime/recorder.ts";
import { systemUser } from "../../system-user.ts";
import type { Host } from "../host.ts";
import { readSigner } from "../key-files.ts";
import { auditLogPath } from "../log-path.ts";

/** What every command that answers takes. */
export interface DeskOptions {
  readonly auditLog?: string;
  readonly by?: string;
  readonly note?: string;
  readonly key?: string;
}

/** An open log, what is open in it, and how answers to it are signed. */
export interface Desk {
  readonly open: OpenItemsRegister;
  readonly log: AuditLog;
  readonly approvals: Approvals;
  readonly by: string;
  readonly key: SignerKey | undefined;
}

/**
 * Runs `work` with the log at hand, and closes it.
 *
 * @throws AuditUnavailableError when there is no log: answering makes none.
 * @throws CommandFailure when the key can't be read.
 */
export async function atDesk<T>(options: DeskOptions, host: Host, work: (desk: Desk) => Promise<T>): Promise<T> {
  const location = auditLogPath(options.auditLog, host);
  const key = options.key === undefined ? undefined : readSigner(options.key, host);
  const { open } = await readOpenItems(readEntries(location, "latest first"), location);
  const log = new AuditLog(location, { files: nodeFiles, now: host.now });
  try {
    // Who signs goes by what is signed with the same key: what anybody could have added stands in nobody's way.
    const approvals = new ApprovalsOfLog(new Recorder(log), key && [verifierOf(key)]);
    return await work({ open, log, approvals, by: options.by ?? systemUser(), key });
  } finally {
    await log.close();
  }
}
