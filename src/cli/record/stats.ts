/** `capfence stats`: what a log's decisions add up to. */

import { readEntries } from "../../audit/read.ts";
import { LogStatistics } from "../../replay/statistics.ts";
import { EXIT, type ExitCode, type Host } from "../host.ts";
import { auditLogPath } from "../log-path.ts";
import { loadPolicy } from "../policy/files.ts";
import { describeStatistics } from "./shown-statistics.ts";
import { jsonLine } from "../terminal.ts";

/** The options of `capfence stats`. */
export interface StatsOptions {
  /** The policy whose unused rules are wanted. */
  readonly policy?: string;
  readonly json?: true;
}

/**
 * Prints the counts.
 *
 * @throws AuditUnavailableError when the log cannot be read, AuditCorruptError when it is damaged.
 * @throws CommandFailure when the policy is not valid.
 */
export async function stats(log: string | undefined, options: StatsOptions, host: Host): Promise<ExitCode> {
  const policy = options.policy === undefined ? undefined : await loadPolicy(options.policy, host);
  const added = new LogStatistics(policy?.digest);
  for await (const { entry } of readEntries(auditLogPath(log, host))) added.add(entry);
  const { statistics } = added;
  const use = policy && added.useOf(policy);
  if (options.json === true) host.stdout.write(jsonLine({ ...statistics, ...(use && { policy: use }) }));
  else host.stdout.write(describeStatistics(statistics, use));
  return EXIT.ok;
}
