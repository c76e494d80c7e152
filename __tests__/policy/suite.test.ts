import { describe, expect, it } from "vitest";

import { Policy } from "../../src/policy/policy.ts";
import { runSuite } from "../../src/policy/suite/suite-run.ts";
import { loadSuite, parseSuite } from "../../src/policy/suite/suite.ts";
import { issuesOf, summary } from "./load-errors.ts";

const policy = Policy.parse("deny: [{capability: shell, id: rm, contains: rm}]\nallow: [shell, fs]", {
  source: "p.yaml",
});

describe("a suite", () => {
  it("runs every case and tells what of the policy it tried", () => {
    const suite = parseSuite(
      [
        "description: x",
        "cases:",
        "  - name: lists",
        "    event: {capability: shell.execute, payload: {command: ls}}",
        "    expect: {decision: allow, rule: 'allow[0]'}",
        "  - {name: deletes, event: {resource: shell, action: run, payload: {c: rm}}, expect: {decision: deny, rule: null}}",
        "  - {name: other, event: {capability: net.get}, expect: {decision: deny, rule: null}}",
      ].join("\n"),
      "p.test.yaml",
    );
    const result = runSuite(policy, suite);
    expect(
      result.cases.map(({ name, passed, decision, source }) => [name, passed, decision.rule?.id, source.line]),
    ).toEqual([
      ["lists", true, "allow[0]", 3],
      ["deletes", false, "rm", 6],
      ["other", true, undefined, 7],
    ]);
    expect(result).toMatchObject({
      passed: false,
      rules: { covered: 2, total: 3, missed: ["p.yaml:allow[1]"] },
      conditions: { covered: 1, total: 1, missed: [] },
    });
  });

  it("is in production, and anything else when it says so", () => {
    const [first, second] = parseSuite(
      "cases:\n- {name: a, event: {capability: a}, expect: {decision: deny}}\n- {name: b, event: {capability: a.b, environment: dev, scope: s, risk: 0.5, context: {k: 1}}, expect: {decision: deny}}",
    ).cases;
    expect(first?.event).toMatchObject({ environment: "production", capability: "a", actor: "suite" });
    expect(second?.event).toMatchObject({ environment: "dev", scope: "s", risk: 0.5, context: { k: 1 } });
  });

  it.each<[string, string[]]>([
    ["", ["1:1 this text is empty, which is more likely a mistake than meant; `{}` says nothing on purpose"]],
    ["case: []", ["1:1 case: unknown key `case`; did you mean `cases`?"]],
    ["cases: []", ["1:8 cases: must not be empty"]],
    ["- a", ["1:1 a suite must be a mapping with a list of `cases`, not a list"]],
    [
      "cases:\n- {name: a, event: {capability: a, payload: 5}, expct: {decision: allow}}",
      [
        "2:45 cases[0].event.payload: must be a mapping, not a number",
        "2:49 cases[0].expct: unknown key `expct`; did you mean `expect`?",
      ],
    ],
    [
      "cases: [{name: a, event: {capability: a}, expect: {decision: block}}]",
      ["1:62 cases[0].expect.decision: must be one of allow, require_approval and deny"],
    ],
    [
      "cases:\n- {name: a, event: {capability: a}, expect: {decision: deny}}\n- {name: a, event: {capability: a}, expect: {decision: deny}}",
      ["3:10 cases[1].name: is the name of an earlier case"],
    ],
    [
      "cases: [{name: a, event: {payload: {}}, expect: {decision: deny}}]",
      ["1:26 cases[0].event: is no call: ActionEvent: action must be a non-empty string"],
    ],
  ])("%j is refused", (text, expected) => {
    expect(summary(issuesOf(() => parseSuite(text)))).toEqual(expected);
  });

  it("is read from a file", () => {
    expect(loadSuite("policies/shell.test.yaml").cases.length).toBeGreaterThan(10);
    expect(issuesOf(() => loadSuite("none.yaml"))[0]?.message).toContain("there is no such file");
  });
});
