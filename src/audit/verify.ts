/** Verification: what a log is held against, and what was found. Nothing is written. */

import { setImmediate as nextTurn } from "node:timers/promises";

import { AuditCorruptError } from "../errors.ts";
import { ChainCheck } from "./checks/chain-check.ts";
import type { Anchor } from "./checkpoints/anchor.ts";
import type { StoredEntry } from "./format/entry.ts";
import type { VerifyProblem } from "./checks/findings.ts";
import { storeAt, type AuditLocation } from "./location.ts";
import { checkOptionNames, optionNames } from "../options.ts";

/** What {@link verifyLog} found. */
export interface VerifyReport {
  /** Whether nothing is wrong. A plain chain can't notice that its end was cut, or that all of it was made anew. */
  readonly intact: boolean;
  /** Decisions, outcomes, approvals and grants that were read; what the log keeps for itself is not counted. */
  readonly entries: number;
  /** The first entry that is there, when those before it are absent because their segments lie elsewhere. */
  readonly from?: number;
  /** The last entry. A copy that was made without its tail shows here. */
  readonly last?: { readonly seq: number; readonly ts: string };
  /** The latest entry that a given checkpoint vouches for, and who signed that. */
  readonly anchor?: { readonly seq: number; readonly signedBy: readonly string[] };
  /** Decisions that let a call through and have no outcome: the call was not made through a tool, or its end is unknown. */
  readonly withoutOutcome: number;
  /** Outcomes of calls that no decision in this log let through. */
  readonly withoutDecision: number;
  /** What is wrong, in the order of the log; at most 100. */
  readonly problems: readonly VerifyProblem[];
  /** What is worth knowing and no fault: an unfinished write at the end, as a crash leaves it. */
  readonly warnings: readonly string[];
}

/** What a log is to be held against. */
export interface VerifyOptions {
  /** Checkpoints of it whose signatures were verified. */
  readonly anchors?: readonly Anchor[] | undefined;
  /** Entries, the genesis entry included, that must at least be there, and be vouched for if there are anchors. */
  readonly minSize?: number | undefined;
}

const OPTIONS = optionNames<VerifyOptions>({ anchors: true, minSize: true });

/**
 * Verifies the log at `location`, as a stream: one part of it is in memory at a time.
 *
 * @throws AuditUnavailableError when there is no log at `location`, it can't be read, or it is of a newer format.
 * @throws TypeError when `location` is none, or an option is unknown or wrong: the log would be held against less than was
 *   meant.
 */
export async function verifyLog(location: AuditLocation, options: VerifyOptions = {}): Promise<VerifyReport> {
  const verification = verifyEntries(location, options);
  for (;;) {
    const { done, value } = await verification.next();
    if (done === true) return value;
  }
}

/**
 * Verifies as {@link verifyLog} does, and on the way gives the entries, each once and in order, some at a time; the report is
 * what the generator returns. Entries that are damaged are left out. None can be relied on before the report says that the
 * log is intact.
 *
 * @throws AuditUnavailableError, TypeError as {@link verifyLog}, at the first step.
 */
export async function* verifyEntries(
  location: AuditLocation,
  options: VerifyOptions = {},
): AsyncGenerator<readonly StoredEntry[], VerifyReport, void> {
  checkOptions(options);
  const check = new ChainCheck(options.anchors ?? []);
  try {
    for await (const _ of storeAt(location).check(check)) {
      yield check.take();
      // Others may run in between: a log can be verified in the process that writes it.
      await nextTurn();
    }
  } catch (error) {
    if (!AuditCorruptError.isInstance(error)) throw error;
    check.findings.problem(error.seq, error.message);
  }
  yield check.take();
  return reportOf(check, options.minSize);
}

function checkOptions(options: VerifyOptions): void {
  checkOptionNames("verifyLog", options, OPTIONS);
  const { anchors, minSize }: { anchors?: unknown; minSize?: unknown } = options;
  if (anchors !== undefined && !(Array.isArray(anchors) && anchors.every(isAnchor))) {
    throw new TypeError("verifyLog: anchors must be a list of checkpoints, as openCheckpoint answers them");
  }
  if (minSize !== undefined && !(Number.isSafeInteger(minSize) && Number(minSize) >= 0)) {
    throw new TypeError("verifyLog: minSize must be a whole number of entries");
  }
}

function isAnchor(value: unknown): value is Anchor {
  if (typeof value !== "object" || value === null) return false;
  const { log, size, hash, signedBy } = value as Record<string, unknown>;
  return typeof log === "string" && Number.isSafeInteger(size) && typeof hash === "string" && Array.isArray(signedBy);
}

/** What `check` has found, once it has been given everything. */
export function reportOf(check: ChainCheck, minSize = 0): VerifyReport {
  check.end(minSize);
  const { findings, entries, last, parts, anchors, outcomes } = check;
  return {
    intact: findings.problems.length === 0,
    entries,
    ...(parts.from !== undefined && { from: parts.from }),
    ...(last !== undefined && { last }),
    ...(anchors.latest !== undefined && { anchor: anchors.latest }),
    withoutOutcome: outcomes.withoutOutcome,
    withoutDecision: outcomes.withoutDecision,
    problems: findings.problems,
    warnings: findings.warnings,
  };
}
