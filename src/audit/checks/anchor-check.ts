/** What checkpoints say of a log that is being verified. */

import type { Anchor } from "../checkpoints/anchor.ts";
import type { Findings } from "./findings.ts";

/** Holds a log's entries against checkpoints whose signatures were verified. */
export class AnchorCheck {
  readonly #anchors: readonly Anchor[];
  readonly #findings: Findings;
  /** The latest entry that a checkpoint vouches for. */
  latest: { readonly seq: number; readonly signedBy: readonly string[] } | undefined;

  constructor(anchors: readonly Anchor[], findings: Findings) {
    this.#anchors = anchors;
    this.#findings = findings;
  }

  /** The next entry. */
  entry(seq: number, hash: string, log: string): void {
    for (const anchor of this.#anchors) {
      if (anchor.size !== seq + 1 || anchor.log !== log) continue;
      if (anchor.hash === hash) this.latest = { seq, signedBy: anchor.signedBy };
      else {
        this.#findings.problem(
          seq,
          "it is not the entry that a checkpoint was made of: the log was made anew up to here",
        );
      }
    }
  }

  /**
   * After the last entry of the log `log`, which has `size` entries. `excuse` is the entry that names absent ones, if some
   * are absent. A checkpoint that covers more than there is, or another log, shows what the chain alone cannot.
   */
  end(log: string | undefined, size: number, excuse: number | undefined, minSize: number): void {
    const findings = this.#findings;
    for (const anchor of this.#anchors) {
      if (anchor.log !== log) findings.problem(undefined, "a checkpoint was made of another log");
      else if (anchor.size > size) {
        findings.problem(size, `entries ${size} to ${anchor.size - 1} are missing: a checkpoint covers them`);
      }
    }
    const isAnchored = this.#anchors.length > 0;
    if (isAnchored && this.latest === undefined && findings.problems.length === 0) {
      findings.problem(undefined, "the checkpoints cover only entries that are absent, and vouch for nothing here");
    }
    if (excuse !== undefined && this.latest !== undefined) {
      const isVouchedFor = excuse <= this.latest.seq;
      if (!isVouchedFor) {
        findings.problem(excuse, "it excuses entries that are absent, and no checkpoint vouches for it");
      }
    }
    const vouched = isAnchored ? (this.latest?.seq ?? -1) + 1 : size;
    if (vouched < minSize) {
      const what = isAnchored ? "the checkpoints vouch for" : "it has";
      findings.problem(undefined, `${what} ${vouched} entries, and ${minSize} are asked for`);
    }
  }
}
