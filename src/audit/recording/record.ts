/** Turns events and outcomes into the content of entries: what is recorded, what is redacted, what is only committed to. */

import type { ActionEvent, Decision, Verdict } from "../../event.ts";
import { takeSnapshot, type JsonObject } from "../../snapshot.ts";
import {
  canonical,
  PreparedEntry,
  sha256,
  type DecisionEntry,
  type EntryMembers,
  type OutcomeEntry,
  type OutcomeStatus,
  type SaltedDigest,
} from "../format/entry.ts";
import { newSalt } from "./salt.ts";
import { mayHoldSecrets, withoutSecrets } from "./secrets.ts";
import { cutTexts, MAX_RECORDED, redact, type Redaction } from "./redact.ts";

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

/** Some members of a decision's entry; those that are `undefined` will be absent. */
type Recorded<Name extends keyof EntryMembers<DecisionEntry>> = Pick<EntryMembers<DecisionEntry>, Name>;

/** What of an event goes into entries: all that takes long for large arguments. */
export interface RecordedEvent {
  readonly event: ActionEvent;
  readonly context: Recorded<"context" | "contextCut">;
  readonly payload: Recorded<"payload" | "redacted" | "cut" | "digest" | "problem">;
}

/** What of an event goes into entries. */
export function recordedEvent(event: ActionEvent, recording: RecordingOptions): RecordedEvent {
  return { event, context: recordedContext(event.context), payload: recordedPayload(event, recording) };
}

/** The entry for a decision. `policy` is the policy's digest. */
export function decisionEntry(
  recorded: RecordedEvent,
  { decision, reason, rule, approvalId }: Decision & { readonly approvalId?: string },
  authorized: boolean,
  policy: string,
): PreparedEntry {
  const { event } = recorded;
  const { context, contextCut } = recorded.context;
  const { payload, redacted, cut, digest, problem } = recorded.payload;
  const content: EntryMembers<DecisionEntry> = {
    kind: "decision",
    event: event.id,
    actor: event.actor,
    action: event.action,
    resource: event.resource,
    capability: event.capability,
    environment: event.environment,
    scope: event.scope,
    risk: event.risk,
    session: event.sessionId,
    context,
    contextCut,
    requireApproval: event.requireApproval === true ? true : undefined,
    decision,
    authorized,
    enforced: authorized && decision !== "allow" ? false : undefined,
    reason,
    // In the order of its canonical form, which is then quickly made.
    rule: rule && {
      file: rule.source.file,
      id: rule.id,
      index: rule.index,
      line: rule.source.line,
      section: rule.section,
    },
    approval: approvalId,
    policy,
    payload,
    redacted,
    cut,
    digest,
    problem,
  };
  return new PreparedEntry(content);
}

function recordedContext(full: JsonObject): RecordedEvent["context"] {
  if (Object.keys(full).length === 0) return {};
  const text = canonical(full);
  const { json } = recordable(full, NO_PATHS, text);
  const { length } = json === full ? text : canonical(json);
  if (length <= MAX_RECORDED) return { context: json };
  return { context: cutTexts(json), contextCut: length };
}

function recordedPayload(event: ActionEvent, recording: RecordingOptions): RecordedEvent["payload"] {
  if (event.payloadProblem !== undefined) {
    // It names the place, and so members of the payload.
    const [, what = ""] = /^.*: (.*)$/s.exec(event.payloadProblem) ?? [];
    return { problem: recording.payload === "none" ? what : withoutSecrets(event.payloadProblem).text };
  }
  const text = canonical(event.payload);
  const digest = saltedDigest(text);
  if (recording.payload === "none") return { digest };
  const { json, redacted } = recordable(event.payload, recording.redact ?? NO_PATHS, text);
  const isCut = text.length > MAX_RECORDED;
  return {
    digest,
    payload: isCut ? cutTexts(json) : json,
    redacted: redacted.length > 0 ? redacted : undefined,
    cut: isCut ? text.length : undefined,
  };
}

const NO_PATHS: readonly string[] = [];

/**
 * What of `payload`, whose canonical text is `text`, may be recorded. Most have nothing to hide, and one look at the text
 * tells.
 */
function recordable(payload: JsonObject, paths: readonly string[], text: string): Redaction {
  if (paths.length === 0 && !mayHoldSecrets(text)) return { json: payload, redacted: NO_PATHS };
  return redact(payload, paths);
}

/** The entry for the end of a call that `verdict` let through. */
export function outcomeEntry(
  event: ActionEvent,
  verdict: Verdict,
  outcome: { readonly status: OutcomeStatus; readonly durationMs: number; readonly output?: unknown },
): PreparedEntry {
  const content: EntryMembers<OutcomeEntry> = {
    kind: "outcome",
    event: verdict.eventId,
    actor: event.actor,
    capability: event.capability,
    environment: event.environment,
    of: verdict.entry.seq,
    status: outcome.status,
    ms: milliseconds(outcome.durationMs),
    output: outputDigest(outcome.output),
  };
  return new PreparedEntry(content);
}

/** To the microsecond; `undefined` when it was not measured. */
function milliseconds(duration: number): number | undefined {
  const rounded = Math.max(0, Math.round(duration * 1000) / 1000);
  return Number.isFinite(rounded) ? rounded : undefined;
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
