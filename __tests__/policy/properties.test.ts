import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { DecisionKind } from "../../src/event.ts";
import { SECTIONS } from "../../src/policy/rule.ts";
import { Policy } from "../../src/policy/policy.ts";
import { call } from "./calls.ts";

type WrittenRule = string | { capability: string; contains: string | string[] };
type WrittenPolicy = Partial<Record<DecisionKind, WrittenRule[]>>;

const segment = fc.constantFrom("a", "b", "c");
const pattern = fc
  .array(fc.oneof(segment, fc.constant("*")), { minLength: 1, maxLength: 4 })
  .map((segments) => segments.join("."));
const request = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join("."));
const word = fc.constantFrom("rm", "RM", "rm -rf", "rm  -rf", "-rf", "ｒｍ", "r\u200bm", "Σ", "ς", "5", "\u0301", " ");
const rule: fc.Arbitrary<WrittenRule> = fc.oneof(
  pattern,
  fc.record({ capability: pattern, contains: fc.oneof(word, fc.array(word, { minLength: 1, maxLength: 3 })) }),
);
const policy: fc.Arbitrary<WrittenPolicy> = fc.record(
  { deny: fc.array(rule, { maxLength: 4 }), require_approval: fc.array(rule, { maxLength: 4 }), allow: fc.array(rule) },
  { requiredKeys: [] },
);
const payload = fc.dictionary(
  fc.constantFrom("a", "b", "c"),
  fc.oneof(word, fc.array(word), fc.integer(), fc.boolean(), fc.constant(null), fc.dictionary(word, word)),
);

const decide = (written: WrittenPolicy, capability: string, data: object): DecisionKind =>
  Policy.parse(JSON.stringify(written)).evaluate(call({ capability, scope: "c", payload: data })).decision;

const strictness = (decision: DecisionKind): number => -SECTIONS.indexOf(decision);

describe("for every policy", () => {
  it("adding a deny rule never makes the outcome less strict", () => {
    fc.assert(
      fc.property(policy, rule, request, payload, (written, added, capability, data) => {
        const before = decide(written, capability, data);
        const after = decide({ ...written, deny: [...(written.deny ?? []), added] }, capability, data);
        expect(strictness(after)).toBeGreaterThanOrEqual(strictness(before));
      }),
    );
  });

  it("adding a require_approval rule never turns a deny by a rule or an approval into an allow", () => {
    fc.assert(
      fc.property(policy, rule, request, payload, (written, added, capability, data) => {
        const before = decide(written, capability, data);
        const require_approval = [...(written.require_approval ?? []), added];
        const after = decide({ ...written, require_approval }, capability, data);
        if (before !== "allow") expect(after).not.toBe("allow");
      }),
    );
  });

  it("adding an allow rule never makes the outcome stricter", () => {
    fc.assert(
      fc.property(policy, rule, request, payload, (written, added, capability, data) => {
        const before = decide(written, capability, data);
        const after = decide({ ...written, allow: [...(written.allow ?? []), added] }, capability, data);
        expect(strictness(after)).toBeLessThanOrEqual(strictness(before));
      }),
    );
  });

  it("the order of rules and sections makes no difference to the decision", () => {
    fc.assert(
      fc.property(policy, request, payload, (written, capability, data) => {
        const turned = Object.fromEntries(
          Object.entries(written)
            .map(([section, rules]) => [section, rules.toReversed()] as const)
            .toReversed(),
        );
        expect(decide(turned, capability, data)).toBe(decide(written, capability, data));
      }),
    );
  });

  it("what it decides once it decides again, by whatever copy of it", () => {
    fc.assert(
      fc.property(policy, request, payload, (written, capability, data) => {
        const text = JSON.stringify(written);
        const [first, second] = [Policy.parse(text), Policy.parse(text)];
        const event = call({ capability, payload: data });
        expect(first.evaluate(event)).toEqual(first.evaluate(event));
        expect(second.evaluate(event)).toEqual(first.evaluate(event));
        expect(second.digest).toBe(first.digest);
      }),
    );
  });

  it("evaluation never throws, whatever the JSON payload", () => {
    fc.assert(
      fc.property(policy, fc.object({ withNullPrototype: false }), fc.jsonValue(), (written, data, value) => {
        const compiled = Policy.parse(JSON.stringify(written));
        for (const each of [data, { value }, { ...(JSON.parse('{"__proto__": 1}') as object), value }]) {
          expect(SECTIONS).toContain(compiled.evaluate(call({ payload: each })).decision);
        }
      }),
    );
  });

  it("maybe never allows: what only matches after normalisation stays denied", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 2, maxLength: 20 }), fc.nat(), (text, at) => {
        const cut = 1 + (at % (text.length - 1));
        const parts = [text.slice(0, cut), text.slice(cut)];
        const needle = parts.join(" ");
        fc.pre(needle.isWellFormed() && parts.every((part) => part.isWellFormed()));
        const allow = { allow: [{ capability: "a", contains: needle }] };
        const deny = { allow: ["a"], deny: [{ capability: "a", contains: needle }] };
        const found = parts.some((part) => part.toLowerCase().includes(needle.toLowerCase()));
        fc.pre(!found);
        expect(decide(allow, "a.b", { parts })).toBe("deny");
        const blank =
          needle
            .replace(/\p{Default_Ignorable_Code_Point}/gu, "")
            .normalize("NFKC")
            .trim() === "";
        if (!blank) expect(decide(deny, "a.b", { parts })).toBe("deny");
      }),
    );
  });

  it("a text it contains as it is written is found, wherever it stands", () => {
    const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }).filter((each) => each.isWellFormed());
    fc.assert(
      fc.property(text, text, text, (before, needle, after) => {
        const allow = { allow: [{ capability: "a", contains: needle }] };
        expect(decide(allow, "a.b", { list: [{ deep: before + needle + after }] })).toBe("allow");
      }),
    );
  });
});

describe("for every text", () => {
  it("parsing gives a policy or a PolicyLoadError whose positions lie in the text", () => {
    const token = fc.constantFrom(
      "allow",
      "deny",
      ":",
      " ",
      "\n",
      "- ",
      "[",
      "]",
      "{",
      "}",
      ",",
      "a.b",
      "&x ",
      "*x",
      "!t ",
      "'",
      '"',
      "#",
      "|\n",
      "? ",
      "---\n",
      "\t",
      "contains",
      "1",
      "\r\n",
      "\u200b",
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 40 }), (tokens) => {
        const text = tokens.join("");
        const lines = text.split(/\r\n|\r|\n/);
        try {
          Policy.parse(text);
        } catch (error) {
          expect(error).toMatchObject({ code: "ERR_POLICY_INVALID" });
          for (const { line, column } of (error as { issues: { line: number; column: number }[] }).issues) {
            expect(line).toBeLessThanOrEqual(lines.length);
            expect(column).toBeLessThanOrEqual((lines[line - 1] ?? "").length + 1);
            expect(Math.min(line, column)).toBeGreaterThanOrEqual(1);
          }
        }
      }),
      { numRuns: 2000 },
    );
  });
});
