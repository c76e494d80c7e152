/** Checks that what segment entries carry on of approvals is what the entries before them come to. */

import type { Entry } from "../format/entry.ts";
import type { Findings } from "./findings.ts";
import { OpenItemsRegister } from "../open-items/open-items.ts";

/** Give it every sound entry, in order, and tell it where one is missing. */
export class OpenItemsCheck {
  readonly #findings: Findings;
  /** `undefined` where it can't be known: behind what is missing or damaged, until the next segment entry. */
  #register: OpenItemsRegister | undefined = new OpenItemsRegister();

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  /** An entry is missing or wrong here. */
  lost(): void {
    this.#register = undefined;
  }

  entry(seq: number, hash: string, entry: Entry): void {
    if (entry.kind === "segment") this.#carried(seq, entry.open);
    this.#register?.apply(hash, entry);
  }

  #carried(seq: number, carried: unknown): void {
    if (this.#register === undefined) {
      this.#register = OpenItemsRegister.resume(carried);
    } else if (!this.#register.carries(carried)) {
      this.#findings.problem(seq, "what it carries on of approvals is not what the entries before it come to");
    }
  }
}
