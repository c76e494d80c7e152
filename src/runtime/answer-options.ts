/** What answers, grants and their revocations are told. */

import type { SignerKey } from "../note.ts";
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

/** Refuses what is no option of a grant: one whose limit is misspelt would have none. @throws TypeError naming it. */
export function checkGrantOptions(options: GrantOptions): void {
  checkOptionNames("approvals", options, GRANT);
}
