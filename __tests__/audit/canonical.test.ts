import canonicalize from "canonicalize";
import * as fc from "fast-check";
import { expect, test } from "vitest";

import { canonical } from "../../src/audit/format/entry.ts";
import { redact } from "../../src/audit/recording/redact.ts";
import { mayHoldSecrets } from "../../src/audit/recording/secrets.ts";
import type { JsonObject } from "../../src/snapshot.ts";

const name = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.nat(20).map(String),
  fc.constantFrom("a", "b", "é", "\u{1F600}", "\uFB33", "__proto__"),
);
const value = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false, 0, -0, 1e21, 1e-7, 5e-324),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.string({ unit: "binary" }),
    fc.array(tie("any"), { maxLength: 4 }),
    fc.array(fc.tuple(name, tie("any")), { maxLength: 5 }).map((members) => Object.fromEntries(members)),
  ),
})).any;

test("canonical text is what the RFC 8785 library writes, whatever the order of the members", () => {
  fc.assert(
    fc.property(value, (json) => {
      expect(canonical(json)).toBe(canonicalize(json));
    }),
    { numRuns: 2_000 },
  );
});

test.each([
  ["a lone surrogate", "\uD800"],
  ["a lone surrogate within", { a: ["\uDC00"] }],
  ["a name with a lone surrogate", { "\uD800": 1 }],
  ["a number that JSON lacks", { a: Number.NaN }],
  ["an infinite number", [Number.POSITIVE_INFINITY]],
])("%s has no canonical text", (_, json) => {
  expect(() => canonical(json)).toThrow(Error);
});

test("a payload whose text cannot hold a secret is recorded as it is", () => {
  const beginnings = [
    "AKIA",
    "-----BEGIN ",
    "PRIVATE+KEY+",
    "ghp_",
    "glpat-",
    "xoxb-",
    "sk_",
    "AIza",
    "npm_",
    "sk-",
    "eyJ",
    "://",
    '"',
    "\\",
    "\n",
  ];
  const secret = fc
    .array(fc.oneof(fc.constantFrom(...beginnings), fc.stringMatching(/^[A-Za-z0-9]{16,40}$/)), { maxLength: 6 })
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.dictionary(secret, fc.oneof(secret, fc.array(secret, { maxLength: 2 })), { maxKeys: 3 }), (json) => {
      fc.pre(!mayHoldSecrets(canonical(json)));
      expect(redact(json as JsonObject, [])).toEqual({ json, redacted: [] });
    }),
    { numRuns: 500 },
  );
});
