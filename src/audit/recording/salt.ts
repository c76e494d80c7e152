/** Salts for digests, taken from a stock: filling it costs more than a decision's other arithmetic. */

import { randomFillSync } from "node:crypto";

const SALT_BYTES = 16;

let stock = Buffer.alloc(0);
let used = 0;

/** 16 random bytes that nobody else was given. Synchronous. */
export function newSalt(): Buffer {
  if (used === stock.length) {
    // A new buffer each time: those who hold a salt of the old one keep it unchanged.
    stock = randomFillSync(Buffer.alloc(SALT_BYTES * 256));
    used = 0;
  }
  const salt = stock.subarray(used, used + SALT_BYTES);
  used += SALT_BYTES;
  return salt;
}
