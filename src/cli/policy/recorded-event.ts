/** Calls as an audit log has recorded them, made events again, where the record says all that a policy looks at. */

import type { DecisionEntry } from "../../audit/entry.ts";
import { ActionEvent, type Reason } from "../../event.ts";

/** Why a recorded call can't be decided again. */
export type Undecidable =
  /** Something of it was redacted, cut, or not recorded at all. */
  | "not fully recorded"
  /** It was refused before any policy was asked. */
  | "refused by the host";

/** Reasons that are the host's: under another policy such a call would be refused just the same. */
const HOST_REASONS: ReadonlySet<Reason> = new Set(["context_invalid", "unknown_tool", "bypassed"]);

/** What stands in a recorded context where a secret was, or the end of a long text; no other member of an entry says so. */
const MARKER = /\[redacted: [^\]]*\]|\[cut: \d+ more characters\]$/;

/** The event that `entry` is about, as it was judged. Anything that is not sure to be so is not decided again. */
export function eventOf(entry: DecisionEntry): ActionEvent | Undecidable {
  if (HOST_REASONS.has(entry.reason)) return "refused by the host";
  const { payload, redacted, cut, context = {}, contextCut } = entry;
  const isCut = cut !== undefined || contextCut !== undefined;
  if (payload === undefined || redacted !== undefined || isCut) return "not fully recorded";
  const { actor, action, resource, capability, environment, scope, risk, session: sessionId, requireApproval } = entry;
  try {
    // Without one, an event would take that of this process.
    if (typeof environment !== "string") return "not fully recorded";
    const named = { actor, action, resource, capability, environment, scope, risk, sessionId };
    const event = ActionEvent.create({ ...named, requireApproval, payload, context });
    return event.payloadProblem !== undefined || isMarked(event.context) ? "not fully recorded" : event;
  } catch (error) {
    // A forged entry's members may be anything.
    if (error instanceof TypeError) return "not fully recorded";
    throw error;
  }
}

function isMarked(value: unknown): boolean {
  if (typeof value === "string") return MARKER.test(value);
  return typeof value === "object" && value !== null && Object.values(value).some(isMarked);
}
