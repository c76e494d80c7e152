/** Whatever a record leaves out: what is said to be decided by what is left is what was decided by all of it. */

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { NO_PREVIOUS, parseEntry, type DecisionEntry } from "../../src/audit/format/entry.ts";
import { decisionEntry, recordedEvent, type RecordingOptions } from "../../src/audit/recording/record.ts";
import { Policy } from "../../src/policy/policy.ts";
import { judge } from "../../src/replay/judged-call.ts";
import { recordedCall } from "../../src/replay/recorded-call.ts";
import { call } from "../policy/calls.ts";

const TOKEN = `ghp_${"a1".repeat(18)}`;
const OTHER_TOKEN = `ghp_${"b2".repeat(18)}`;
const JSON_WEB_TOKEN = `eyJ${"a".repeat(12)}.eyJ${"b".repeat(12)}.${"c".repeat(12)}`;

/** Values of every condition's own kind: some that match the rules below, and secrets in and beside them. */
const VALUES: Readonly<Record<string, readonly unknown[]>> = {
  command: ["ls -la", "rm -rf /", `curl -H ${TOKEN} x`, `rm ${TOKEN}`, `ls ${TOKEN}`, "git status", "ls; rm -r x"],
  sql: ["SELECT 1", "DROP TABLE users", `SELECT '${TOKEN}'`, "DELETE FROM users WHERE id = 1", "SELECT * FROM"],
  path: ["/srv/x", "/etc/passwd", "/srv/../etc", `/srv/${TOKEN}`, "~/x", `/etc/${TOKEN}`],
  url: ["https://api.example.com/x", "https://u:pw1@api.example.com", "http://10.0.0.1", `https://evil.com/${TOKEN}`],
  amount: [5, 500, "5.00", "1,000", TOKEN, null, { amount: 5 }],
  total: [5, 5_000, "9"],
  currency: ["EUR", "USD", TOKEN],
  text: ["secret", `say ${TOKEN} secret`, TOKEN, `${"x".repeat(1_030)}secret`, "sec", "ret", JSON_WEB_TOKEN],
  tenant: ["acme", "other", TOKEN],
  // Two names that look alike in the record.
  [TOKEN]: ["acme", "secret"],
  [OTHER_TOKEN]: ["x", "secret"],
  list: [["secret", TOKEN], [{ card: "42", note: "secret" }], [], [[`x ${TOKEN}`]]],
  order: [{ card: "42", currency: "EUR" }, { card: TOKEN }, { list: ["sec", "ret"] }],
  big: ["y".repeat(70_000), `secret ${"y".repeat(70_000)}`, `${"y".repeat(1_020)}${TOKEN}${"z".repeat(70_000)}`],
};

const payload = fc
  .subarray(Object.keys(VALUES), { minLength: 1, maxLength: 4 })
  .chain((names) =>
    fc.record(Object.fromEntries(names.map((name) => [name, fc.constantFrom(...(VALUES[name] ?? []))]))),
  );

/** Every condition that looks at the payload, or at what it may claim. */
const CONDITIONS: readonly object[] = [
  { contains: ["secret", "rm -rf"] },
  { contains: ["a1a1", "more characters", "[red"] },
  { match_keywords: "secret" },
  { match_regex: "^ls|secret$" },
  { match_regex: "^$|redacted" },
  { amount_gt: 100 },
  { amount_lte: 100 },
  { amount: { lte: 100, currency: ["EUR", "USD"] } },
  { amount: { field: "order.total", gt: 3 } },
  { path_prefix: "/srv" },
  { path: { within: "/srv" } },
  { path: { not_within: "/etc", glob: "*x" } },
  { url: { hosts: "api.example.com" } },
  { url: { private: "deny" } },
  { sql: { kinds: ["drop", "delete"] } },
  { sql: { kinds: "select" } },
  { command: { program: "rm", flags: "recursive" } },
  { command: { program: ["ls", "git", "curl"] } },
  { payload: { "order.currency": "EUR" } },
  { payload: { text: { exists: true }, amount: { lte: 100 } } },
  { payload: { "list.0": "secret" } },
  { payload: { note: { exists: false } } },
  { table: "users" },
  { tenant: "acme" },
  { tenant: TOKEN },
  { tenant: "[[]redacted*" },
  { user_role: "admin" },
  { risk_level: "high" },
  { caller_depth_gt: 1 },
  {},
];

const rules = fc.array(
  fc
    .subarray([...CONDITIONS], { minLength: 1, maxLength: 2 })
    .map((conditions) => Object.assign({ capability: "shell" }, ...conditions) as object),
  { maxLength: 2 },
);
const policy = fc.record({ deny: rules, require_approval: rules, allow: rules.map((some) => [...some, "shell"]) });

const context = fc.record(
  {
    tenant: fc.constantFrom("acme", TOKEN),
    user_role: fc.constantFrom<unknown[]>("admin", [TOKEN, "admin"]),
    caller_depth: fc.constantFrom(1, 2),
    risk_level: fc.constantFrom("high", TOKEN),
    [TOKEN]: fc.constant(1),
    note: fc.constant("n".repeat(70_000)),
  },
  { requiredKeys: [] },
);

const PATHS = [
  "command",
  "sql",
  "path",
  "url",
  "amount",
  "text",
  "tenant",
  "*",
  "*.*",
  "*.card",
  "list.0",
  "order.card",
];
const recording: fc.Arbitrary<RecordingOptions> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ redact: fc.subarray(PATHS, { maxLength: 2 }) }) },
  fc.constant<RecordingOptions>({ payload: "none" }),
);

/** What a log would hold about the call, read back. */
function recorded(entry: ReturnType<typeof decisionEntry>): DecisionEntry {
  const { body } = entry.follow({ seq: 0, hash: NO_PREVIOUS }, "0".repeat(32), "2026-01-15T10:00:00.000Z");
  return parseEntry(body) as DecisionEntry;
}

describe("a call that was recorded in part", () => {
  it("is decided as the whole call was, or not at all", async () => {
    const seen = { decided: 0, undecidable: 0 };
    await fc.assert(
      fc.asyncProperty(policy, payload, context, recording, async (written, data, host, options) => {
        const compiled = Policy.parse(JSON.stringify(written));
        await compiled.ready();
        const event = call({ payload: data, context: host });
        const whole = compiled.evaluate(event);
        const known = recordedCall(
          recorded(decisionEntry(recordedEvent(event, options), whole, true, compiled.digest)),
        );
        if (typeof known === "string") throw new Error(`the record is ${known}`);
        const { decided, possible } = judge(compiled, known);
        if (decided === undefined) {
          seen.undecidable += 1;
          expect(possible).toContain(whole.decision);
        } else {
          seen.decided += 1;
          expect({ ...whole, ...decided }).toEqual(whole);
        }
      }),
      { numRuns: 1_000 },
    );
    expect(Math.min(seen.decided, seen.undecidable)).toBeGreaterThan(100);
  });
});
