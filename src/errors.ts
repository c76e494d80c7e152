/** Every error CapFence throws on purpose, each with a literal `code` and a brand that survives two copies of the package. */

import { types } from "node:util";

import type { ApprovalProblem } from "./approval.ts";
import type { Verdict } from "./event.ts";

/** Marks our errors under a registered symbol: `instanceof` fails across two copies of a package, this does not. */
const BRAND = Symbol.for("capfence.error");

/** The codes of all CapFence errors. */
export type CapFenceErrorCode =
  | "ERR_ACTION_BLOCKED"
  | "ERR_POLICY_INVALID"
  | "ERR_AUDIT_UNAVAILABLE"
  | "ERR_AUDIT_CORRUPT"
  | "ERR_APPROVAL_REFUSED"
  | "ERR_TRACE_INVALID"
  | "ERR_UNGATED_TOOLS";

/** What every CapFence error is: an `Error` with a literal `code`. */
export abstract class CapFenceError extends Error {
  abstract readonly code: CapFenceErrorCode;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    Object.defineProperty(this, BRAND, { value: true });
  }

  /** Whether `value` is an error of this class, thrown by this or another copy of the package. */
  static isInstance(value: unknown): value is CapFenceError {
    return typeof codeOf(value) === "string";
  }
}

/** The code of a CapFence error; `undefined` for anything else. Never throws: tools throw whatever they like. */
function codeOf(value: unknown): unknown {
  // False for a Proxy, without running its traps; a prototype can still be one.
  if (!types.isNativeError(value)) return undefined;
  try {
    return BRAND in value && "code" in value ? value.code : undefined;
  } catch {
    return undefined;
  }
}

/**
 * A tool call was refused, and the tool did not run; only where the reason is `bypassed`, so that something went round the
 * gate, nobody can say what ran. `verdict` says why; neither it nor the message holds the arguments. `cause` is what went wrong
 * in the host, where something did. Not frozen: LangGraph writes a property onto errors that pass through it.
 */
export class AgentActionBlocked extends CapFenceError {
  override readonly name = "AgentActionBlocked";
  readonly code = "ERR_ACTION_BLOCKED";
  readonly verdict: Verdict;

  constructor(verdict: Verdict, options?: ErrorOptions) {
    super(`Blocked: ${verdict.reason}`, options);
    this.verdict = verdict;
  }

  static override isInstance(value: unknown): value is AgentActionBlocked {
    return codeOf(value) === "ERR_ACTION_BLOCKED";
  }
}

/** One problem in a policy file. Lines and columns count from 1; columns count UTF-16 code units. */
export interface PolicyIssue {
  /** The file as it was named, or `<policy>` for text that came from no file. */
  readonly source: string;
  readonly line: number;
  readonly column: number;
  /** Where in the document, for example `deny[0].contains`; empty for the document itself. */
  readonly path: string;
  /** What is wrong and what to do about it, one sentence. */
  readonly message: string;
  /** The line of the file and a caret under the column; absent when there is no text to show. */
  readonly frame?: string;
}

/** A policy could not be read or means nothing; nothing runs under it. `issues` holds every problem found, in file order. */
export class PolicyLoadError extends CapFenceError {
  override readonly name = "PolicyLoadError";
  readonly code = "ERR_POLICY_INVALID";
  readonly issues: readonly PolicyIssue[];
  /**
   * Absolute paths of the files that loading has read or could not read: there is no policy before one of them changes. Empty
   * for text that came from no file, and for what is found wrong only when the policy is made ready.
   */
  readonly files: readonly string[];

  constructor(issues: readonly PolicyIssue[], options?: ErrorOptions & { readonly files?: readonly string[] }) {
    super(issues.map(describeIssue).join("\n"), options);
    this.issues = issues;
    this.files = options?.files ?? [];
  }

  static override isInstance(value: unknown): value is PolicyLoadError {
    return codeOf(value) === "ERR_POLICY_INVALID";
  }
}

function describeIssue(issue: PolicyIssue): string {
  const where = `${issue.source}:${issue.line}:${issue.column}`;
  const subject = issue.path === "" ? "" : `${issue.path}: `;
  return `${where} ${subject}${issue.message}${issue.frame === undefined ? "" : `\n${issue.frame}`}`;
}

/** The audit log could not be opened, read or written, so nothing that must be recorded may run. `path` names the log. */
export class AuditUnavailableError extends CapFenceError {
  override readonly name = "AuditUnavailableError";
  readonly code = "ERR_AUDIT_UNAVAILABLE";
  readonly path: string;

  constructor(path: string, problem: string, options?: ErrorOptions) {
    super(`Audit log ${path}: ${problem}`, options);
    this.path = path;
  }

  static override isInstance(value: unknown): value is AuditUnavailableError {
    return codeOf(value) === "ERR_AUDIT_UNAVAILABLE";
  }
}

/**
 * The audit log's files contradict themselves. `seq` is the entry at fault, when one is known. Nothing is written to such a
 * log.
 */
export class AuditCorruptError extends CapFenceError {
  override readonly name = "AuditCorruptError";
  readonly code = "ERR_AUDIT_CORRUPT";
  readonly path: string;
  readonly seq: number | undefined;

  constructor(path: string, problem: string, options?: ErrorOptions & { seq?: number }) {
    super(`Audit log ${path}: ${problem}`, options);
    this.path = path;
    this.seq = options?.seq;
  }

  static override isInstance(value: unknown): value is AuditCorruptError {
    return codeOf(value) === "ERR_AUDIT_CORRUPT";
  }
}

const APPROVAL_PROBLEMS: Readonly<Record<ApprovalProblem, string>> = {
  unknown: "there is none of that name that is open. See capfence approvals",
  expired: "its time is over. If the call is made again, it asks again",
  consumed: "its call was let through already, once",
  rejected: "it was rejected, and that stands",
  already_approved: "it was approved already",
  own_request: "who asks can't approve. Somebody else must",
  unsigned: "none of the keys that count here has signed it",
  wrong_request: "it is not the request that was shown. Look at it again",
  revoked: "it was revoked already",
  too_many: "too many are open. Answer or revoke some",
  too_many_answers:
    "answers that do not count have filled this request up. Reject it, or let it expire and have the call made again",
};

/** An answer to a request, or a grant, was refused: nothing may run because of it. `reason` says why. */
export class ApprovalError extends CapFenceError {
  override readonly name = "ApprovalError";
  readonly code = "ERR_APPROVAL_REFUSED";
  readonly reason: ApprovalProblem;
  /** The request or grant that was named; absent for a new grant. */
  readonly approvalId: string | undefined;

  constructor(reason: ApprovalProblem, approvalId?: string, options?: ErrorOptions) {
    super(`Approval${approvalId === undefined ? "" : ` ${approvalId}`}: ${APPROVAL_PROBLEMS[reason]}`, options);
    this.reason = reason;
    this.approvalId = approvalId;
  }

  static override isInstance(value: unknown): value is ApprovalError {
    return codeOf(value) === "ERR_APPROVAL_REFUSED";
  }
}

/** A file of recorded calls can't be relied on: it is malformed, not whole, of a newer version, or not what it was made as. */
export class TraceInvalidError extends CapFenceError {
  override readonly name = "TraceInvalidError";
  readonly code = "ERR_TRACE_INVALID";
  readonly path: string;
  /** The line at fault, counted from 1. */
  readonly line: number;

  constructor(path: string, line: number, problem: string, options?: ErrorOptions) {
    super(`${path}:${line}: ${problem}`, options);
    this.path = path;
    this.line = line;
  }

  static override isInstance(value: unknown): value is TraceInvalidError {
    return codeOf(value) === "ERR_TRACE_INVALID";
  }
}

/** Tools that no policy stands before, found by `assertGated`. `tools` names them; it is empty when only the order is wrong. */
export class UngatedToolsError extends CapFenceError {
  override readonly name = "UngatedToolsError";
  readonly code = "ERR_UNGATED_TOOLS";
  readonly tools: readonly string[];

  constructor(message: string, tools: readonly string[], options?: ErrorOptions) {
    super(message, options);
    this.tools = tools;
  }

  static override isInstance(value: unknown): value is UngatedToolsError {
    return codeOf(value) === "ERR_UNGATED_TOOLS";
  }
}
