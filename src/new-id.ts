/** Ids of events, and of appends to a database: UUIDs, version 7 (RFC 9562), which sort by time and lie together in an index. */

import { getRandomValues } from "node:crypto";

import { V7Generator } from "uuidv7";

/** Random numbers in stock. The generator's own stock lasts for two ids, and filling it costs more than making them. */
const stock = new Uint32Array(1_024);
let next = stock.length;

const generator = new V7Generator({
  nextUint32() {
    if (next === stock.length) {
      getRandomValues(stock);
      next = 0;
    }
    const number = stock[next] ?? 0;
    next += 1;
    return number;
  },
});

/** A new id, never given before. Synchronous. */
export function newId(): string {
  return generator.generate().toString();
}
