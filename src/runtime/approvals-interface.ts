/** What runtime.approvals offers: the requests that wait for a person, their answers, and standing grants. */

import type { Standing } from "../approvals/standing.ts";
import type { JsonObject } from "../snapshot.ts";
import type { AnswerOptions, GrantOptions } from "./answer-options.ts";

/** A call that waits for a person. */
export interface PendingApproval {
  /** What {@link Approvals.approve} and {@link Approvals.reject} take. */
  readonly id: string;
  /** The hash of the request's entry: given to an answer, the answer is for exactly this request. */
  readonly request: string;
  readonly actor: string;
  readonly capability: string;
  readonly environment: string;
  readonly session?: string;
  /** The tool that would run it, where that is known. */
  readonly tool?: string;
  /** The payload as recorded; absent when it is not recorded, or lies in a part of the log that is elsewhere. */
  readonly payload?: JsonObject;
  /** What was left out of it, and how long it was before long texts were cut. */
  readonly redacted?: readonly string[];
  readonly cut?: number;
  /** True when what lies in the log as the payload is not what would run: somebody wrote it by hand. It is not shown then. */
  readonly isAltered?: true;
  /** The rule that asks; absent when a risk level or the host does. */
  readonly rule?: string;
  readonly riskLevel?: string;
  /** What the host says about tool, tenant and role. */
  readonly context?: JsonObject;
  /** The policy's digest. */
  readonly policy: string;
  /** RFC 3339, UTC. It can be answered and used up to and including `expires`. */
  readonly requested: string;
  readonly expires: string;
}

/** A standing grant that is in force. */
export interface StandingGrant {
  /** What {@link Approvals.revoke} takes. */
  readonly id: string;
  /** The actor it is for, or `*` for any. */
  readonly agent: string;
  /** As policies write it. */
  readonly capability: string;
  /** The environment it is for, or `*` for any. */
  readonly environment: string;
  /** The one session it is for; absent when for all. */
  readonly session?: string;
  /** Calls it still lets through; absent when they are not counted. */
  readonly left?: number;
  /** Its last moment: RFC 3339, UTC. */
  readonly expires: string;
  /** Who granted it. */
  readonly by: string;
}

/** Answers requests and makes grants in one log. Every answer is durable when it resolves. */
export interface Approvals {
  /**
   * The requests that wait for an answer, oldest first. What has expired since anybody looked is recorded.
   *
   * @throws AuditUnavailableError, AuditCorruptError when the log can't be opened, read or written.
   */
  pending(): Promise<PendingApproval[]>;

  /**
   * How the request `id` stands now; `undefined` when it is not open.
   *
   * @throws AuditUnavailableError, AuditCorruptError as {@link pending}.
   */
  standing(id: string): Promise<Standing | undefined>;

  /**
   * Lets the call that waits run, once, if it is made again before the request expires.
   *
   * @throws ApprovalError saying why not: see its `reason`. The attempt is recorded, if there is or was such a request.
   * @throws AuditUnavailableError, AuditCorruptError when it can't be recorded.
   * @throws TypeError naming an argument that is missing or wrong.
   */
  approve(id: string, options: AnswerOptions): Promise<void>;

  /**
   * Refuses the call that waits, or was approved and has not run. That stands until the request expires.
   *
   * @throws ApprovalError, AuditUnavailableError, AuditCorruptError, TypeError as {@link approve}.
   */
  reject(id: string, options: AnswerOptions): Promise<void>;

  /**
   * Lets calls to come run without asking, as long as no rule denies them; answers the grant's id.
   *
   * @throws ApprovalError saying why not. Nothing is recorded then.
   * @throws AuditUnavailableError, AuditCorruptError, TypeError as {@link approve}.
   */
  grant(options: GrantOptions): Promise<string>;

  /**
   * Ends a grant. Needs no key.
   *
   * @throws ApprovalError, AuditUnavailableError, AuditCorruptError, TypeError as {@link grant}.
   */
  revoke(id: string, options: Pick<AnswerOptions, "by">): Promise<void>;

  /** The grants in force, oldest first. @throws AuditUnavailableError, AuditCorruptError as {@link pending}. */
  grants(): Promise<StandingGrant[]>;

  /**
   * Calls `listener` with each request that this runtime makes, once it is durable; answers a function that ends that.
   * What the listener throws is ignored, and nothing waits for it.
   *
   * @throws TypeError when there is no such happening, or no listener.
   */
  on(happening: "requested", listener: (approval: PendingApproval) => unknown): () => void;
}
