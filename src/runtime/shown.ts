/** What people are shown of a payload, and how a request commits to it. */

import type { ApprovalRequest } from "../approval.ts";
import { canonical, sha256 } from "../audit/format/entry.ts";

/** What of a payload is recorded for people to look at. */
export type ShownPayload = Pick<ApprovalRequest, "payload" | "redacted" | "cut">;

/**
 * Commits to what is shown: SHA-256 of the canonical JSON of payload, `redacted` and `cut`. A call is let through only if it
 * would be shown so; else whoever can append to the log could show one call and have another one approved.
 */
export function shownDigest({ payload, redacted, cut }: ShownPayload): string {
  return sha256(canonical([payload ?? null, redacted ?? null, cut ?? null]));
}

/** What a recorded request shows; `undefined` where that is not what `shown` commits to, or no such thing. */
export function checkedShown(recorded: ShownPayload, shown: string): ShownPayload | undefined {
  const { payload, redacted, cut }: { [Name in keyof ShownPayload]?: unknown } = recorded;
  const isPayload = payload === undefined || (typeof payload === "object" && payload !== null);
  const isList =
    redacted === undefined || (Array.isArray(redacted) && redacted.every((each) => typeof each === "string"));
  if (!isPayload || !isList || (cut !== undefined && typeof cut !== "number")) return undefined;
  return shownDigest(recorded) === shown ? recorded : undefined;
}
