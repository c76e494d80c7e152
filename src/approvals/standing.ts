/** How a request stands: what the answers to it come to. */

import type { ApprovalAnswer, OpenRequest, Place } from "../approval.ts";
import { counts, type ApproverKeys } from "./signature.ts";

/** Where in the log, and when, something is decided. */
export interface Moment {
  /** The log's identity. */
  readonly log: string;
  /** RFC 3339, UTC, milliseconds. */
  readonly ts: string;
}

/** How a request stands, and the answer that makes it so. */
export type Standing =
  | { readonly status: "pending" | "expired" }
  | { readonly status: "approved" | "rejected"; readonly answer: ApprovalAnswer & Place };

/** How a request stands at a moment. A rejection beats every approval, whichever came first. */
export function standingOf({ entry, answers }: OpenRequest, { log, ts }: Moment, keys: ApproverKeys): Standing {
  if (isOver(entry.expires, ts)) return { status: "expired" };
  const counted = answers
    .map((answer) => answer.entry)
    .filter((answer) => counts({ answer, request: entry }, log, keys));
  const answer = counted.find(({ status }) => status === "rejected") ?? counted[0];
  return answer === undefined ? { status: "pending" } : { status: answer.status, answer };
}

/** Whether a time is over. Its last moment still belongs to it; a time that can't be read is over. */
export function isOver(expires: string, ts: string): boolean {
  return !(Date.parse(ts) <= Date.parse(expires));
}
