/** A process of its own that loads one policy file again and again: with js-yaml alone, or as a policy. */

import { readFileSync } from "node:fs";

import { load } from "js-yaml";

const [, , what = "", file = ""] = process.argv;

const text = readFileSync(file, "utf8");
const { Policy } = await import("../../dist/index.js");
const once = what === "js-yaml" ? load : (/** @type {string} */ yaml) => Policy.parse(yaml);

process.on("message", (/** @type {{ milliseconds: number }} */ { milliseconds }) => {
  let loads = 0;
  let elapsed = 0;
  const start = performance.now();
  while (elapsed < milliseconds) {
    once(text);
    loads += 1;
    elapsed = performance.now() - start;
  }
  process.send?.({ nanoseconds: (elapsed * 1e6) / loads });
});
process.send?.({ ready: true });
