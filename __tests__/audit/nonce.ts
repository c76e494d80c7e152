/** Names for owners of locks. */

/** A nonce as owners have them, another for every short name. */
export function nonceOf(name: string): string {
  return Buffer.from(name.slice(0, 8), "latin1").toString("hex").padEnd(16, "0");
}
