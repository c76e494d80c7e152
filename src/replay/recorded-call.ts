/** Recorded decisions: made calls again, with what the record does not say, and the decision that was made. */

import type { DecisionEntry } from "../audit/entry.ts";
import { leftOutOfContext, leftOutOfPayload } from "../audit/left-out.ts";
import { ActionEvent, type Decision, type Reason } from "../event.ts";
import type { UnknownPart } from "../policy/unknown-part.ts";

/** A call that a policy can be asked about. */
export interface KnownCall {
  readonly event: ActionEvent;
  /** Parts of the event that are not known. */
  readonly unknown: readonly UnknownPart[];
}

/** Why no policy can be asked about a recorded call. */
export type NotAsked =
  /** It was refused before any policy was asked, and would be refused so under every policy. */
  | "refused"
  /** The record does not hold what every record of a call holds. */
  | "malformed";

/** Reasons that are not a policy's. */
const REFUSALS: ReadonlySet<Reason> = new Set(["payload_invalid", "context_invalid", "unknown_tool", "bypassed"]);

/** The call that `entry` is about, as it was judged. */
export function recordedCall(entry: DecisionEntry): KnownCall | NotAsked {
  if (REFUSALS.has(entry.reason)) return "refused";
  const { actor, action, resource, capability, environment, scope, risk, session: sessionId, requireApproval } = entry;
  const unknown: UnknownPart[] = [
    ...leftOutOfPayload(entry).map((left) => ({ of: "payload" as const, ...left })),
    ...leftOutOfContext(entry).map((left) => ({ of: "context" as const, ...left })),
  ];
  const isWhole = (of: UnknownPart["of"]): boolean => unknown.some((part) => part.of === of && part.path.length === 0);
  const payload = isWhole("payload") ? {} : entry.payload;
  const context = isWhole("context") ? {} : entry.context;
  try {
    // Without one, an event would take that of this process.
    if (typeof environment !== "string" || typeof capability !== "string") return "malformed";
    const named = { actor, action, resource, capability, environment, scope, risk, sessionId };
    const event = ActionEvent.create({ ...named, requireApproval, payload, context });
    return event.payloadProblem === undefined ? { event, unknown } : "malformed";
  } catch (error) {
    // A forged entry's members may be anything.
    if (error instanceof TypeError) return "malformed";
    throw error;
  }
}

/** Reasons that a person's answer, or its absence, gives to what a policy wants approved. */
const ASKED: ReadonlySet<Reason> = new Set([
  "approval_required",
  "approval_granted",
  "approval_rejected",
  "grant_used",
]);

/** What the policy decided. Whether the call was let through all the same, by a person say, is another question. */
export function recordedDecision(entry: DecisionEntry): Decision {
  const decided: Decision = ASKED.has(entry.reason)
    ? { decision: "require_approval", reason: "approval_required" }
    : { decision: entry.decision, reason: entry.reason };
  if (entry.rule === undefined) return decided;
  const { id, section, index, file, line } = entry.rule;
  return { ...decided, rule: { id, section, index, source: { file, line } } };
}
