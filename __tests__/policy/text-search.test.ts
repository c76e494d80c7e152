import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { Policy } from "../../src/policy/policy.ts";
import { searchFor } from "../../src/policy/matching/text-search.ts";
import { call } from "./calls.ts";

const short = fc.string({ unit: fc.constantFrom("a", "b", "é", "\0", "😀"), minLength: 1, maxLength: 4 });

describe("searching for many needles", () => {
  it("finds exactly those that are there, however many there are", () => {
    fc.assert(
      fc.property(
        fc.array(short, { minLength: 1, maxLength: 40 }),
        fc.array(short).map((parts) => parts.join("")),
        (needles, text) => {
          const expected = needles.flatMap((needle, index) => (text.includes(needle) ? index : []));
          const found = [...new Set(searchFor(needles).find(text) ?? [])].toSorted((left, right) => left - right);
          expect(found).toEqual(expected);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("says nothing rather than an empty list", () => {
    expect(searchFor(["a"]).find("b")).toBeUndefined();
    expect(searchFor(Array.from({ length: 20 }, (_, index) => `n${index}`)).find("b")).toBeUndefined();
  });

  it("falls back to one by one when a table would be too large", () => {
    const needles = Array.from(
      { length: 300 },
      (_, index) => `${"x".repeat(1000)}${String.fromCharCode(0x4e00 + index)}`,
    );
    expect(searchFor(needles).find(needles[7] ?? "")).toEqual([7]);
  });
});

describe("a policy with hundreds of texts on one capability", () => {
  const texts = Array.from({ length: 800 }, (_, index) => `needle number ${index};`);
  const policy = Policy.parse(
    JSON.stringify({
      deny: texts.map((contains) => ({ capability: "shell.execute", contains })),
      require_approval: [{ capability: "shell", match_keywords: ["needle"] }],
      allow: ["shell"],
    }),
  );
  const decide = (payload: object): string | undefined => policy.evaluate(call({ payload })).rule?.id;

  it.each<[object, string]>([
    [{ c: "a needle number 512; b" }, "deny[512]"],
    [{ c: "a NEEDLE  number 512; b" }, "deny[512]"],
    [{ c: "needle number 700;", d: "needle number 3;" }, "deny[3]"],
    [{ c: "needle  number 3;", d: "needle number 700;" }, "deny[700]"],
    [{ a: "needle", b: "number 5;" }, "deny[5]"],
    [{ a: "ｎeedle number 6;é" }, "deny[6]"],
    [{ a: "needle\u200b number 6;" }, "deny[6]"],
    [{ a: "needle number 800;" }, "require_approval[0]"],
    [{ a: "ls" }, "allow[0]"],
    [{}, "allow[0]"],
  ])("%j is decided by %s", (payload, id) => {
    expect(decide(payload)).toBe(id);
  });
});
