/** Turns events and outcomes into the content of entries: what is recorded, what is redacted, what is only committed to. */

import type { ActionEvent, Decision, Verdict } from "../../event.ts";
import { takeSnapshot, type JsonObject } from "../../snapshot.ts";
import {
  canonical,
  PreparedEntry,
  sha256,
  type DecisionEntry,
  type EntryContent,
  type OutcomeEntry,
  type OutcomeStatus,
  type SaltedDigest,
} from "../format/entry.ts";
import { newSalt } from "./salt.ts";
import { withoutSecrets } from "./secrets.ts";
import { cutTexts, MAX_RECORDED, redact } from "./redact.ts";

/** What of a payload goes into the log. The salted digest of the whole payload always does. */
export interface RecordingOptions {
  /**
   * `redacted` (default): the payload without the `redact` paths and without secrets recognised by their form. `none`:
   * no payload at all.
   */
  readonly payload?: "redacted" | "none" | undefined;
  /** Paths of members to leave out, dotted from the payload's root, `*` for any one member: `["password", "*.token"]`. */
  readonly redact?: readonly string[] | undefined;
}

/** The entry for a decision. `policy` is the policy's digest. */
export function decisionEntry(
  event: ActionEvent,
  { decision, reason, rule, approvalId }: Decision & { readonly approvalId?: string },
  authorized: boolean,
  policy: string,
  recording: RecordingOptions,
): PreparedEntry {
  const content: EntryContent<DecisionEntry> = {
    kind: "decision",
    event: event.id,
    actor: event.actor,
    action: event.action,
    resource: event.resource,
    capability: event.capability,
    environment: event.environment,
    ...(event.scope !== undefined && { scope: event.scope }),
    ...(event.risk !== undefined && { risk: event.risk }),
    ...(event.sessionId !== undefined && { session: event.sessionId }),
    ...recordedContext(event.context),
    ...(event.requireApproval === true && { requireApproval: true }),
    decision,
    authorized,
    ...(authorized && decision !== "allow" && { enforced: false }),
    reason,
    ...(rule !== undefined && {
      rule: {
        id: rule.id,
        section: rule.section,
        index: rule.index,
        file: rule.source.file,
        line: rule.source.line,
      },
    }),
    ...(approvalId !== undefined && { approval: approvalId }),
    policy,
    ...recordedPayload(event, recording),
  };
  return new PreparedEntry(content);
}

function recordedContext(full: JsonObject): Pick<DecisionEntry, "context" | "contextCut"> {
  if (Object.keys(full).length === 0) return {};
  const { json } = redact(full, []);
  const { length } = canonical(json);
  if (length <= MAX_RECORDED) return { context: json };
  const context = cutTexts(json);
  return { contextCut: length, ...(context !== undefined && { context }) };
}

/** What is recorded of an event's payload. */
export function recordedPayload(
  event: ActionEvent,
  recording: RecordingOptions,
): Pick<DecisionEntry, "payload" | "redacted" | "cut" | "digest" | "problem"> {
  if (event.payloadProblem !== undefined) {
    // It names the place, and so members of the payload.
    const [, what = ""] = /^.*: (.*)$/s.exec(event.payloadProblem) ?? [];
    return { problem: recording.payload === "none" ? what : withoutSecrets(event.payloadProblem).text };
  }
  const text = canonical(event.payload);
  const digest = saltedDigest(text);
  if (recording.payload === "none") return { digest };
  const { json, redacted } = redact(event.payload, recording.redact ?? []);
  const isCut = text.length > MAX_RECORDED;
  const payload = isCut ? cutTexts(json) : json;
  return {
    digest,
    ...(payload !== undefined && { payload }),
    ...(redacted.length > 0 && { redacted }),
    ...(isCut && { cut: text.length }),
  };
}

/** The entry for the end of a call that `verdict` let through. */
export function outcomeEntry(
  event: ActionEvent,
  verdict: Verdict,
  outcome: { readonly status: OutcomeStatus; readonly durationMs: number; readonly output?: unknown },
): PreparedEntry {
  const output = outputDigest(outcome.output);
  const content: EntryContent<OutcomeEntry> = {
    kind: "outcome",
    event: verdict.eventId,
    actor: event.actor,
    capability: event.capability,
    environment: event.environment,
    of: verdict.entry.seq,
    status: outcome.status,
    ...(Number.isFinite(outcome.durationMs) && { ms: Math.max(0, Math.round(outcome.durationMs * 1000) / 1000) }),
    ...(output !== undefined && { output }),
  };
  return new PreparedEntry(content);
}

/** The entry for another policy's coming into force. Both are digests. */
export function policyEntry(policy: string, previous: string): PreparedEntry {
  return new PreparedEntry({ kind: "policy", policy, previous });
}

const MAX_PROBLEM = 1_024;

/** The entry for a policy that was read and not taken; `policy` is the digest of the one that stays in force. */
export function refusedPolicyEntry(policy: string, problem: string): PreparedEntry {
  return new PreparedEntry({ kind: "policy", policy, problem: problem.slice(0, MAX_PROBLEM).toWellFormed() });
}

/** Text is digested as it is, plain JSON in canonical form; anything else (a graph command, a stream) has no digest. */
function outputDigest(output: unknown): SaltedDigest | undefined {
  if (typeof output === "string") return saltedDigest(output);
  const taken = takeSnapshot({ output });
  return taken.ok && taken.json["output"] !== undefined ? saltedDigest(canonical(taken.json["output"])) : undefined;
}

/** A salt of its own for each digest: equal payloads don't show as equal, and no table made beforehand helps a guesser. */
function saltedDigest(text: string): SaltedDigest {
  const salt = newSalt();
  return { salt: salt.toString("hex"), sha256: sha256(Buffer.concat([salt, Buffer.from(text, "utf8")])) };
}
