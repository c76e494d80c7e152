/** A call that needs approval, as the approvals see it: what an approval is bound to, and what a person is shown. */

import type { CallBinding } from "../approval.ts";
import type { Call } from "../approvals/ask.ts";
import { canonical, sha256 } from "../audit/format/entry.ts";
import type { RecordedEvent } from "../audit/recording/record.ts";
import type { ActionEvent, Decision } from "../event.ts";
import { covers } from "../policy/matching/capability.ts";
import type { Policy } from "../policy/policy.ts";
import type { JsonObject } from "../snapshot.ts";
import { shownDigest, type ShownPayload } from "./shown.ts";

/** How long an approval can be answered and used where the policy says nothing: an hour. */
const TIMEOUT_SECONDS = 3_600;

/**
 * What of the host's context an approval is bound to. The rest may differ from call to call, as run ids do, and a rule that
 * heeds it is asked again anyway.
 */
const BOUND_CONTEXT = ["tool_name", "tenant", "user_role"] as const;

/** A call that a policy wants approved. */
export interface CallToApprove {
  readonly event: ActionEvent;
  readonly decision: Decision;
  readonly policy: Policy;
  /** The tool that runs it. */
  readonly tool?: string | undefined;
}

/** The call as the approvals see it, with what is recorded of its event. */
export function callOf({ event, decision, policy, tool }: CallToApprove, recorded: RecordedEvent): Call {
  const { payload, redacted, cut } = recorded.payload;
  const text = Buffer.from(canonical(event.payload), "utf8");
  const shown: ShownPayload = {
    ...(payload !== undefined && { payload }),
    ...(redacted !== undefined && { redacted }),
    ...(cut !== undefined && { cut }),
  };
  const bound = {
    ...boundTo(event, decision, policy),
    ...(tool !== undefined && { tool }),
    shown: shownDigest(shown),
  };
  let last: { readonly log: string; readonly digest: string } | undefined;
  return {
    event: event.id,
    ...(event.sessionId !== undefined && { session: event.sessionId }),
    bind: (log) => {
      // Once for each log: a large payload takes long, and this is asked under the log's lock, perhaps again and again.
      if (last?.log !== log) last = { log, digest: saltedWith(log, text) };
      return { ...bound, digest: last.digest };
    },
    shown,
    timeoutSeconds: policy.approvalTimeoutSeconds ?? TIMEOUT_SECONDS,
    covers: (capability) => covers(capability, event),
  };
}

function boundTo(
  event: ActionEvent,
  { rule, riskLevel }: Decision,
  policy: Policy,
): Omit<CallBinding, "digest" | "shown"> {
  const known = BOUND_CONTEXT.flatMap((name) => {
    const value = Object.hasOwn(event.context, name) ? event.context[name] : undefined;
    return value === undefined ? [] : [[name, value] as const];
  });
  const context: JsonObject = Object.fromEntries(known);
  return {
    actor: event.actor,
    action: event.action,
    resource: event.resource,
    capability: event.capability,
    environment: event.environment,
    ...(event.scope !== undefined && { scope: event.scope }),
    ...(known.length > 0 && { context }),
    policy: policy.digest,
    ...(rule !== undefined && { rule: { id: rule.id, section: rule.section, index: rule.index } }),
    ...(rule === undefined && riskLevel !== undefined && { riskLevel: riskLevel.level }),
  };
}

/** The same in one log for the same text, and in no other log. */
function saltedWith(log: string, text: Buffer): string {
  return sha256(Buffer.concat([Buffer.from(log, "hex"), text]));
}
