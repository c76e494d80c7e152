/** Entries on their way into a log: each follows the one before, and none is written yet. */

import type { Entry, Head, PreparedEntry } from "../format/entry.ts";
import type { OpenItemsRegister } from "../open-items/open-items.ts";
import type { LogState } from "./proposal.ts";
import { formatLine } from "../format/tail.ts";

/** The open items of the chain that a batch is for: at once if they are known, or found out when they are asked for. */
export interface OpenItemsSource {
  readonly known: OpenItemsRegister | undefined;
  readonly found: OpenItemsRegister;
}

/** What is appended under one lock. */
export class Batch implements LogState {
  readonly log: string;
  readonly ts: string;
  readonly #items: OpenItemsSource;
  #head: Head;
  #lines = "";

  constructor(log: string, head: Head, ts: string, items: OpenItemsSource) {
    this.log = log;
    this.ts = ts;
    this.#head = head;
    this.#items = items;
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
    return this.#items.found;
  }

  /** Adds an entry; answers its place. */
  add(entry: PreparedEntry): Head {
    // Before this entry, which is not written yet and would not be found.
    const items = entry.kind === "approval" || entry.kind === "grant" ? this.#items.found : this.#items.known;
    const next = entry.follow(this.#head, this.log, this.ts);
    // Given to callers, and frozen: what they do with it must not move the chain.
    this.#head = Object.freeze({ seq: next.seq, hash: next.hash });
    this.#lines += formatLine(next);
    if (entry.kind === "approval" || entry.kind === "grant") items?.apply(next.hash, JSON.parse(next.body) as Entry);
    else items?.passes(this.ts);
    return this.#head;
  }
}
