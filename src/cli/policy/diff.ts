/** `capfence policy diff`: which calls two policies decide differently. */

import { diffCalls } from "../../replay/diff-policies.ts";
import { EXIT, type ExitCode, type Host } from "../host.ts";
import { describeDifference } from "../shown-difference.ts";
import { jsonLine } from "../terminal.ts";
import { casesOf } from "./cases.ts";
import { loadPolicy } from "./files.ts";

/** The options of `capfence policy diff`, one of which names the calls. */
export interface DiffOptions {
  /** A suite, or events in JSON, one a line. */
  readonly cases?: string;
  readonly auditLog?: string;
  readonly json?: true;
}

/** Calls shown of each group; `--json` has all of them. */
const EXAMPLES = 20;

/**
 * Decides every call under both policies and prints what differs.
 *
 * @throws CommandFailure when a policy is not valid, or the calls can't be read.
 * @throws AuditUnavailableError when the log can't be read, AuditCorruptError when it is damaged.
 */
export async function diff(former: string, next: string, options: DiffOptions, host: Host): Promise<ExitCode> {
  const old = await loadPolicy(former, host);
  const changed = await loadPolicy(next, host);
  const difference = await diffCalls(old, changed, casesOf(options, host), options.json === true ? Infinity : EXAMPLES);
  if (options.json === true) {
    const policies = { old: { file: former, digest: old.digest }, new: { file: next, digest: changed.digest } };
    host.stdout.write(jsonLine({ ...policies, ...difference }));
  } else {
    host.stdout.write(describeDifference(difference, host));
  }
  return difference.newlyAllowed > 0 ? EXIT.finding : EXIT.ok;
}
