/** Answers: whether a person's answer to a request counts, and what is recorded either way. */

import {
  MAX_ANSWERS,
  type ApprovalAnswer,
  type ApprovalProblem,
  type OpenItems,
  type OpenRequest,
  type RefusedAnswer,
} from "../approval.ts";
import type { SignerKey } from "../note.ts";
import { endOf } from "./ask.ts";
import { isOneOf } from "./person.ts";
import { refusal, type Proposed } from "./proposed.ts";
import { isApprover, sign, type ApproverKeys } from "./signature.ts";
import { standingOf, type Moment } from "./standing.ts";

/** An answer to be given. */
export interface GivenAnswer {
  readonly id: string;
  readonly status: ApprovalAnswer["status"];
  /** The name that was given, and the operating system's user. */
  readonly by: string;
  readonly user: string;
  readonly note?: string | undefined;
  readonly signer?: SignerKey | undefined;
  /** The hash of the request that the person was shown; whatever has its id by now is refused. */
  readonly shown?: string | undefined;
}

/** Answers a request, or says why not. What is tried on a request that there is or was is recorded. */
export function proposeAnswer(given: GivenAnswer, open: OpenItems, moment: Moment, keys: ApproverKeys): Proposed {
  const { id, status } = given;
  const request = open.requests.get(id);
  if (request === undefined) {
    const ended = open.ended.get(id);
    if (ended === undefined) return refusal("unknown", id);
    return refusal(ended.status, id, [refused(given, { seq: ended.seq, hash: ended.hash }, ended.status)]);
  }
  const named = { seq: request.entry.seq, hash: request.hash };
  const standing = standingOf(request, moment, keys);
  if (standing.status === "expired") {
    return refusal("expired", id, [refused(given, named, "expired"), endOf(request, "expired")]);
  }
  const problem = problemOf(given, request, standing.status, keys);
  if (problem !== undefined) return refusal(problem, id, [refused(given, named, problem)]);
  const answer: ApprovalAnswer = { kind: "approval", status, id, of: named.seq, request: named.hash, ...saidBy(given) };
  const signature = given.signer && sign({ answer, request: request.entry }, moment.log, given.signer);
  return { id, records: [{ ...answer, ...(signature !== undefined && { signature }) }] };
}

function problemOf(
  { status, by, shown, signer }: GivenAnswer,
  { entry, hash, answers }: OpenRequest,
  stands: "pending" | "approved" | "rejected",
  keys: ApproverKeys,
): ApprovalProblem | undefined {
  if (shown !== undefined && shown !== hash) return "wrong_request";
  if (stands === "rejected") return "rejected";
  if (status === "approved" && stands === "approved") return "already_approved";
  if (status === "approved" && isOneOf(entry.actor, by, signer?.name)) return "own_request";
  if (!isApprover(signer, keys)) return "unsigned";
  // It would be passed over. A rejection never is.
  return status === "approved" && answers.length >= MAX_ANSWERS ? "too_many_answers" : undefined;
}

function refused(given: GivenAnswer, named: { seq: number; hash: string }, problem: ApprovalProblem): RefusedAnswer {
  const { id, status: attempt } = given;
  const { seq: of, hash: request } = named;
  return { kind: "approval", status: "refused", id, of, request, attempt, problem, ...saidBy(given) };
}

function saidBy({ by, user, note }: GivenAnswer): Pick<ApprovalAnswer, "by" | "user" | "note"> {
  return { by, user, ...(note !== undefined && note !== "" && { note }) };
}
