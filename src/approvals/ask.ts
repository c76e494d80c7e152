/** What becomes of a call that needs approval: it is let through once, waits for a person, or was rejected. */

import canonicalize from "canonicalize";

import {
  MAX_OPEN,
  type ApprovalEnd,
  type ApprovalRecord,
  type ApprovalRequest,
  type CallBinding,
  type GrantRecord,
  type OpenItems,
  type OpenRequest,
} from "../approval.ts";
import { findGrant, type Covers } from "./grant.ts";
import { speakableId } from "./id.ts";
import type { ApproverKeys } from "./signature.ts";
import { isOver, standingOf, type Moment } from "./standing.ts";

/** A call that needs approval. */
export interface Call {
  readonly event: string;
  readonly session?: string;
  /** What an approval of it is bound to; given the log's identity, which salts the digest. */
  readonly bind: (log: string) => CallBinding;
  /** What is recorded of its payload, for people to look at. */
  readonly shown: Pick<ApprovalRequest, "payload" | "redacted" | "cut">;
  /** How long it can be answered and used. */
  readonly timeoutSeconds: number;
  readonly covers: Covers;
}

/** What becomes of a call, and the records that make it so. */
export type Settlement = { readonly records: readonly (ApprovalRecord | GrantRecord)[] } & (
  | {
      /** `approved` and `granted`: it may run, this once. */
      readonly status: "approved" | "granted" | "pending";
      readonly id: string;
    }
  | {
      readonly status: "requested";
      readonly id: string;
      /** The last of the records. */
      readonly request: ApprovalRequest;
    }
  | { readonly status: "rejected"; readonly id: string; readonly note?: string }
  | { readonly status: "too_many" }
);

/**
 * Settles a call. A person's answer to this very call goes before any grant; the same call joins the request that waits.
 * Pure: whoever calls it appends the records, before anything else is appended, and only then acts.
 */
export function settle(call: Call, open: OpenItems, moment: Moment, keys: ApproverKeys): Settlement {
  const binding = call.bind(moment.log);
  const over = [...open.requests.values()].filter(({ entry }) => isOver(entry.expires, moment.ts));
  const expired = over.map((request) => endOf(request, "expired"));
  const asked = [...open.requests.values()].find((one) => !over.includes(one) && isBoundTo(one, binding));
  const standing = asked && standingOf(asked, moment, keys);
  if (asked !== undefined && standing?.status === "approved") {
    const used = endOf(asked, "consumed", call.event);
    return { status: "approved", id: asked.entry.id, records: [...expired, used] };
  }
  if (asked !== undefined && standing?.status === "rejected") {
    const { note } = standing.answer;
    return { status: "rejected", id: asked.entry.id, ...(note !== undefined && { note }), records: expired };
  }
  const grant = findGrant({ binding, call }, open, moment, keys);
  if (grant !== undefined) {
    const { id, seq: of } = grant.entry;
    const used = { kind: "grant", status: "used", id, of, grant: grant.hash, event: call.event } as const;
    return { status: "granted", id, records: [...expired, used] };
  }
  if (asked !== undefined) return { status: "pending", id: asked.entry.id, records: expired };
  if (open.requests.size - over.length >= MAX_OPEN) return { status: "too_many", records: expired };
  const request = requestFor(call, binding, open, moment);
  return { status: "requested", id: request.id, request, records: [...expired, request] };
}

function requestFor(call: Call, binding: CallBinding, open: OpenItems, { ts }: Moment): ApprovalRequest {
  return {
    kind: "approval",
    status: "requested",
    id: speakableId((id) => open.requests.has(id) || open.grants.has(id) || open.ended.has(id)),
    event: call.event,
    ...(call.session !== undefined && { session: call.session }),
    ...binding,
    ...call.shown,
    expires: new Date(Date.parse(ts) + call.timeoutSeconds * 1000).toISOString(),
  };
}

/** The record that a request has ended. */
export function endOf({ entry, hash }: OpenRequest, status: ApprovalEnd["status"], event?: string): ApprovalEnd {
  const { id, seq } = entry;
  return { kind: "approval", status, id, of: seq, request: hash, ...(event !== undefined && { event }) };
}

/** The members of a request that must be those of the call. */
const BOUND = [
  "actor",
  "action",
  "resource",
  "capability",
  "environment",
  "scope",
  "tool",
  "context",
  "policy",
  "rule",
  "riskLevel",
  "digest",
  "shown",
] as const satisfies readonly (keyof CallBinding)[];

function isBoundTo({ entry }: OpenRequest, binding: CallBinding): boolean {
  return entry.digest === binding.digest && boundText(entry) === boundText(binding);
}

function boundText(binding: CallBinding): string | undefined {
  return canonicalize(BOUND.map((name) => binding[name] ?? null));
}
