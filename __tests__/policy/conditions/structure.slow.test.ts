import * as fc from "fast-check";
import { beforeAll, expect, it } from "vitest";

import { loadPostgresParser } from "../../../src/policy/conditions/sql/postgres-parser.ts";
import { Policy } from "../../../src/policy/policy.ts";
import { call } from "../calls.ts";
import { corpus, report } from "../corpus.ts";

const RUNS = 20_000;
/** Most that the process may have grown by, in bytes, when all is over. */
const MAX_GROWTH = 256 * 1024 * 1024;

const CONDITIONS = {
  path: { field: "x", within: "/srv/app", not_within: "/srv/app/.git", glob: ["**/*.ts", "src/**"] },
  url: { field: "x", hosts: ["*.example.com", "*"], paths: "/**/a/**", schemes: ["https"] },
  amount: { field: "x", gt: 0, lte: "99.99" },
  sql: { field: "x", kinds: ["select"], tables: "*", functions: "*", where: "keyed" },
} as const;

const policies = Object.entries(CONDITIONS).map(
  ([key, terms]) =>
    [
      key,
      ["allow", "deny"].map((section) =>
        Policy.parse(JSON.stringify({ [section]: [{ capability: "a.b", [key]: terms }] })),
      ),
    ] as const,
);

beforeAll(loadPostgresParser);

const inputs = (["path", "url", "sql"] as const).flatMap((name) => corpus(name).map(({ input }) => input));
const seed = fc.constantFrom(...inputs);
const repeated = fc
  .tuple(
    fc.constantFrom(
      "(",
      "[",
      "/*",
      "select (",
      "not ",
      "- ",
      "+1",
      "::int",
      " union select 1",
      "../",
      "%25",
      "\\",
      "@",
      "a.",
      "~",
      "'",
      '"',
      "case when a then ",
      "with a as (",
      "**/",
      "é",
      "\u{10000}",
      "0",
      "x,",
    ),
    fc.integer({ min: 1, max: 9000 }),
    seed,
  )
  .map(([part, count, text]) => `${text.slice(0, 20)}${part.repeat(count)}${text.slice(20)}`);
const text = fc.oneof(
  fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes).toString("utf8").toWellFormed()),
  fc.tuple(seed, fc.nat(200)).map(([whole, length]) => whole.slice(0, length)),
  fc.tuple(seed, seed, fc.nat(100)).map(([one, other, at]) => one.slice(0, at) + other + one.slice(at)),
  repeated,
);

it("answers whatever the text, without an exception, in bounded memory; the slowest answers are told", () => {
  const slowest = new Map<string, { ms: number; of: string }>();
  const before = process.memoryUsage().rss;
  let position = 0;
  fc.assert(
    fc.property(text, (x) => {
      position += 1;
      const event = call({ capability: "a.b", payload: { x } });
      for (const [key, both] of policies) {
        for (const policy of both) {
          const began = performance.now();
          const { rules } = policy.explain(event);
          const ms = performance.now() - began;
          // The engine compiles what it has not run yet.
          if (position > 200 && ms > (slowest.get(key)?.ms ?? 0))
            slowest.set(key, { ms, of: `${x.slice(0, 30)}… (${x.length})` });
          expect(rules[0]?.conditions[0]?.why).not.toBe("the condition could not be asked");
        }
      }
    }),
    { numRuns: RUNS, seed: 7 },
  );
  for (const [key, { ms, of }] of slowest) report(`slowest ${key}: ${ms.toFixed(1)} ms for ${JSON.stringify(of)}`);
  const growth = process.memoryUsage().rss - before;
  report(`memory grew by ${Math.round(growth / 1024 / 1024)} MB over ${RUNS} texts`);
  expect(growth).toBeLessThan(MAX_GROWTH);
});
