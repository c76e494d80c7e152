/** How a call ended, as the host says it. */

import type { OutcomeStatus } from "../audit/format/entry.ts";
import type { Verdict } from "../event.ts";
import { checkOptionNames, optionNames } from "../options.ts";

/** How a tool call ended, for {@link ActionRuntime.recordOutcome}. */
export interface Outcome {
  /** `finished`, `failed` (the tool threw), or `aborted` (allowed, but cancelled before the tool started). */
  readonly status: OutcomeStatus;
  /** Milliseconds the tool ran. */
  readonly durationMs: number;
  /** What the tool returned; only a salted digest of it is recorded, and only if it is text or plain JSON. */
  readonly output?: unknown;
}

const OUTCOME = optionNames<Outcome>({ status: true, durationMs: true, output: true });

const STATUSES: ReadonlySet<unknown> = new Set<OutcomeStatus>(["finished", "failed", "aborted"]);

/**
 * Refuses what cannot be recorded as the end of a call.
 *
 * @throws TypeError naming what is wrong.
 */
export function checkOutcome(verdict: Verdict, outcome: Outcome): void {
  checkOptionNames("recordOutcome", outcome, OUTCOME);
  if (!STATUSES.has(outcome.status)) {
    throw new TypeError('recordOutcome: status must be "finished", "failed" or "aborted"');
  }
  const duration: unknown = outcome.durationMs;
  if (duration !== undefined && typeof duration !== "number") {
    throw new TypeError("recordOutcome: durationMs must be a number of milliseconds");
  }
  const { eventId, entry }: { eventId?: unknown; entry?: Partial<Verdict["entry"]> } = verdict;
  const isEvent = typeof eventId === "string" && eventId !== "" && eventId.isWellFormed();
  if (!isEvent || !Number.isSafeInteger(entry?.seq)) {
    throw new TypeError("recordOutcome: verdict must be what execute answered");
  }
}
