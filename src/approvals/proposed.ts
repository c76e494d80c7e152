/** What comes of an answer or a grant: records to append, and perhaps that it was refused. */

import type { ApprovalProblem, ApprovalRecord, GrantRecord } from "../approval.ts";

/** The records are appended either way: of a refusal they say that it was tried. */
export interface Proposed {
  /** The request or grant; absent for a grant that was not made. */
  readonly id?: string;
  readonly records: readonly (ApprovalRecord | GrantRecord)[];
  /** Why it was refused; absent when it was not. */
  readonly problem?: ApprovalProblem;
}

/** A refusal, and what is recorded of it. */
export function refusal(problem: ApprovalProblem, id?: string, records: Proposed["records"] = []): Proposed {
  return { problem, records, ...(id !== undefined && { id }) };
}
