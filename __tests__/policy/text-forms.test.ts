import { describe, expect, it } from "vitest";

import { Policy } from "../../src/policy/policy.ts";
import { call } from "./calls.ts";
import { PROPERTIES } from "./text-properties.ts";

describe("for every text, however Unicode writes it", () => {
  it.each(Object.entries(PROPERTIES))("%s", (_, property) => property(60));
});

describe("a text that composes with what follows it once it is folded", () => {
  it.each<[string, string, string]>([
    ["match_keywords", "aß", "ａß\u0301"],
    ["contains", "aß", "ａß\u0301"],
    ["match_keywords", "\u0307ΰ", "2ß\u0307υ\u0308\u0301ǰK"],
    ["contains", "\u0307ΰ", "2ß\u0307υ\u0308\u0301ǰK"],
    ["contains", "ss", "ａß\u0301"],
    ["contains", "ß\u0301", "SŚ"],
    ["match_keywords", "aϋ\u0301ß", "ＡΫ\u0301ß\u0301"],
    ["contains", "aϋ\u0301ß", "ＡΫ\u0301ß\u0301"],
  ])("is denied by %s: %j in %j", (key, text, c) => {
    const others = Array.from({ length: 40 }, (_, index) => `other ${index}`);
    for (const texts of [[text], [...others, text]]) {
      const deny = texts.map((each) => ({ capability: "t", [key]: each }));
      const policy = Policy.parse(JSON.stringify({ deny, allow: ["t"] }));
      const event = call({ resource: "t", action: "t", payload: { c } });
      expect(policy.evaluate(event).rule?.id).toBe(`deny[${texts.length - 1}]`);
      expect(policy.explain(event).rules.find(({ winner }) => winner)?.fires).toBe(true);
    }
  });

  it.each(["contains", "match_keywords"])("is not allowed by %s, since it is there after normalisation only", (key) => {
    const policy = Policy.parse(JSON.stringify({ allow: [{ capability: "t", [key]: "aß" }] }));
    expect(policy.evaluate(call({ resource: "t", action: "t", payload: { c: "ａß\u0301" } })).decision).toBe("deny");
  });
});

it("accents still tell letters apart that are composed with them", () => {
  const policy = Policy.parse('{"deny": [{"capability": "t", "contains": "cafe"}], "allow": ["t"]}');
  expect(policy.evaluate(call({ resource: "t", action: "t", payload: { c: "café ﬀ ß\u0301" } })).decision).toBe(
    "allow",
  );
});
