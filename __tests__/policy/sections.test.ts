import { describe, expect, it } from "vitest";

import { Policy } from "../../src/policy/policy.ts";
import { call, decide } from "./calls.ts";
import { issuesIn, summary } from "./load-errors.ts";

const risk = (level: string, action: string): string => `risk_levels: {${level}: {action: ${action}}}`;

describe("risk_levels", () => {
  it.each<[string, string, object, string, string]>([
    ["allow changes nothing", `deny: [shell]\n${risk("high", "allow")}`, { risk: "high" }, "deny", "policy_deny"],
    ["allow lets nothing through", risk("high", "allow"), { risk: "high" }, "deny", "policy_default_deny"],
    ["warn lets nothing through", risk("high", "warn"), { risk: "high" }, "deny", "policy_default_deny"],
    ["deny stops an allow", `allow: [shell]\n${risk("high", "deny")}`, { risk: "high" }, "deny", "policy_deny"],
    ["block is deny", `allow: [shell]\n${risk("high", "block")}`, { risk: "high" }, "deny", "policy_deny"],
    ["deny says so without a rule", risk("high", "deny"), { risk: "high" }, "deny", "policy_deny"],
    [
      "approval stops an allow",
      `allow: [shell]\n${risk("high", "require_approval")}`,
      { risk: "high" },
      "require_approval",
      "approval_required",
    ],
    [
      "approval asks without a rule",
      risk("high", "require_approval"),
      { risk: "high" },
      "require_approval",
      "approval_required",
    ],
    [
      "a rule that asks comes first",
      `require_approval: [shell]\n${risk("high", "deny")}`,
      { risk: "high" },
      "require_approval",
      "approval_required",
    ],
    [
      "a rule that denies comes first",
      `deny: [shell]\n${risk("high", "require_approval")}`,
      { risk: "high" },
      "deny",
      "policy_deny",
    ],
    [
      "the level's case does not matter",
      `allow: [shell]\n${risk("high", "deny")}`,
      { risk: "HIGH" },
      "deny",
      "policy_deny",
    ],
    [
      "a kind of action has a level",
      `allow: [shell]\n${risk("high", "deny")}`,
      { risk: "delete" },
      "deny",
      "policy_deny",
    ],
    ["a number has a level", `allow: [shell]\n${risk("critical", "deny")}`, { risk: 0.99 }, "deny", "policy_deny"],
    [
      "a smaller number has a milder one",
      `allow: [shell]\n${risk("critical", "deny")}`,
      { risk: 0.8 },
      "allow",
      "policy_allow",
    ],
    [
      "the context names it beside a number",
      `allow: [shell]\n${risk("critical", "deny")}`,
      { risk: 0.1, context: { risk_level: "Critical" } },
      "deny",
      "policy_deny",
    ],
    [
      "the context does not change a name",
      `allow: [shell]\n${risk("critical", "deny")}`,
      { risk: "low", context: { risk_level: "critical" } },
      "allow",
      "policy_allow",
    ],
    [
      "a level nobody knows may be any",
      `allow: [shell]\n${risk("critical", "deny")}`,
      { risk: "disbursement" },
      "deny",
      "policy_deny",
    ],
    ["no risk has no level", `allow: [shell]\n${risk("critical", "deny")}`, {}, "allow", "policy_allow"],
    [
      "a claim tightens",
      `allow: [shell]\n${risk("critical", "deny")}`,
      { risk: "low", payload: { risk_level: "critical" } },
      "deny",
      "policy_deny",
    ],
    [
      "a claim does not loosen",
      `allow: [shell]\n${risk("critical", "deny")}`,
      { risk: "critical", payload: { risk_level: "low" } },
      "deny",
      "policy_deny",
    ],
    [
      "a claim lifts no default deny",
      risk("low", "require_approval"),
      { payload: { risk_level: "low" } },
      "deny",
      "policy_default_deny",
    ],
    [
      "a claim asks about an allow",
      `allow: [shell]\n${risk("low", "require_approval")}`,
      { payload: { risk_level: "low" } },
      "require_approval",
      "approval_required",
    ],
  ])("%s", (_, policy, fields, decision, reason) => {
    expect(decide(policy, fields)).toMatchObject({ decision, reason });
  });

  it("a decision says which level made it, and what is only worth noting", () => {
    expect(decide(`allow: [shell]\n${risk("high", "block")}`, { risk: "high" })).toEqual({
      decision: "deny",
      reason: "policy_deny",
      riskLevel: { level: "high", action: "deny" },
    });
    const warned = decide(`allow: [shell]\n${risk("high", "warn")}`, { risk: "high" });
    expect(warned).toMatchObject({
      decision: "allow",
      rule: { id: "allow[0]" },
      riskLevel: { level: "high", action: "warn" },
    });
    expect(Object.isFrozen(warned)).toBe(true);
  });

  it.each<[string, string[]]>([
    ["risk_levels: {low: block}", ["1:20 risk_levels.low: must be a mapping with `action`, not text"]],
    ["risk_levels: []", ["1:14 risk_levels: must be a mapping of risk levels, not a list"]],
    ["risk_levels: ~", ["1:14 risk_levels: has no value; it must be a mapping of risk levels"]],
    ["risk_levels: {hig: {action: deny}}", ["1:15 risk_levels.hig: unknown key `hig`; did you mean `high`?"]],
    [
      "risk_levels: {severe: {action: deny}}",
      ["1:15 risk_levels.severe: unknown key `severe`; known here: low, medium, high, critical"],
    ],
    ["risk_levels: {low: {}}", ["1:20 risk_levels.low: the key `action` is missing"]],
    [
      "risk_levels: {low: {action: blok}}",
      [
        "1:29 risk_levels.low.action: must be one of allow, warn, require_approval, deny and block; did you mean `block`?",
      ],
    ],
  ])("%s is refused", (text, expected) => {
    expect(summary(issuesIn(text))).toEqual(expected);
  });
});

describe("the older list of rules", () => {
  const payload = { payload: { c: "ls /tmp" } };
  it.each<[string, string, string]>([
    ["[{action: deny}]", "deny", "policy_deny"],
    ["[{action: block}]", "deny", "policy_deny"],
    ["[{action: allow}]", "allow", "policy_allow"],
    ["[{action: warn}]", "allow", "policy_allow"],
    ["[{action: require_approval}]", "require_approval", "approval_required"],
    ["[{action: allow, match_regex: [^ls]}]", "allow", "policy_allow"],
    ["[{action: allow, match_regex: [^zz]}]", "deny", "policy_default_deny"],
    ["[{action: allow, capability: fs.read}]", "deny", "policy_default_deny"],
    ["[{action: allow}, {action: block, capability: shell.*}]", "deny", "policy_deny"],
    ["[]", "deny", "policy_default_deny"],
  ])("%s: %s", (rules, decision, reason) => {
    expect(decide(`rules: ${rules}`, payload)).toMatchObject({ decision, reason });
  });

  it("has rules that are found at their place, and are one with those of the sections", () => {
    const policy = Policy.parse("allow: [shell]\nrules:\n  - action: deny\n    match_keywords: rm\n");
    expect(policy.evaluate(call({ payload: { c: "rm" } })).rule).toMatchObject({
      id: "rules[0]",
      section: "deny",
      index: 0,
      source: { line: 3 },
    });
    expect(policy.digest).toBe(Policy.parse("allow: [shell]\ndeny: [{capability: '*', match_keywords: rm}]").digest);
  });

  it.each<[string, string]>([
    ["rules: [{match_keywords: [x]}]", "the key `action` is missing"],
    ["rules: [shell.execute]", "must be a mapping with `action` and conditions, not text"],
    ["rules: [{action: allow, threshold: 0.9}]", "unknown key `threshold`"],
    ["rules: [{action: permit}]", "must be one of allow, warn, require_approval, deny and block"],
    ["rules: [{action: allow, id: 'rules[3]'}]", "is how a rule without an id is called"],
  ])("%s is refused", (text, message) => {
    expect(issuesIn(text)[0]?.message).toContain(message);
  });
});

const exemplified = (match: string, not: string): string =>
  `deny:\n  - capability: shell\n    contains: rm\n    environment: prod*\n    examples:\n      match: [${match}]\n      not_match: [${not}]\n`;

describe("what a rule may carry", () => {
  it("a reason, which the decision hands on", () => {
    expect(decide("deny: [{capability: shell, reason: Ask ops first.}]").message).toBe("Ask ops first.");
    expect(decide("deny: [shell]")).not.toHaveProperty("message");
  });

  it("examples that it treats as they say", () => {
    expect(
      issuesIn(
        exemplified(
          "rm -rf, {payload: {a: {b: rm}}}, {payload: {a: ｒｍ}}",
          "ls, {payload: {a: rm}, environment: dev}",
        ),
      ),
    ).toEqual([]);
    expect(summary(issuesIn(exemplified("rm, ls", "{payload: {a: rm}}, ls")))).toEqual([
      "6:19 deny[0].examples.match[1]: this rule does not apply to this example",
      "7:19 deny[0].examples.not_match[0]: this rule applies to this example",
    ]);
    expect(issuesIn(exemplified("{paylod: {}}", "x"))[0]?.message).toContain(
      "unknown key `paylod`; did you mean `payload`?",
    );
    expect(issuesIn(exemplified("5", "x"))[0]?.message).toContain("must be text, or a mapping");
  });

  it("an approval timeout in whole seconds", () => {
    expect(Policy.parse("approval_timeout_seconds: 900").approvalTimeoutSeconds).toBe(900);
    expect(issuesIn("approval_timeout_seconds: 0")[0]?.message).toBe("must be at least 1");
    expect(issuesIn("approval_timeout_seconds: 99999999")[0]?.message).toBe("must be at most 2592000");
    expect(issuesIn("approval_timeout_seconds: 1.5")[0]?.message).toBe("must be a number of seconds, not a number");
    expect(issuesIn("approval_timeout_seconds: '60'")[0]?.message).toBe("must be a number of seconds, not text");
  });

  it("thresholds that are numbers which can be read exactly", () => {
    for (const [value, message] of [
      ["'1000'", "must be a number, not text"],
      ["~", "has no value; it must be a number"],
      [".nan", "must be a number, not NaN"],
      ["-.inf", "must be a number, not -Infinity"],
      ["9007199254740993", "is too large a number to be read exactly"],
      ["[5]", "must be a number, not a list"],
    ] as const) {
      expect(issuesIn(`deny: [{capability: a, amount_gt: ${value}}]`).map((issue) => issue.message)).toEqual([message]);
    }
  });
});
