/** What answers, grants and their revocations are told. */

import { isSignerKey, type SignerKey } from "../note.ts";
import { checkOptionNames, optionNames } from "../options.ts";

/** How an answer is given. */
export interface AnswerOptions {
  /** Who answers, as logs show it. */
  readonly by: string;
  /** What the agent, and logs, are told. */
  readonly note?: string | undefined;
  /** The hash of the request that was shown; another one of the same id is refused. */
  readonly request?: string | undefined;
  /** The key that signs, as `parseSignerKey` reads it. Needed where the runtime has `approverKeys`. */
  readonly key?: SignerKey | undefined;
}

/** A standing grant to be made. */
export interface GrantOptions {
  /** The actor it is for, or `*` for any. */
  readonly agent: string;
  /** As policies write it: `*` is one segment, a shorter one covers everything below it. */
  readonly capability: string;
  /** Default: `*`, any. */
  readonly environment?: string | undefined;
  /** Only this session. Default: all. */
  readonly session?: string | undefined;
  /** Calls it lets through. Default: not counted. */
  readonly uses?: number | undefined;
  /** Seconds until it ends, at most 30 days. */
  readonly expiresInSeconds: number;
  /** Who grants, as logs show it. */
  readonly by: string;
  /** What logs say about it. */
  readonly note?: string | undefined;
  /** The key that signs, as `parseSignerKey` reads it. Needed where the runtime has `approverKeys`. */
  readonly key?: SignerKey | undefined;
}

const ANSWER = optionNames<AnswerOptions>({ by: true, note: true, request: true, key: true });

const REVOCATION = optionNames<Pick<AnswerOptions, "by">>({ by: true });

const GRANT = optionNames<GrantOptions>({
  agent: true,
  capability: true,
  environment: true,
  session: true,
  uses: true,
  expiresInSeconds: true,
  by: true,
  note: true,
  key: true,
});

/**
 * Refuses what is no option of an answer: with one misspelt, another request than the one that was shown could be meant.
 *
 * @throws TypeError naming it.
 */
export function checkAnswerOptions(options: AnswerOptions): void {
  checkOptionNames("approvals", options, ANSWER);
  checkKey(options.key);
}

/**
 * Refuses what is no option of a grant: one whose limit is misspelt would have none.
 *
 * @throws TypeError naming it.
 */
export function checkGrantOptions(options: GrantOptions): void {
  checkOptionNames("approvals.grant", options, GRANT);
  checkKey(options.key);
}

/** Refuses what is no option of a revocation. @throws TypeError naming it. */
export function checkRevocationOptions(options: Pick<AnswerOptions, "by">): void {
  checkOptionNames("approvals.revoke", options, REVOCATION);
}

function checkKey(key: unknown): void {
  if (key !== undefined && !isSignerKey(key)) {
    throw new TypeError("approvals: key must be a signing key as parseSignerKey answers it");
  }
}
