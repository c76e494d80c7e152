import * as fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";

import { readEntries } from "../../src/audit/read.ts";
import { Policy } from "../../src/policy/policy.ts";
import { Latencies } from "../../src/replay/latencies.ts";
import { LogStatistics } from "../../src/replay/statistics.ts";
import { Records } from "./recorded-logs.ts";

const records = new Records();
afterAll(() => records[Symbol.dispose]());

const POLICY = Policy.parse(`
deny:
  - { capability: shell, contains: rm, id: no-rm }
  - { capability: shell, contains: mkfs, id: no-mkfs }
allow:
  - shell
`);

async function statisticsOf(log: string, policy?: Policy) {
  const added = new LogStatistics(policy?.digest);
  for await (const { entry } of readEntries(log)) added.add(entry);
  return { ...added.statistics, use: policy && added.useOf(policy) };
}

describe("statistics of a log", () => {
  it("count decisions by agent, capability, reason and rule, those of most first", async () => {
    const log = await records.write(POLICY, [
      { payload: { command: "ls" }, ms: 10 },
      { payload: { command: "ls" }, ms: 30 },
      { payload: { command: "rm" }, actor: "bob" },
      { resource: "files", action: "read" },
    ]);
    expect(await statisticsOf(log, POLICY)).toEqual({
      decisions: 4,
      from: "2026-01-15T10:00:00.000Z",
      to: "2026-01-15T10:00:03.000Z",
      agents: [
        { name: "ann", decisions: 3, allow: 2, require_approval: 0, deny: 1, observed: 0 },
        { name: "bob", decisions: 1, allow: 0, require_approval: 0, deny: 1, observed: 0 },
      ],
      capabilities: [
        { name: "shell.execute", decisions: 3, allow: 2, require_approval: 0, deny: 1, observed: 0 },
        { name: "files.read", decisions: 1, allow: 0, require_approval: 0, deny: 1, observed: 0 },
      ],
      reasons: [
        { name: "policy_allow", decisions: 2, allow: 2, require_approval: 0, deny: 0, observed: 0 },
        { name: "policy_deny", decisions: 1, allow: 0, require_approval: 0, deny: 1, observed: 0 },
        { name: "policy_default_deny", decisions: 1, allow: 0, require_approval: 0, deny: 1, observed: 0 },
      ],
      rules: [
        { rule: expect.objectContaining({ id: "allow[0]" }), decisions: 2 },
        { rule: expect.objectContaining({ id: "no-rm" }), decisions: 1 },
      ],
      outcomes: { finished: 2, failed: 0, aborted: 0 },
      latencies: [{ capability: "shell.execute", calls: 2, p50: 10, p95: 30, p99: 30, max: 30 }],
      use: { decisions: 4, neverUsed: [expect.objectContaining({ id: "no-mkfs" })] },
    });
  });

  it("count what was only observed", async () => {
    const log = await records.write(POLICY, [{ payload: { command: "rm" } }], { mode: "observe" });
    expect((await statisticsOf(log)).agents).toMatchObject([{ deny: 1, observed: 1 }]);
  });

  it("say nothing about the rules of a policy that decided nothing", async () => {
    const log = await records.write(POLICY, [{ payload: { command: "rm" } }]);
    const other = Policy.parse("deny: [{ capability: shell, contains: rm, id: no-rm }]\n");
    expect((await statisticsOf(log, other)).use).toMatchObject({ decisions: 0, neverUsed: [{ id: "no-rm" }] });
  });

  it("are empty of an empty log", async () => {
    const log = await records.write(POLICY, [{ refused: "bypassed" }]);
    expect(await statisticsOf(log)).toMatchObject({ decisions: 1, rules: [], latencies: [] });
  });
});

describe("percentiles", () => {
  it("are durations there were, at most 2 % over the exact ones", () => {
    const ms = fc.double({ min: 0.002, max: 1e7, noNaN: true });
    fc.assert(
      fc.property(fc.array(ms, { minLength: 1, maxLength: 200 }), (durations) => {
        const latencies = new Latencies();
        for (const each of durations) latencies.add(each);
        const sorted = durations.toSorted((left, right) => left - right);
        const { calls, max, ...percentiles } = latencies.summary;
        expect({ calls, max }).toEqual({ calls: durations.length, max: sorted.at(-1) });
        for (const [name, part] of [
          ["p50", 0.5],
          ["p95", 0.95],
          ["p99", 0.99],
        ] as const) {
          const exact = sorted[Math.ceil(part * sorted.length) - 1] ?? 0;
          expect(durations).toContain(percentiles[name]);
          expect(percentiles[name]).toBeGreaterThanOrEqual(exact);
          expect(percentiles[name]).toBeLessThanOrEqual(exact * 1.0200001);
        }
      }),
    );
  });

  it("of nothing are 0", () => {
    expect(new Latencies().summary).toEqual({ calls: 0, p50: 0, p95: 0, p99: 0, max: 0 });
  });
});
