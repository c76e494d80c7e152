/** Pairs decisions with outcomes in one pass over a log, in one bit for each entry. */

import type { Entry } from "../format/entry.ts";

/** Entries to a page of bits. Pages are made when they are needed: a damaged log may number its entries wildly. */
const PAGE = 32_768;

/** Counts what has no counterpart. */
export class OutcomePairing {
  /** Decisions that let a call through and have no outcome so far. */
  withoutOutcome = 0;
  /** Outcomes whose decision did not let a call through, or has an outcome already. */
  withoutDecision = 0;
  /** One bit for each entry: a call that was let through and has no outcome yet. */
  readonly #open = new Map<number, Uint8Array>();
  #first: number | undefined;

  /** The next entry, in order. */
  add(seq: number, entry: Entry): void {
    this.#first ??= seq;
    if (entry.kind === "decision" && entry.authorized) {
      this.#set(seq, true);
      this.withoutOutcome += 1;
    } else if (entry.kind === "outcome") {
      if (this.#isOpen(entry.of)) {
        this.#set(entry.of, false);
        this.withoutOutcome -= 1;
      } else if (entry.of >= this.#first) {
        // What lies before the first entry that is there can't be judged.
        this.withoutDecision += 1;
      }
    }
  }

  #isOpen(seq: number): boolean {
    const { page, index, bit } = place(seq);
    return ((this.#open.get(page)?.[index] ?? 0) & bit) !== 0;
  }

  #set(seq: number, open: boolean): void {
    const { page, index, bit } = place(seq);
    let bits = this.#open.get(page);
    if (bits === undefined) {
      bits = new Uint8Array(PAGE / 8);
      this.#open.set(page, bits);
    }
    const byte = bits[index] ?? 0;
    bits[index] = open ? byte | bit : byte & ~bit;
  }
}

function place(seq: number): { readonly page: number; readonly index: number; readonly bit: number } {
  const page = Math.floor(seq / PAGE);
  const offset = seq - page * PAGE;
  return { page, index: offset >> 3, bit: 1 << (offset & 7) };
}
