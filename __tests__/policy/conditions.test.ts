import { describe, expect, it } from "vitest";

import type { Answer } from "../../src/policy/answer.ts";
import { Subject } from "../../src/policy/conditions/condition.ts";
import { MAX_EXAMINED } from "../../src/policy/conditions/expression.ts";
import { compileGlob } from "../../src/policy/conditions/glob.ts";
import { CONDITIONS } from "../../src/policy/conditions/index.ts";
import { AMOUNT_FIELDS } from "../../src/policy/conditions/amount/amount.ts";
import { readQuantity } from "../../src/policy/conditions/amount/quantity.ts";
import { call } from "./calls.ts";
import { issuesIn } from "./load-errors.ts";

const report = (_: unknown, message: string): never => {
  throw new Error(message);
};

const ask = (key: string, value: unknown, fields: object): Answer => {
  const kind = CONDITIONS[key];
  if (kind === undefined) throw new Error(`no condition ${key}`);
  const condition = kind.compile(value, report, "deny");
  const subject = new Subject(call(fields));
  expect(condition.why(subject)).toMatch(/\S/);
  return condition.ask(subject);
};

const ofPayload = (key: string, value: unknown, payload: object): Answer => ask(key, value, { payload });

describe("match_regex", () => {
  it.each<[unknown, object, Answer]>([
    ["^ls", { command: "ls -la" }, "yes"],
    ["^ls", { command: "als" }, "no"],
    ["^ls", { note: "x", command: "ls" }, "yes"],
    ["^rm", { cwd: "/", command: "rm -rf /" }, "yes"],
    ["x y", { a: "x", b: "y" }, "no"],
    ["^drop$", { drop: "x" }, "no"],
    ["^1$", { a: 1 }, "yes"],
    ["^true$", { a: [{ b: true }] }, "yes"],
    ["null", { a: null }, "no"],
    ["(?i)DROP", { q: "drop" }, "yes"],
    [["a$", "b$"], { q: "ab" }, "yes"],
    [["a$", "b$"], { q: "abc" }, "no"],
    ["^b", { q: "a\nb" }, "no"],
    ["(?m)^b", { q: "a\nb" }, "yes"],
    ["^drop$", { q: "ｄｒｏｐ" }, "maybe"],
    ["a\\sb", { q: "a\u00a0b" }, "maybe"],
    ["^rm$", { q: "r\u200bm" }, "maybe"],
    ["^é$", { q: "é" }, "yes"],
    ["x", { q: "y".repeat(MAX_EXAMINED) }, "no"],
    ["x", { q: "y".repeat(MAX_EXAMINED + 1) }, "maybe"],
    ["^y+$", { q: "y".repeat(MAX_EXAMINED + 1) }, "maybe"],
    ["x", { p: "y".repeat(MAX_EXAMINED), q: "y" }, "maybe"],
    ["x", { p: "y".repeat(MAX_EXAMINED + 1), q: "x" }, "yes"],
  ])("%j in a payload: %#", (expression, payload, answer) => {
    expect(ofPayload("match_regex", expression, payload)).toBe(answer);
  });

  it.each([
    ["(", "missing closing )"],
    ["a**", "**"],
    ["[z-a]", "z-a"],
    ["a{2000}", "repeat count"],
    ["x(?=y)", "look-around"],
    ["x(?!y)", "look-around"],
    ["(?<=x)y", "look-around"],
    ["(?<!x)y", "look-around"],
    ["(a)\\1", "backreferences"],
    ["(?P<a>x)(?P=a)", "backreferences"],
    ["(?>a)b", "atomic"],
    ["a++b", "possessive"],
    ["\\N{DIGIT ONE}", "escape"],
    ["\\p{Nonsense}", "Nonsense"],
  ])("refuses %j at its place", (expression, message) => {
    for (const [written, column] of [
      [`[a, ${JSON.stringify(expression)}]`, 40],
      [JSON.stringify(expression), 36],
    ] as const) {
      const [issue, ...others] = issuesIn(`allow:\n  - {capability: a.b, match_regex: ${written}}\n`);
      expect(others).toEqual([]);
      expect(issue).toMatchObject({ line: 2, column });
      expect(issue?.message).toContain("is not a regular expression of RE2");
      expect(issue?.message).toContain(message);
    }
  });
});

describe("match_keywords", () => {
  it.each<[unknown, object, Answer]>([
    [["rm -rf", "mkfs"], { c: "MKFS.ext4" }, "yes"],
    ["DROP ", { q: "drop table" }, "yes"],
    ["a b", { x: "a", y: "b" }, "no"],
    ["a b", { x: "a  b" }, "no"],
    ["secret", { secret: "x" }, "no"],
    [true, { x: true }, "yes"],
    ["rm", { x: "ｒｍ" }, "maybe"],
    ["rm", { x: "r\u200bm" }, "maybe"],
    ["\0", { x: "a", y: "b" }, "no"],
    ["\0", { x: "a\0" }, "yes"],
  ])("%j in %j: %s", (keywords, payload, answer) => {
    expect(ofPayload("match_keywords", keywords, payload)).toBe(answer);
  });
});

describe("amount_gt, gte, lt, lte", () => {
  it.each(AMOUNT_FIELDS)("counts %s, alone and beside others", (field) => {
    expect(ofPayload("amount_gt", 100, { [field]: 101 })).toBe("yes");
    expect(
      ofPayload("amount_gt", 100, {
        amount: 1,
        cost: 1,
        [field]: 101,
      }),
    ).toBe("maybe");
  });

  it.each<[string, object, Answer]>([
    ["amount_gt", { amount: 101 }, "yes"],
    ["amount_gt", { amount: 100 }, "no"],
    ["amount_gte", { amount: 100 }, "yes"],
    ["amount_lt", { amount: 100 }, "no"],
    ["amount_lte", { amount: 100 }, "yes"],
    ["amount_gt", { total: "5000.00" }, "yes"],
    ["amount_gt", { value: " +5000\n" }, "yes"],
    ["amount_lte", { sum: "-.5" }, "yes"],
    ["amount_gt", {}, "no"],
    ["amount_gt", { amt: 5000 }, "no"],
    ["amount_gt", { order: { amount: 5000 } }, "no"],
    ["amount_gt", { amount: 1, total: 5000 }, "maybe"],
    ["amount_lte", { amount: 1, total: 5000 }, "maybe"],
    ["amount_gt", { price: 5000, cost: 200 }, "yes"],
    ["amount_gt", { amount: "abc", total: 5000 }, "maybe"],
    ...["1,000", "1e9", "0x10", "$5", "", "nan", "inf", "-inf", "5_000", "５０００", true, null, [500], { a: 1 }].map(
      (amount): [string, object, Answer] => ["amount_gt", { amount }, "maybe"],
    ),
    ["amount_lte", { amount: "100.0000000000000001" }, "maybe"],
    ["amount_lte", { amount: "000000000000000000100" }, "yes"],
  ])("%s: 100 with %j: %s", (key, payload, answer) => {
    expect(ofPayload(key, 100, payload)).toBe(answer);
  });

  it("reads plain decimals only", () => {
    expect(["5", "5.", ".5", "-0", "1.50"].map(readQuantity)).toEqual([5, 5, 0.5, -0, 1.5]);
    expect([".", "-", "5 0", "٥", "Infinity", "1e3", "1.2.3"].map(readQuantity)).toEqual(Array(7).fill(undefined));
  });
});

describe("path_prefix", () => {
  it.each<[unknown, unknown, Answer]>([
    ["/tmp", "/tmp/a", "yes"],
    ["/tmp/", "/tmp", "yes"],
    ["/tmp", "/tmp", "yes"],
    ["/tmp", "/tmpfoo", "no"],
    ["/tmp", "/tmp/../etc", "no"],
    ["/tmp", "/tmp/a/..", "yes"],
    ["/etc", "/tmp/../etc/passwd", "yes"],
    ["/etc", "/./etc//passwd", "yes"],
    ["/etc", "///etc/passwd", "yes"],
    ["/etc", "//etc/passwd", "maybe"],
    ["/etc", "/ETC/passwd", "no"],
    ["/", "/anything", "yes"],
    ["/tmp", "tmp/a", "no"],
    ["/etc", "../../etc/passwd", "maybe"],
    ["workspace", "workspace/a", "yes"],
    ["workspace", "./workspace/a", "yes"],
    ["workspace", "workspace/../../workspace/a", "maybe"],
    ["workspace", "workspace/../secret", "no"],
    ["./workspace/", "./workspace/a", "yes"],
    ["./workspace/", "workspace/a", "maybe"],
    [".", "a", "yes"],
    [".", "..", "maybe"],
    [".", "a/../..", "maybe"],
    [["/tmp", "/var"], "/var/x", "yes"],
    [["/tmp", "/var"], "/etc/x", "no"],
    ["/tmp", "/tmp\\..\\etc", "no"],
    ["/etc", "/tmp\\..\\..\\etc", "maybe"],
    ["/tmp", "/tmp/a\\b", "yes"],
    ["/tmp", "/tmp/a\0b", "maybe"],
    ["/tmp", "/tmp/a\n", "maybe"],
    ["/tmp", "~/x", "maybe"],
    ["/tmp", "$HOME/x", "maybe"],
    ["/tmp", "/tmp/$(id)", "maybe"],
    ["/tmp", "/tmp/%2e%2e/etc", "maybe"],
    ["/tmp", "file:///tmp/x", "maybe"],
    ["/tmp", "C:\\tmp", "maybe"],
    ["/tmp", "/tmp/．．/etc", "maybe"],
    ["/tmp", "/tmp/a\u200b", "maybe"],
    ["/tmp", "/tmp/é", "yes"],
    ["/tmp", "/tmp/e\u0301", "maybe"],
    ["/tmp", ["/tmp/x"], "maybe"],
    ["/tmp", 5, "maybe"],
    [5, "5/x", "yes"],
  ])("%j with the path %j: %s", (prefix, path, answer) => {
    for (const field of ["path", "root"]) expect(ofPayload("path_prefix", prefix, { [field]: path })).toBe(answer);
  });

  it("looks at every path there is", () => {
    expect(ofPayload("path_prefix", "/tmp", { path: "/tmp/a", target: "/tmp/b" })).toBe("yes");
    expect(ofPayload("path_prefix", "/tmp", { path: "/tmp/a", target: "/etc/b" })).toBe("maybe");
    expect(ofPayload("path_prefix", "/tmp", { path: "/etc/a", target: "/etc/b" })).toBe("no");
    expect(ofPayload("path_prefix", "/tmp", { dir: "/tmp/a" })).toBe("no");
  });
});

describe("environment, user_role, tenant, tool_name, risk_level", () => {
  it.each(["environment", "user_role", "tenant", "tool_name", "risk_level", "caller_depth"])(
    "notices that a payload claims a %s, and if it is null",
    (field) => {
      for (const claim of ["any", null])
        expect(new Subject(call({ payload: { [field]: claim } })).hasClaims).toBe(true);
      expect(new Subject(call({ payload: { other: field } })).hasClaims).toBe(false);
    },
  );

  it.each<[string, unknown, object, Answer]>([
    ["environment", "production", {}, "yes"],
    ["environment", "prod*", {}, "yes"],
    ["environment", ["staging", "p?oduction"], {}, "yes"],
    ["environment", ["staging", "test"], {}, "no"],
    ["environment", "", {}, "no"],
    ["environment", "staging", { payload: { environment: "staging" } }, "maybe"],
    ["environment", "production", { payload: { environment: "staging" } }, "yes"],
    ["user_role", "admin", {}, "no"],
    ["user_role", "*", {}, "no"],
    ["user_role", "admin", { context: { user_role: "admin" } }, "yes"],
    ["user_role", "admin", { context: { user_role: "Admin" } }, "no"],
    ["user_role", "admin", { context: { user_role: ["admin", "dev"] } }, "maybe"],
    ["user_role", "admin", { context: { user_role: null } }, "no"],
    ["user_role", "admin", { payload: { user_role: "admin" } }, "maybe"],
    ["user_role", "admin", { payload: { user_role: ["x", "admin"] } }, "maybe"],
    ["user_role", "admin", { payload: { user_role: { a: "admin" } } }, "no"],
    ["user_role", "admin", { payload: { deep: { user_role: "admin" } } }, "no"],
    ["tenant", 5, { context: { tenant: 5 } }, "yes"],
    ["tenant", 5, { context: { tenant: "5" } }, "maybe"],
    ["tool_name", "admin_*", { context: { tool_name: "admin_reset" } }, "yes"],
    ["tool_name", "admin_*", { context: { tool_name: "read" }, payload: { tool_name: "admin_x" } }, "maybe"],
    ["risk_level", "high", { risk: "HIGH" }, "yes"],
    ["risk_level", "HIGH", { risk: "high" }, "no"],
    ["risk_level", "h*", { risk: "delete" }, "yes"],
    ["risk_level", "delete", { risk: "delete" }, "no"],
    ["risk_level", "low", { risk: "read" }, "yes"],
    ["risk_level", "medium", { risk: "write" }, "yes"],
    ["risk_level", "critical", { risk: "execute" }, "yes"],
    ["risk_level", "critical", { risk: 0.99 }, "yes"],
    ["risk_level", "high", { risk: 0.85 }, "yes"],
    ["risk_level", "high", { risk: 0.8 }, "yes"],
    ["risk_level", "medium", { risk: 0.5 }, "yes"],
    ["risk_level", "low", { risk: 0.2 }, "yes"],
    ["risk_level", "low", { risk: -3 }, "yes"],
    ["risk_level", "weird", { risk: 1, context: { risk_level: "Weird" } }, "yes"],
    ["risk_level", "high", { risk: "low", context: { risk_level: "high" } }, "no"],
    ["risk_level", "high", { context: { risk_level: "high" } }, "yes"],
    ["risk_level", "*", {}, "no"],
    ["risk_level", "low", { risk: "critical", payload: { risk_level: "low" } }, "maybe"],
  ])("%s: %j with %j: %s", (key, value, fields, answer) => {
    expect(ask(key, value, fields)).toBe(answer);
  });
});

describe("caller_depth_gt, gte, lt, lte", () => {
  it.each<[string, object, Answer]>([
    ["caller_depth_gt", { context: { caller_depth: 3 } }, "yes"],
    ["caller_depth_gt", { context: { caller_depth: 2 } }, "no"],
    ["caller_depth_gte", { context: { caller_depth: "2" } }, "yes"],
    ["caller_depth_lte", { context: {} }, "no"],
    ["caller_depth_lte", { context: { caller_depth: null } }, "no"],
    ["caller_depth_gt", { context: { caller_depth: [3] } }, "maybe"],
    ["caller_depth_gt", { context: { caller_depth: "nan" } }, "maybe"],
    ["caller_depth_gt", { payload: { caller_depth: 3 } }, "maybe"],
    ["caller_depth_lt", { context: { caller_depth: 5 }, payload: { caller_depth: 1 } }, "maybe"],
    ["caller_depth_gt", { context: { caller_depth: 5 }, payload: { caller_depth: 1 } }, "yes"],
  ])("%s: 2 with %j: %s", (key, fields, answer) => {
    expect(ask(key, 2, fields)).toBe(answer);
  });
});

describe("payload and table", () => {
  it.each<[unknown, object, Answer]>([
    [{ to: "alice" }, { to: "alice" }, "yes"],
    [{ to: "alice" }, {}, "no"],
    [{ to: "*" }, { to: null }, "no"],
    [{ to: "al*" }, { to: "alice" }, "yes"],
    [{ to: ["bob", "alice"] }, { to: "alice" }, "yes"],
    [{ to: "5" }, { to: 5 }, "maybe"],
    [{ to: 5 }, { to: 5 }, "yes"],
    [{ to: true }, { to: true }, "yes"],
    [{ to: "alice" }, { to: ["alice"] }, "maybe"],
    [{ to: "alice" }, { to: ["bob"] }, "no"],
    [{ to: "alice" }, { to: { name: "bob" } }, "maybe"],
    [{ "to.name": "bob" }, { to: { name: "bob" } }, "yes"],
    [{ "to.name": "bob" }, { to: [{ name: "alice" }, { name: "bob" }] }, "maybe"],
    [{ "to.name": "bob" }, { to: "bob" }, "no"],
    [{ a: "1", b: "2" }, { a: "1", b: "3" }, "no"],
    [{ to: { equals: "a*" } }, { to: "a*" }, "yes"],
    [{ to: { equals: "a*" } }, { to: "ab" }, "no"],
    [{ to: { in: ["a", 5] } }, { to: 5 }, "yes"],
    [{ to: { glob: "[!a]?" } }, { to: "bc" }, "yes"],
    [{ to: { regex: "^a.c$" } }, { to: "abc" }, "yes"],
    [{ to: { regex: "^5$" } }, { to: 5 }, "yes"],
    [{ n: { gt: 5, lte: 10 } }, { n: 7 }, "yes"],
    [{ n: { gt: 5, lte: 10 } }, { n: 11 }, "no"],
    [{ n: { gt: 5 } }, { n: "1,000" }, "maybe"],
    [{ n: { gt: 5 } }, { n: [1, 9] }, "maybe"],
    [{ n: { gt: 5 } }, {}, "no"],
    [{ n: { exists: true } }, { n: null }, "yes"],
    [{ n: { exists: true } }, {}, "no"],
    [{ n: { exists: false } }, {}, "yes"],
    [{ constructor: { exists: true } }, {}, "no"],
    [{ to: { regex: "x" } }, { to: "y".repeat(MAX_EXAMINED + 1) }, "maybe"],
  ])("payload: %j with %j: %s", (matchers, payload, answer) => {
    expect(ofPayload("payload", matchers, payload)).toBe(answer);
  });

  it("table is short for the field table", () => {
    expect(ofPayload("table", "audit_*", { table: "audit_logs" })).toBe("yes");
    expect(ofPayload("table", ["users"], { table: "Users" })).toBe("no");
    expect(ofPayload("table", "users", { query: "users" })).toBe("no");
  });

  it.each([
    ["{}", "must not be empty"],
    ["{to: {}}", "must not be empty"],
    ["{to: {eq: a}}", "unknown key `eq`"],
    ["{to: {equal: a}}", "did you mean `equals`?"],
    ["{'a..b': c}", "the key `a..b` must be names of fields joined by dots"],
    ["{to: {regex: '('}}", "is not a regular expression"],
    ["{to: {gt: '5'}}", "must be a number, not text"],
    ["{to: ~}", "has no value"],
    ["[to]", "must be a mapping of fields, not a list"],
  ])("payload: %s is refused", (written, message) => {
    const issues = issuesIn(`deny: [{capability: a, payload: ${written}}]`);
    expect(issues.map((issue) => issue.message).join("\n")).toContain(message);
    expect(issues[0]?.column).toBeGreaterThanOrEqual(33);
  });
});

describe("a glob", () => {
  it.each<[string, string, boolean]>([
    ["*", "", true],
    ["a*c", "abbc", true],
    ["a*c", "ab", false],
    ["a?c", "abc", true],
    ["?", "😀", true],
    ["[abc]x", "bx", true],
    ["[!abc]x", "bx", false],
    ["[a-c]", "b", true],
    ["[]]x", "]x", true],
    ["[!]]x", "ax", true],
    ["[", "[", true],
    ["[production", "production", false],
    ["production[]", "production[]", true],
    ["a.c", "abc", false],
    ["a*", "a\nb", true],
    ["a*c", "a/b.c", true],
    ["A", "a", false],
  ])("%j on %j: %s", (pattern, text, matches) => {
    expect(compileGlob(pattern)(text)).toBe(matches);
  });

  it("takes linear time where a naive one explodes", () => {
    expect(compileGlob(`${"*a".repeat(500)}*b`)("a".repeat(20_000))).toBe(false);
  });
});
