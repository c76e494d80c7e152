/** `capfence policy diff`: which calls two policies decide differently. */

import { EXIT, type ExitCode, type Host } from "../host.ts";
import { jsonLine } from "../terminal.ts";
import { casesOf } from "./cases.ts";
import { compare } from "./compare.ts";
import { loadPolicy } from "./files.ts";
import { describeDiff } from "./shown-diff.ts";

/** The options of `capfence policy diff`, one of which names the calls. */
export interface DiffOptions {
  /** A suite, or events in JSON, one a line. */
  readonly cases?: string;
  readonly auditLog?: string;
  readonly json?: true;
}

/**
 * Decides every call under both policies and prints what differs.
 *
 * @throws CommandFailure when a policy is not valid, or the calls can't be read.
 * @throws AuditUnavailableError when the log can't be read, AuditCorruptError when it is damaged.
 */
export async function diff(former: string, next: string, options: DiffOptions, host: Host): Promise<ExitCode> {
  const old = await loadPolicy(former, host);
  const changed = await loadPolicy(next, host);
  const difference = await compare(old, changed, casesOf(options, host));
  if (options.json === true) {
    const policies = { old: { file: former, digest: old.digest }, new: { file: next, digest: changed.digest } };
    host.stdout.write(jsonLine({ ...policies, ...difference }));
  } else {
    host.stdout.write(describeDiff(difference, host));
  }
  return difference.newlyAllowed > 0 ? EXIT.finding : EXIT.ok;
}
