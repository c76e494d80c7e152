/** replay: decides every call of a record again, under another policy or the same. */

import { isWanted } from "../audit/decision-filter.ts";
import type { DecisionEntry } from "../audit/format/entry.ts";
import { storeAt, type AuditLocation } from "../audit/location.ts";
import type { VerifyReport } from "../audit/verify.ts";
import { AuditCorruptError } from "../errors.ts";
import { checkOptionNames, optionNames } from "../options.ts";
import { covers, type CapabilityRequest } from "../policy/matching/capability.ts";
import type { Policy } from "../policy/policy.ts";
import { compareCall, type ComparedCall } from "./compared-call.ts";
import { readExport } from "./export.ts";
import { judge, NO_JUDGEMENT, type Judgement } from "./judged-call.ts";
import { readOlderTrace } from "./older-trace.ts";
import { readLog } from "./read-log.ts";
import { recordedCall, recordedDecision, type KnownCall, type NotAsked } from "./recorded-call.ts";
import { kindOf } from "./source.ts";

/** Which calls are decided again, and on what terms. */
export interface ReplayOptions {
  /** The first moment, in milliseconds since the epoch. Default: from the beginning. */
  readonly since?: number | undefined;
  /** The first moment that is too late, in milliseconds since the epoch. Default: to the end. */
  readonly until?: number | undefined;
  /** Only calls of this agent, the event's `actor`. */
  readonly agent?: string | undefined;
  /** Only calls that this covers, written as in a rule: `shell`, `files.*.production`. */
  readonly capability?: string | undefined;
  /** Goes on although an audit log's chain is broken, with what of it can be read. Default: false. */
  readonly force?: boolean | undefined;
  /** Reads a trace of the older format although it has no checksum. Default: false. */
  readonly waiveChecksum?: boolean | undefined;
  /** Told now and then how much has been read, from 0 to 1. */
  readonly onProgress?: ((progress: number) => void) | undefined;
}

const OPTIONS = optionNames<ReplayOptions>({
  since: true,
  until: true,
  agent: true,
  capability: true,
  force: true,
  waiveChecksum: true,
  onProgress: true,
});

/** A recorded call that was decided again: `old` is what was recorded, `new` what the policy says. */
export interface ReplayedCall extends ComparedCall {
  /** When it was recorded, RFC 3339; absent where the record does not say. */
  readonly ts?: string;
  /** The digest of the policy that decided then; absent where the record does not say. */
  readonly policy?: string;
}

/** How a replay ended. */
export interface ReplayEnd {
  /** What verification has found; absent for a trace of the older format, which has no chain. */
  readonly verified?: VerifyReport;
  /** Of a trace of the older format: whether its checksum is that of its events, or there is none and that was waived. */
  readonly checksum?: "right" | "waived";
}

/** Why a trace of the older format can't be narrowed to a time. */
export const NO_TIMES = "a trace of the original CapFence does not say when its calls were made";

/**
 * Decides the calls that `source` has recorded again under `policy`, one by one as they are asked for: an audit log, its
 * export, or a trace of the older format. The record is verified on the way, so **what was given can be relied on only
 * when the iteration ends by itself**; if the record is broken it ends with an error. The policy's decisions are compared,
 * not whether a call was let through all the same: because somebody approved it, or the runtime only observed.
 *
 * @throws AuditCorruptError at the end, when a log's chain is broken; see `force`.
 * @throws AuditUnavailableError when there is no log, or it can't be read.
 * @throws TraceInvalidError when an export or a trace is malformed, not whole, of a newer version, or was changed.
 * @throws PolicyLoadError when the policy can't be made ready; see `Policy.ready`.
 * @throws TypeError when `source` is no location, an option is unknown or of the wrong type, or `since` or `until` is given
 *   for a trace of the older format, which says no times.
 */
export async function* replay(
  source: AuditLocation,
  policy: Policy,
  options: ReplayOptions = {},
): AsyncGenerator<ReplayedCall, ReplayEnd, void> {
  checkOptions(options);
  await policy.ready();
  const { kind, path } = await kindOf(source);
  if (kind === "older trace") return yield* replayOlder(path, policy, options);
  const record = kind === "export" ? readExport(path) : readLog(source, options.onProgress !== undefined);
  for (;;) {
    const { done, value } = await record.next();
    if (done === true) {
      if (!value.intact && options.force !== true) throw brokenChain(source, value);
      return { verified: value };
    }
    options.onProgress?.(value.progress);
    for (const { seq, entry } of value.entries) {
      if (isWanted(entry, options) && isCovered(entry, options)) yield replayEntry(seq, entry, policy);
    }
  }
}

function checkOptions(options: ReplayOptions): void {
  checkOptionNames("replay", options, OPTIONS);
  for (const name of ["since", "until"] as const) {
    const moment: unknown = options[name];
    if (moment !== undefined && !Number.isFinite(moment)) {
      throw new TypeError(`replay: ${name} must be milliseconds since the epoch`);
    }
  }
  for (const name of ["force", "waiveChecksum"] as const) {
    const chosen: unknown = options[name];
    if (chosen !== undefined && typeof chosen !== "boolean")
      throw new TypeError(`replay: ${name} must be true or false`);
  }
  const { onProgress }: { onProgress?: unknown } = options;
  if (onProgress !== undefined && typeof onProgress !== "function") {
    throw new TypeError("replay: onProgress must be a function");
  }
  for (const name of ["agent", "capability"] as const) {
    const wanted: unknown = options[name];
    if (wanted !== undefined && typeof wanted !== "string") throw new TypeError(`replay: ${name} must be text`);
  }
}

function replayEntry(seq: number, entry: DecisionEntry, policy: Policy): ReplayedCall {
  const decided = recordedDecision(entry);
  const call = decided === undefined ? "malformed" : recordedCall(entry);
  const old = decided === undefined ? NO_JUDGEMENT : { decided };
  const compared = compareCall({ name: `entry ${seq}`, call }, old, judgement(policy, call));
  const { possible } = compared;
  // About a call of which it was told more, this very policy decided that; if it can't have, the record contradicts itself.
  const isOwn = possible !== undefined && entry.policy === policy.digest;
  const narrowed = isOwn ? { possible: possible.filter((kind) => kind === decided?.decision) } : {};
  return { ...compared, ...narrowed, ts: entry.ts, policy: entry.policy };
}

async function* replayOlder(
  source: string,
  policy: Policy,
  options: ReplayOptions,
): AsyncGenerator<ReplayedCall, ReplayEnd, void> {
  // To pass over them would tell of calls that were not asked for.
  if (options.since !== undefined || options.until !== undefined) throw new TypeError(`since, until: ${NO_TIMES}`);
  const trace = readOlderTrace(source, options.waiveChecksum === true);
  for (;;) {
    const { done, value } = await trace.next();
    if (done === true) return { checksum: value ? "right" : "waived" };
    options.onProgress?.(value.progress);
    for (const { name, event, old } of value.calls) {
      if (options.agent !== undefined && event.actor !== options.agent) continue;
      if (!isCovered(event, options)) continue;
      const call = { event, unknown: [] };
      const now = judgement(policy, call);
      // Without a recorded decision there is nothing that could differ.
      yield compareCall({ name, call }, old === undefined ? now : { decided: old }, now);
    }
  }
}

function judgement(policy: Policy, call: KnownCall | NotAsked): Judgement {
  return typeof call === "string" ? NO_JUDGEMENT : judge(policy, call);
}

function isCovered(call: CapabilityRequest, { capability: pattern }: ReplayOptions): boolean {
  // A forged one is told rather than passed over.
  if (typeof call.capability !== "string" || typeof call.environment !== "string") return true;
  return pattern === undefined || call.capability === pattern || covers(pattern, call);
}

function brokenChain(source: AuditLocation, { problems }: VerifyReport): AuditCorruptError {
  const [first] = problems;
  const place = first?.seq === undefined ? "" : ` at entry ${first.seq}`;
  // A location may hold a password, and its name does not.
  const { name } = storeAt(source);
  return new AuditCorruptError(
    name,
    // Of a log that could not be read the problem already says which log it is.
    `the chain is broken${place}: ${(first?.what ?? "the reason is not known").replace(`Audit log ${name}: `, "")}`,
    {
      ...(first?.seq !== undefined && { seq: first.seq }),
    },
  );
}
