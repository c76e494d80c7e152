/** Recorded decisions: made calls again, with what the record does not say, and the decision that was made. */

import type { DecisionEntry } from "../audit/format/entry.ts";
import { leftOutOfContext, leftOutOfPayload, type LeftOut } from "../audit/recording/left-out.ts";
import { ActionEvent, type Decision, type DecisionKind, type Reason } from "../event.ts";
import { SECTIONS } from "../policy/rule.ts";
import type { UnknownPart } from "../policy/partial/unknown-part.ts";

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
  const payload = leftOutOfPayload(entry);
  const context = leftOutOfContext(entry);
  try {
    // Without one, an event would take that of this process.
    if (typeof entry.environment !== "string" || typeof entry.capability !== "string") return "malformed";
    const event = ActionEvent.create({
      actor: entry.actor,
      action: entry.action,
      resource: entry.resource,
      environment: entry.environment,
      payload: isWhole(payload) ? {} : entry.payload,
      context: isWhole(context) ? {} : entry.context,
      capability: entry.capability,
      scope: entry.scope,
      risk: entry.risk,
      sessionId: entry.session,
      requireApproval: entry.requireApproval,
    });
    if (event.payloadProblem !== undefined) return "malformed";
    return { event, unknown: [...partsOf("payload", payload), ...partsOf("context", context)] };
  } catch (error) {
    // A forged entry's members may be anything.
    if (error instanceof TypeError) return "malformed";
    throw error;
  }
}

function isWhole(left: readonly LeftOut[]): boolean {
  return left.some(({ path }) => path.length === 0);
}

function partsOf(of: UnknownPart["of"], left: readonly LeftOut[]): readonly UnknownPart[] {
  return left.map((part) => ({ of, ...part }));
}

/** Reasons that a person's answer, or its absence, gives to what a policy wants approved. */
const ASKED: ReadonlySet<Reason> = new Set([
  "approval_required",
  "approval_granted",
  "approval_rejected",
  "grant_used",
]);

/** Whether a record says a decision at all: a forged one may be anything. */
export function isDecision(kind: DecisionKind): boolean {
  return SECTIONS.includes(kind);
}

/** Whether a record says which rule it was: a forged one may be anything, and nested too deeply for JSON.stringify. */
export function isRule(rule: DecisionEntry["rule"]): rule is NonNullable<DecisionEntry["rule"]> {
  const { id, section, file, index, line } = rule ?? {};
  return [id, section, file].every((text) => typeof text === "string") && [index, line].every(Number.isSafeInteger);
}

/**
 * What the policy decided; `undefined` when the record says no such thing. Whether the call was let through all the same,
 * by a person say, is another question.
 */
export function recordedDecision(entry: DecisionEntry): Decision | undefined {
  if (!isDecision(entry.decision) || typeof entry.reason !== "string") return undefined;
  const isAsked = ASKED.has(entry.reason);
  const decision = isAsked ? "require_approval" : entry.decision;
  const reason = isAsked ? "approval_required" : entry.reason;
  if (!isRule(entry.rule)) return { decision, reason };
  const { id, section, index, file, line } = entry.rule;
  return { decision, reason, rule: { id, section, index, source: { file, line } } };
}
