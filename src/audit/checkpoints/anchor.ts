/** What verification holds a log against: checkpoints that can be relied on. */

/** A checkpoint whose signature was verified: what it states, and by whom it is signed. */
export interface Anchor {
  /** The log's identity. */
  readonly log: string;
  /** Entries of the log, the genesis entry included; the last one is entry `size - 1`. */
  readonly size: number;
  /** The last entry's hash, hexadecimal. */
  readonly hash: string;
  readonly signedBy: readonly string[];
}
