/** Entries on their way into a log: each follows the one before, and none is written yet. */

import { isAboutApprovals, type Entry, type Head, type PreparedEntry, type StoredEntry } from "../format/entry.ts";
import type { EntryFollower, OpenItemsRegister } from "../open-items/open-items.ts";
import type { LogState } from "./proposal.ts";
import { formatLine } from "../format/tail.ts";

/** What is appended under one lock. */
export class Batch implements LogState {
  readonly log: string;
  readonly ts: string;
  readonly #open: OpenItemsRegister | undefined;
  readonly #followers: readonly EntryFollower[];
  #head: Head;
  #lines = "";

  /**
   * `head` is the last entry before it, `open` what is open there, absent where that is not known. `followers` hear of each
   * entry: `open` if there is one, or else whatever finds it out.
   */
  constructor(
    log: string,
    head: Head,
    ts: string,
    open: OpenItemsRegister | undefined,
    followers: readonly EntryFollower[],
  ) {
    this.log = log;
    this.ts = ts;
    this.#head = head;
    this.#open = open;
    this.#followers = followers;
  }

  /** The last entry, of the batch or else before it. */
  get head(): Head {
    return this.#head;
  }

  /** The lines of the tail that the batch comes to. */
  get lines(): string {
    return this.#lines;
  }

  get open(): OpenItemsRegister {
    if (this.#open === undefined) throw new Error("what of approvals is open was to be found out before");
    return this.#open;
  }

  /** Adds an entry; answers its place. */
  add(entry: PreparedEntry): Head {
    const next = entry.follow(this.#head, this.log, this.ts);
    // Given to callers, and frozen: what they do with it must not move the chain.
    this.#head = Object.freeze({ seq: next.seq, hash: next.hash });
    this.#lines += formatLine(next);
    if (this.#followers.length > 0) this.#tell(entry, next);
    return this.#head;
  }

  #tell({ kind }: PreparedEntry, { hash, body }: Omit<StoredEntry, "entry">): void {
    const written = isAboutApprovals(kind) ? (JSON.parse(body) as Entry) : undefined;
    for (const follower of this.#followers) {
      if (written === undefined) follower.passes(this.ts);
      else follower.apply(hash, written);
    }
  }
}
