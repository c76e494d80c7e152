import { describe, expect, it } from "vitest";

import { both, fires, type Answer } from "../../src/policy/answer.ts";
import { Subject } from "../../src/policy/conditions/condition.ts";
import { askRule, type Rule } from "../../src/policy/rule.ts";
import { call } from "./calls.ts";

const rule = (...answers: (Answer | Error)[]): Rule => ({
  capability: "shell",
  order: 0,
  conditions: answers.map((answer) => ({
    key: "contains",
    ask: () => {
      if (answer instanceof Error) throw answer;
      return answer;
    },
    why: () => "",
  })),
  decision: {
    decision: "deny",
    reason: "policy_deny",
    rule: { id: "deny[0]", section: "deny", index: 0, source: { file: "<policy>", line: 1 } },
  },
});

describe("a rule", () => {
  it.each<[Answer, (Answer | Error)[], Answer]>([
    ["yes", [], "yes"],
    ["maybe", [], "maybe"],
    ["yes", ["yes", "yes"], "yes"],
    ["yes", ["yes", "maybe"], "maybe"],
    ["maybe", ["yes"], "maybe"],
    ["yes", ["maybe", "no"], "no"],
    ["maybe", ["no", "yes"], "no"],
    ["yes", [new Error("a condition with a fault")], "maybe"],
    ["yes", [new Error("a condition with a fault"), "no"], "no"],
  ])("whose capability answers %s and whose conditions answer %j answers %s", (capability, answers, answer) => {
    expect(askRule(rule(...answers), capability, new Subject(call()))).toBe(answer);
  });

  it("that restricts fires on maybe, one that allows does not", () => {
    const fired = (["deny", "require_approval", "allow"] as const).map((section) =>
      (["yes", "maybe", "no"] as const).map((answer) => fires(section, answer)),
    );
    expect(fired).toEqual([
      [true, true, false],
      [true, true, false],
      [true, false, false],
    ]);
  });
});

describe("both", () => {
  it("is the same from either side, and never more certain than either", () => {
    const answers: Answer[] = ["no", "maybe", "yes"];
    for (const left of answers) {
      for (const right of answers) {
        expect(both(left, right)).toBe(both(right, left));
        expect(answers.indexOf(both(left, right))).toBe(Math.min(answers.indexOf(left), answers.indexOf(right)));
      }
    }
  });
});
