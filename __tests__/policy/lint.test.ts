import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { z as z3 } from "zod/v3";

import { lintPolicy } from "../../src/policy/lint/index.ts";
import { checkPolicyAgainstTools } from "../../src/policy/lint/tools.ts";
import { Policy } from "../../src/policy/policy.ts";
import type { WrittenRule } from "../../src/policy/rule.ts";

const lint = (text: string): string[] =>
  lintPolicy(Policy.parse(text)).map(({ code, line, column, path }) => `${line}:${column} ${path} ${code}`);

const rules = (section: string, count: number): string =>
  `${section}:\n${Array.from({ length: count }, (_, index) => `  - {capability: tool${index}.run, amount_gt: 5}\n`).join("")}`;

/** What lint says, and how often it reads a member of a rule or takes a pattern apart. */
function watched(policy: Policy): { readonly warnings: readonly unknown[]; readonly looks: number } {
  let looks = 0;
  const get = (rule: WrittenRule, key: keyof WrittenRule): unknown => {
    looks += 1;
    return rule[key];
  };
  const seen = policy.rules.map((rule) => new Proxy(rule, { get: get as never }));
  const split = vi.spyOn(String.prototype, "split");
  try {
    const warnings = lintPolicy({ rules: seen } as unknown as Policy);
    return { warnings, looks: looks + split.mock.calls.length };
  } finally {
    split.mockRestore();
  }
}

const json = (required: string[], inner: string[]): unknown => ({
  type: "object",
  properties: {
    amount: { type: "number" },
    path: { type: "string" },
    to: { $ref: "#/$defs/recipient" },
  },
  required,
  $defs: { recipient: { type: "object", properties: { country: { type: "string" } }, required: inner } },
});

describe("lintPolicy", () => {
  it.each<[string, string[]]>([
    ["allow: [shell]\ndeny: [fs]", ["2:8 deny[0] unreachable-deny"]],
    ["deny: [shell]\nallow: [shell.execute, fs]", ["2:9 allow[0] shadowed-allow"]],
    ["deny: ['*.execute']\nallow: [shell.execute.production]", ["2:9 allow[0] shadowed-allow"]],
    ["deny: [shell.execute]\nallow: [shell, '*.execute.x']", []],
    ["deny: ['*']\nrequire_approval: [shell]", ["2:20 require_approval[0] shadowed-allow"]],
    ["deny: [{capability: a, match_keywords: x}]\nallow: [a]", []],
    [
      "deny: [{capability: a, match_keywords: x}]\nallow: [{capability: a.b, match_keywords: x, environment: y}]",
      ["2:9 allow[0] shadowed-allow"],
    ],
    ["deny: [{capability: a, match_keywords: x}]\nallow: [{capability: a, match_keywords: y}]", []],
    [
      "deny: [a, a.b, a]\nallow: [a.c]",
      ["1:11 deny[1] unreachable-deny", "1:16 deny[2] unreachable-deny", "2:9 allow[0] shadowed-allow"],
    ],
    ["deny: [{capability: a, amount_gt: 1}, {capability: a, amount_gt: 2}]\nallow: [a]", []],
    ["deny: [a]", []],
    ["deny: [{capability: b, reason: No.}]\nallow: [a]", []],
    ["allow: [{capability: a, amount_gt: 10, amount_lt: 5}]", ["1:40 allow[0].amount_lt never-matches"]],
    ["allow: [{capability: a, amount_gt: 10, amount_lte: 10}]", ["1:40 allow[0].amount_lte never-matches"]],
    ["allow: [{capability: a, amount_gte: 10, amount_lte: 10}]", []],
    ["allow: [{capability: a, amount: {gt: '10.5', lt: 10}}]", ["1:46 allow[0].amount.lt never-matches"]],
    [
      "deny: [{capability: a, caller_depth_gte: 3, caller_depth_lt: 3}]\nallow: [a]",
      ["1:45 deny[0].caller_depth_lt never-matches"],
    ],
    ["allow: [{capability: a, payload: {n: {gt: 5, lt: 5}}}]", ["1:46 allow[0].payload.n.lt never-matches"]],
    ["allow: [{capability: a, payload: {n: {exists: false, gt: 5}}}]", ["1:35 allow[0].payload.n never-matches"]],
    ["allow: [{capability: a, risk_level: HIGH}]", ["1:25 allow[0].risk_level never-matches"]],
    ["allow: [{capability: a, risk_level: [delete, execute]}]", ["1:25 allow[0].risk_level never-matches"]],
    ["allow: [{capability: a, risk_level: [delete, high]}]", []],
    ["allow: [{capability: a, environment: ''}]", ["1:25 allow[0].environment never-matches"]],
    [
      "deny: [{capability: shell.execute, contains: rm -rf}]\nallow: [shell]",
      ["1:36 deny[0].contains contains-on-shell"],
    ],
    ["allow: [{capability: shell, contains: ls}]", ["1:29 allow[0].contains contains-on-shell"]],
    ["allow: [{capability: shell, command: {flags_only: []}}]", ["1:29 allow[0].command any-program"]],
    ["allow: [{capability: shell, command: [{program: ls}, {args: x}]}]", ["1:54 allow[0].command[1] any-program"]],
    ["allow: [{capability: shell, command: {program: ls}}]", []],
    ["deny: [{capability: shell, command: {opaque: true}}]\nallow: [shell]", []],
    ["deny: [{capability: db, contains: drop}]\nallow: [db]", []],
    [
      "allow: ['*', '*.*', {capability: '*', environment: dev}, '*.read']",
      ["1:9 allow[0] allow-everything", "1:14 allow[1] allow-everything", "1:21 allow[2] allow-everything"],
    ],
    ["rules: [{action: allow}]", ["1:9 rules[0] allow-everything"]],
  ])("%s: %j", (text, expected) => {
    expect(lint(text)).toEqual(expected);
  });

  it("shows the place, as errors do", () => {
    const [warning] = lintPolicy(Policy.parse("deny: [shell]\nallow:\n  - shell.execute\n", { source: "a.yaml" }));
    expect(warning).toEqual({
      code: "shadowed-allow",
      source: "a.yaml",
      line: 3,
      column: 5,
      path: "allow[0]",
      message: "never takes effect: deny[0] (a.yaml:1) denies everything it covers",
      frame: "3 |   - shell.execute\n  |     ^",
    });
  });

  it("looks no more often at each of a thousand rules than at each of a hundred", () => {
    const [few, many] = [50, 500].map((count) => {
      const { warnings, looks } = watched(Policy.parse(rules("deny", count) + rules("allow", count)));
      expect(warnings).toHaveLength(count);
      return looks / count;
    });
    expect(few).toBeGreaterThan(1);
    expect(many).toBeLessThan(2 * (few ?? 0));
  });
});

describe("checkPolicyAgainstTools", () => {
  it("knows the fields of conditions about structure, and those they name", () => {
    const conditions = [
      "path: {within: /x}",
      "url: {hosts: x.net}",
      "amount: {gt: 5}",
      "amount: {field: to.sum, gt: 5}",
    ];
    const policy = Policy.parse(`deny:\n${conditions.map((each) => `  - {capability: pay, ${each}}\n`).join("")}`);
    const check = (fields: object): (string | undefined)[] =>
      checkPolicyAgainstTools(policy, [{ name: "send", capability: "pay", schema: z.object(fields as never) }]).map(
        ({ line, code }) => `${line} ${code}`,
      );
    const string = z.string();
    expect(check({ path: string, url: string, amount: z.number(), to: z.object({ sum: string }) })).toEqual([]);
    expect(check({ file: string, uri: string.optional(), to: z.object({}) })).toEqual([
      "3 optional-field",
      "4 missing-field",
      "5 missing-field",
    ]);
  });

  const policy = Policy.parse(
    "deny:\n  - {capability: pay, amount_gt: 5}\n  - {capability: pay, path_prefix: /x}\n  - {capability: pay, payload: {to.country: XX}}\n",
  );
  const check = (schema: unknown): string[] =>
    checkPolicyAgainstTools(policy, [{ name: "send", capability: "pay.send", schema }]).map(
      ({ code, severity, line, path }) => `${severity} ${line} ${path} ${code}`,
    );

  const complete = { amount: z.number(), path: z.string(), to: z.object({ country: z.string() }) };
  const complete3 = { amount: z3.number(), path: z3.string(), to: z3.object({ country: z3.string() }) };

  it.each<[string, unknown]>([
    ["JSON Schema", json(["amount", "path", "to"], ["country"])],
    ["zod 4", z.object(complete)],
    ["zod 4, refined and strict", z.strictObject(complete).refine(() => true)],
    ["zod 4, transformed", z.object({ ...complete, amount: z.number().nullable() }).transform((value) => value)],
    ["zod 3", z3.object(complete3)],
    [
      "zod 3, with effects",
      z3.object({ ...complete3, amount: z3.coerce.number().describe("x") }).superRefine(() => {}),
    ],
  ])("finds nothing to say where every field is always there: %s", (_, schema) => {
    expect(check(schema)).toEqual([]);
  });

  const optional = ["error 2 deny[0].amount_gt optional-field", 'error 4 deny[2].payload["to.country"] optional-field'];

  it.each<[string, unknown]>([
    ["JSON Schema", json(["path", "to"], [])],
    [
      "zod 4",
      z.object({ ...complete, amount: z.number().optional(), to: z.object({ country: z.string().default("x") }) }),
    ],
    ["zod 4, wrapped", z.object({ ...complete, amount: z.number().nullable().optional(), to: complete.to.optional() })],
    ["zod 3", z3.object({ ...complete3, amount: z3.number().nullish(), to: complete3.to.partial() })],
  ])("finds fields that may be left out: %s", (_, schema) => {
    expect(check(schema)).toEqual(optional);
  });

  it.each<[string, unknown]>([
    ["JSON Schema", { type: "object", properties: { note: {} } }],
    ["zod 4", z.object({ note: z.string() })],
    ["zod 3", z3.object({ note: z3.string() })],
  ])("finds fields that are missing: %s", (_, schema) => {
    expect(check(schema)).toEqual([
      "error 2 deny[0].amount_gt missing-field",
      "error 3 deny[1].path_prefix missing-field",
      'error 4 deny[2].payload["to.country"] missing-field',
    ]);
  });

  it.each([undefined, null, "text", { type: "string" }, z.string(), z.record(z.string(), z.number()), { $ref: "#" }])(
    "says that it could not check %#",
    (schema) => {
      expect(new Set(check(schema).map((each) => each.split(" ").at(-1)))).toEqual(new Set(["unknown-schema"]));
    },
  );

  it("looks only at tools that a rule covers", () => {
    expect(checkPolicyAgainstTools(policy, [{ name: "ls", capability: "shell.execute", schema: {} }])).toEqual([]);
  });

  it("says it in words", () => {
    const tools = [
      { name: "send", capability: "pay.send", schema: z.object({ ...complete, amount: z.number().optional() }) },
    ];
    expect(checkPolicyAgainstTools(policy, tools)[0]).toMatchObject({
      tool: "send",
      message:
        'a call of the tool "send" may leave out an amount (amount, total, value, sum, quantity, price, cost), and then this condition does not hold',
    });
  });
});
