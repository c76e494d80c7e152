/** `capfence trace`: one recorded decision in full. */

import type { DecisionEntry } from "../../audit/format/entry.ts";
import { leftOutOfContext, leftOutOfPayload } from "../../audit/recording/left-out.ts";
import { nameOfPart } from "../../policy/partial/unknown-part.ts";
import { explainRecorded } from "../../replay/explained-decision.ts";
import { traceDecision, type NotFound } from "../../replay/trace.ts";
import { CommandFailure } from "../command-failure.ts";
import { EXIT, type ExitCode, type Host } from "../host.ts";
import { auditLogPath } from "../log-path.ts";
import { loadPolicy, tryPolicy } from "../policy/files.ts";
import { describeTrace, type FullTrace } from "./shown-trace.ts";
import { jsonLine } from "../terminal.ts";

/** The options of `capfence trace`. */
export interface TraceOptions {
  readonly auditLog?: string;
  /** The policy that decided, where it lies elsewhere than then. */
  readonly policy?: string;
  readonly json?: true;
}

/**
 * Prints a decision, the rules that could apply to it, what people answered, how the call ended and what was decided around
 * it. A broken chain is a finding, told with it.
 *
 * @throws AuditUnavailableError when the log cannot be read.
 * @throws CommandFailure when there is no such decision, or the policy that is named is not valid.
 */
export async function trace(name: string, options: TraceOptions, host: Host): Promise<ExitCode> {
  const found = await traceDecision(auditLogPath(options.auditLog, host), name);
  if ("problem" in found) throw notFound(name, found);
  const { entry } = found;
  const leftOut = [
    ...leftOutOfPayload(entry).map((part) => nameOfPart({ of: "payload", ...part })),
    ...leftOutOfContext(entry).map((part) => nameOfPart({ of: "context", ...part })),
  ];
  const full: FullTrace = { ...found, leftOut, explanation: await explanationOf(entry, options.policy, host) };
  host.stdout.write(options.json === true ? jsonLine(full) : describeTrace(full, host));
  return found.verified.intact ? EXIT.ok : EXIT.finding;
}

/** Where the chain is broken, what was looked for may be what is damaged. */
function notFound(name: string, { problem, verified }: NotFound): CommandFailure {
  if (verified.intact) return new CommandFailure(EXIT.failed, `${name}: ${problem}`);
  const broken = `the audit chain is broken: ${verified.problems[0]?.what ?? ""}. See capfence verify`;
  return new CommandFailure(EXIT.finding, `${name}: ${problem}, and ${broken}`);
}

/** Explains by the policy that is named, else by the file that the deciding rule was in, if it is still the same policy. */
async function explanationOf(
  entry: DecisionEntry,
  named: string | undefined,
  host: Host,
): Promise<FullTrace["explanation"]> {
  const file = named ?? entry.rule?.file;
  if (typeof file !== "string") {
    return { unavailable: "no rule decided, so the record names no policy file; name one with --policy" };
  }
  const advice = named === undefined ? "; name the one that decided with --policy" : "";
  const tried = named === undefined ? await tryPolicy(file, host) : { value: await loadPolicy(named, host) };
  if ("errors" in tried) return { unavailable: `${file} is no valid policy any more, or not there${advice}` };
  const { value: policy } = tried;
  if (policy.digest !== entry.policy) {
    return { unavailable: `${file} is another policy now, with the digest ${policy.digest}${advice}` };
  }
  const explained = explainRecorded(policy, entry);
  if (explained === "refused") return { unavailable: "the call was refused before any policy was asked" };
  if (explained === "malformed") return { unavailable: "what is recorded is no call" };
  return { policy: { file, digest: policy.digest }, ...explained };
}
