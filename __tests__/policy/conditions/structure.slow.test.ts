import * as fc from "fast-check";
import { beforeAll, expect, it } from "vitest";

import { call } from "../calls.ts";
import { report } from "../corpus.ts";
import { hostileText, policies } from "./hostile-texts.ts";

const RUNS = 100_000;
/** Most that the process may have grown by, in bytes, when all is over. */
const MAX_GROWTH = 256 * 1024 * 1024;

beforeAll(async () => {
  for (const [, both] of policies) for (const policy of both) await policy.ready();
});

/** The slowest answer of a condition. */
interface Slowest {
  /** Milliseconds of this process's own, compilation and collection included: the clock counts other processes too. */
  readonly own: number;
  readonly of: string;
}

const slowest: Map<string, Slowest> = new Map();

function note(condition: string, text: string, began: NodeJS.CpuUsage): void {
  const { user, system } = process.cpuUsage(began);
  const own = (user + system) / 1000;
  if (own <= (slowest.get(condition)?.own ?? 0)) return;
  slowest.set(condition, { own, of: `${text.slice(0, 30)}… (${text.length})` });
}

it("answers whatever the text, without an exception, in bounded memory; the slowest answers are told", async () => {
  const before = process.memoryUsage().rss;
  await fc.assert(
    fc.asyncProperty(hostileText, async (x) => {
      const event = call({ capability: "a.b", payload: { x } });
      for (const [condition, both] of policies) {
        for (const policy of both) {
          // The SQL parser is loaded anew after a text that broke it.
          await policy.ready();
          const began = process.cpuUsage();
          policy.evaluate(event);
          note(condition, x, began);
          expect(policy.explain(event).rules[0]?.conditions[0]?.why).not.toBe("the condition could not be asked");
        }
      }
    }),
    { numRuns: RUNS, seed: 7 },
  );
  for (const [condition, { own, of }] of slowest) {
    report(`slowest ${condition}: ${own.toFixed(1)} ms of processor time, for ${JSON.stringify(of)}`);
  }
  const growth = process.memoryUsage().rss - before;
  report(`memory grew by ${Math.round(growth / 1024 / 1024)} MB over ${RUNS} texts`);
  expect(growth).toBeLessThan(MAX_GROWTH);
});
