/** `capfence replay`: what a policy would have decided about the calls of a record. */

import { AuditCorruptError, TraceInvalidError } from "../../errors.ts";
import type { Policy } from "../../policy/policy.ts";
import { Tally, type Difference } from "../../replay/difference.ts";
import { NO_TIMES, replay as replayRecord, type ReplayEnd } from "../../replay/replay.ts";
import { kindOf } from "../../replay/source.ts";
import { CommandFailure } from "../command-failure.ts";
import { count } from "../count.ts";
import { EXIT, type ExitCode, type Host } from "../host.ts";
import { auditLogPath } from "../log-path.ts";
import { loadPolicy } from "../policy/files.ts";
import { ProgressBar } from "./progress.ts";
import { describeDifference } from "../shown-difference.ts";
import { coloursFor, jsonLine, visible } from "../terminal.ts";

/** The options of `capfence replay`; times are milliseconds since the epoch. */
export interface ReplayCommandOptions {
  readonly policy: string;
  readonly since?: number;
  readonly until?: number;
  readonly agent?: string;
  readonly capability?: string;
  /** What makes it a finding. */
  readonly failOn: "newly-allowed" | "newly-denied" | "any" | "none";
  readonly force?: true;
  readonly waiveChecksum?: true;
  readonly json?: true;
}

/** Calls shown of each group. */
const EXAMPLES = 5;

/**
 * Decides the calls of a record again, and prints what differs; nothing, unless all of the record was read and verified.
 * With `json`, a record that is broken is told as an object too.
 *
 * @throws CommandFailure when the policy is not valid, or the record is broken.
 * @throws AuditUnavailableError when there is no record, or it can't be read.
 */
export async function replay(record: string | undefined, options: ReplayCommandOptions, host: Host): Promise<ExitCode> {
  const policy = await loadPolicy(options.policy, host);
  const source = auditLogPath(record, host);
  const isNarrowed = options.since !== undefined || options.until !== undefined;
  if (isNarrowed && (await kindOf(source)).kind === "older trace") {
    throw new CommandFailure(EXIT.usage, `--since and --until: ${NO_TIMES}`);
  }
  const about = { policy: { file: options.policy, digest: policy.digest } };
  const bar = new ProgressBar("replaying", host);
  try {
    const replayed = await tallyOf(source, policy, options, bar);
    bar.end();
    if (options.json === true) {
      const { difference, contradictions, end } = replayed;
      host.stdout.write(jsonLine({ ...about, ...end, contradictions, ...difference }));
    } else {
      host.stdout.write(describe(replayed, options.policy, host));
    }
    return isFinding(replayed.difference, options.failOn) ? EXIT.finding : EXIT.ok;
  } catch (error) {
    bar.end();
    const broken = brokenRecord(error);
    if (broken !== undefined && options.json === true) host.stdout.write(jsonLine({ ...about, broken }));
    throw explained(error);
  }
}

interface Replayed {
  readonly difference: Difference;
  /** Calls that this very policy decided when they were recorded, and now decides otherwise. */
  readonly contradictions: number;
  readonly end: ReplayEnd;
}

async function tallyOf(
  source: string,
  policy: Policy,
  options: ReplayCommandOptions,
  bar: ProgressBar,
): Promise<Replayed> {
  const { since, until, agent, capability, force, waiveChecksum } = options;
  const tally = new Tally(EXAMPLES);
  const { digest } = policy;
  const calls = replayRecord(source, policy, {
    since,
    until,
    agent,
    capability,
    force,
    waiveChecksum,
    onProgress: (progress) => bar.update(progress),
  });
  let contradictions = 0;
  for (;;) {
    const { done, value } = await calls.next();
    if (done === true) return { difference: tally.difference, contradictions, end: value };
    if (value.policy === digest && (value.change === "decision" || value.possible?.length === 0)) contradictions += 1;
    tally.add(value);
  }
}

function describe({ difference, contradictions, end }: Replayed, file: string, host: Host): string {
  const { red, green, yellow } = coloursFor(host);
  const { verified, checksum } = end;
  const notes = [
    ...(contradictions === 0
      ? []
      : [red(`✗ ${count(contradictions, "call")} recorded under this very policy, which decides otherwise.`)]),
    ...(verified === undefined
      ? []
      : verified.intact
        ? [green(`✓ Audit chain intact. ${count(verified.entries, "entry", "entries")} verified.`)]
        : [red(`✗ Audit chain broken: ${visible(verified.problems[0]?.what ?? "")}. See capfence verify.`)]),
    ...(checksum === "waived" ? [yellow("Nobody knows if the trace is whole: it has no checksum.")] : []),
  ];
  return `${describeDifference(difference, host)}${[`Policy: ${visible(file)}`, ...notes].join("\n")}\n`;
}

function isFinding(
  { newlyAllowed, newlyDenied, changed }: Difference,
  failOn: ReplayCommandOptions["failOn"],
): boolean {
  return { "newly-allowed": newlyAllowed, "newly-denied": newlyDenied, any: changed, none: 0 }[failOn] > 0;
}

/** What is wrong with a record that is not what it was, and where; `undefined` for every other error. */
function brokenRecord(error: unknown): object | undefined {
  if (AuditCorruptError.isInstance(error)) return { seq: error.seq, what: error.message };
  if (TraceInvalidError.isInstance(error)) return { line: error.line, what: error.message };
  return undefined;
}

/** Such a record is a finding. */
function explained(error: unknown): unknown {
  if (AuditCorruptError.isInstance(error)) {
    const advice = "Nothing of it can be relied on. See capfence verify; --force goes on with what can be read";
    return new CommandFailure(EXIT.finding, `${error.message}. ${advice}`, { cause: error });
  }
  if (TraceInvalidError.isInstance(error)) return new CommandFailure(EXIT.finding, error.message, { cause: error });
  return error;
}
