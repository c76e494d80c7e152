/** What is asked of a person and what is answered: plain, read-only data, as the audit log holds it. */

import type { RuleReference } from "./event.ts";
import type { JsonObject } from "./snapshot.ts";

/** What a request is bound to: an approval lets exactly such a call run, and no other. */
export interface CallBinding {
  readonly actor: string;
  readonly action: string;
  readonly resource: string;
  readonly capability: string;
  readonly environment: string;
  readonly scope?: string;
  /** The tool that runs the call, where whoever asks says so. */
  readonly tool?: string;
  /** What the host says about tool, tenant and role; absent when it says none of them. */
  readonly context?: JsonObject;
  /** The policy's digest. */
  readonly policy: string;
  /** The rule that asks; absent when a risk level or the host does. */
  readonly rule?: Pick<RuleReference, "id" | "section" | "index">;
  /** The risk level that asks. */
  readonly riskLevel?: string;
  /** Commits to the payload: SHA-256 over the 16 bytes of the log's identity, then its canonical JSON. Hexadecimal. */
  readonly digest: string;
  /**
   * SHA-256, hexadecimal, of the canonical JSON of `[payload, redacted, cut]` as recorded, null where absent: what people
   * are shown.
   */
  readonly shown: string;
}

/** Asks a person. `expires` is the last moment at which it can be answered and used: RFC 3339, UTC, milliseconds. */
export interface ApprovalRequest extends CallBinding {
  readonly kind: "approval";
  readonly status: "requested";
  /** Short and speakable; no two that are open share one. */
  readonly id: string;
  /** The event that asked first. */
  readonly event: string;
  readonly session?: string;
  readonly expires: string;
  /** The payload as recorded, and what was left out of it; see the decision's members of these names. */
  readonly payload?: JsonObject;
  readonly redacted?: readonly string[];
  readonly cut?: number;
}

/** Names the request that something is said about: its id, its place in the log and its hash. */
interface OfRequest {
  readonly kind: "approval";
  readonly id: string;
  readonly of: number;
  readonly request: string;
}

/** Who answered: the name that was given, and the operating system's user. */
interface AnsweredBy {
  readonly by: string;
  readonly user: string;
  /** What they said. */
  readonly note?: string;
  /** A line of a C2SP signed note, over the text that binds the answer. */
  readonly signature?: string;
}

/** A person's answer. */
export interface ApprovalAnswer extends OfRequest, AnsweredBy {
  readonly status: "approved" | "rejected";
}

/** The end of a request: its call was let through, or its time is over. */
export interface ApprovalEnd extends OfRequest {
  readonly status: "consumed" | "expired";
  /** The event that was let through. */
  readonly event?: string;
}

/** An attempt to answer that was refused, and why. */
export interface RefusedAnswer extends OfRequest, AnsweredBy {
  readonly status: "refused";
  readonly attempt: ApprovalAnswer["status"];
  readonly problem: ApprovalProblem;
}

/** Everything that entries of kind `approval` say. */
export type ApprovalRecord = ApprovalRequest | ApprovalAnswer | ApprovalEnd | RefusedAnswer;

/** A standing approval of calls to come. Always ends. */
export interface Grant extends AnsweredBy {
  readonly kind: "grant";
  readonly status: "granted";
  readonly id: string;
  /** The actor it is for, or `*` for any. */
  readonly actor: string;
  /** A capability as policies write them: `*` is one segment, a shorter one covers everything below it. */
  readonly capability: string;
  /** The environment it is for, or `*` for any. */
  readonly environment: string;
  /** The one session it is for; absent when for all. */
  readonly session?: string;
  /** Calls that it lets through; absent when they are not counted. */
  readonly uses?: number;
  readonly expires: string;
}

/** What is said about a grant later on. */
export interface GrantChange {
  readonly kind: "grant";
  readonly id: string;
  /** The grant's place in the log, and its hash. */
  readonly of: number;
  readonly grant: string;
  readonly status: "used" | "revoked";
  /** The event that used it. */
  readonly event?: string;
  readonly by?: string;
  readonly user?: string;
}

/** Everything that entries of kind `grant` say. */
export type GrantRecord = Grant | GrantChange;

/** Where a record lies in the log, and when it was recorded there. */
export interface Place {
  readonly seq: number;
  readonly ts: string;
}

/** A request that was neither used nor outlived, and all answers to it. */
export interface OpenRequest {
  readonly hash: string;
  readonly entry: Omit<ApprovalRequest, "payload" | "redacted" | "cut"> & Place;
  readonly answers: readonly { readonly hash: string; readonly entry: ApprovalAnswer & Place }[];
}

/** A grant whose time is not over. */
export interface OpenGrant {
  readonly hash: string;
  readonly entry: Grant & Place;
  /** Calls it still lets through; absent when they are not counted. */
  readonly left?: number;
  readonly revoked?: true;
}

/** What of approvals is open at some point of a log. */
export interface OpenItems {
  readonly requests: ReadonlyMap<string, OpenRequest>;
  readonly grants: ReadonlyMap<string, OpenGrant>;
  /** How the requests that ended last have ended. */
  readonly ended: ReadonlyMap<string, EndedRequest>;
}

/** A request that has ended. */
export interface EndedRequest {
  readonly id: string;
  readonly seq: number;
  readonly hash: string;
  readonly status: ApprovalEnd["status"];
}

/** What a segment entry carries on of the open items; a member is absent when it would be empty. */
export interface CarriedItems {
  readonly requests?: readonly OpenRequest[];
  readonly grants?: readonly OpenGrant[];
  readonly ended?: readonly EndedRequest[];
}

/** Most requests, and most grants, that are open at once: a person could not look at more. */
export const MAX_OPEN = 256;

/** Answers kept of one request; there are few, unless somebody adds what does not count. */
export const MAX_ANSWERS = 8;

/** Longest name of who answers, in UTF-16 code units. */
export const MAX_NAME = 256;

/** Longest other text of an answer or a grant, in UTF-16 code units. */
export const MAX_NOTE = 1_024;

/** Longest that a grant may last, in seconds: 30 days. */
export const MAX_GRANT_SECONDS = 2_592_000;

/**
 * Why an answer, a grant or a revocation was refused. `unknown`: there is no such request or grant. `expired`, `consumed`,
 * `rejected`, `already_approved`, `revoked`: it has come to that already. `own_request`: who asks can't approve. `unsigned`: no
 * key that counts has signed it. `wrong_request`: it is not the request that was shown. `too_many`: of too many grants the
 * time is not over. `too_many_answers`: the request has all the answers that are kept of one, and they do not count.
 */
export type ApprovalProblem =
  | "unknown"
  | "expired"
  | "consumed"
  | "rejected"
  | "already_approved"
  | "own_request"
  | "unsigned"
  | "wrong_request"
  | "revoked"
  | "too_many"
  | "too_many_answers";
