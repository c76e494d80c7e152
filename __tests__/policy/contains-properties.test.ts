import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { Answer } from "../../src/policy/answer.ts";
import { Subject } from "../../src/policy/conditions/condition.ts";
import { contains } from "../../src/policy/conditions/contains.ts";
import { matchKeywords } from "../../src/policy/conditions/keywords.ts";
import { caseForms, compatible, normalise, uncompose } from "../../src/policy/matching/payload-text.ts";
import { Policy } from "../../src/policy/policy.ts";
import type { Json } from "../../src/snapshot.ts";
import { call } from "./calls.ts";

const ASCII = ["a", "b", "A", "ab", "k", "-", "/", "--", " ", "  ", "\t", "\n ", "1", "9", ".", "e", "true", "\0"];
const OTHERS = ["é", "e\u0301", "ß", "ss", "ſ", "\u212A", "ﬀ", "Ａ", "ª", "²", "Σ", "σ", "ς", "İ", "😀", "\u{1D41A}"];
const UNSEEN = ["\u200B", "\u00AD", "\uFE0F", "\u00A0", "\u0085", "\u3000"];

const kinds: Readonly<Record<string, fc.Arbitrary<string>>> = {
  ASCII: fc.constantFrom(...ASCII),
  "ASCII with a rare other character": fc.oneof(
    { weight: 30, arbitrary: fc.constantFrom(...ASCII) },
    { weight: 1, arbitrary: fc.constantFrom(...OTHERS, ...UNSEEN) },
  ),
  Unicode: fc.constantFrom(...ASCII, ...OTHERS, ...UNSEEN),
};

const textOf = (unit: fc.Arbitrary<string>, most: number): fc.Arbitrary<string> =>
  fc.array(unit, { minLength: 1, maxLength: most }).map((units) => units.join(""));

function payloadOf(unit: fc.Arbitrary<string>): fc.Arbitrary<Readonly<Record<string, Json>>> {
  const leaf = fc.oneof(
    { weight: 6, arbitrary: textOf(unit, 8) },
    { weight: 1, arbitrary: fc.constantFrom<Json>("", null, true, false, 1, 19, -1.5, 1e21, 1e-7) },
  );
  const nested = fc.oneof(leaf, fc.array(leaf, { maxLength: 3 }), fc.dictionary(fc.constantFrom("b", "a", "10"), leaf));
  return fc.dictionary(fc.constantFrom("command", "b", "a", "2", "10", "__proto__"), nested);
}

/** Half of the texts come out of the payload, or nothing would ever be found. */
function caseOf(unit: fc.Arbitrary<string>) {
  return payloadOf(unit).chain((payload) => {
    const all = leavesOf(payload).join(" ");
    const part = fc
      .tuple(fc.nat(all.length), fc.integer({ min: 1, max: 9 }))
      .map(([from, length]) => all.slice(from, from + length).toWellFormed())
      .filter((text) => text !== "" && text.isWellFormed());
    const text = all === "" ? textOf(unit, 4) : fc.oneof(textOf(unit, 4), part);
    return fc.record({ payload: fc.constant(payload), texts: fc.array(text, { minLength: 1, maxLength: 20 }) });
  });
}

function leavesOf(value: Json): string[] {
  if (value === null) return [];
  if (typeof value !== "object") return [String(value)];
  if (Array.isArray(value)) return (value as readonly Json[]).flatMap(leavesOf);
  return Object.entries(value)
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .flatMap(([, member]: [string, Json]) => leavesOf(member));
}

/** What `contains` promises, by the longest way: every leaf by itself, then all of it in each normal form. */
function containsByItself(text: string, payload: Json): Answer {
  if (isInLeaf(text, payload)) return "yes";
  const joined = leavesOf(payload).join(" ");
  const stands = [normalise, uncompose].some((form) => form(text).trim() !== "" && form(joined).includes(form(text)));
  return stands ? "maybe" : keywordByItself(text, payload);
}

function keywordByItself(text: string, payload: Json): Answer {
  if (isInLeaf(text, payload)) return "yes";
  const forms = leavesOf(payload).flatMap((leaf) => caseForms(compatible(leaf)));
  return caseForms(text).some((form) => forms.some((leaf) => leaf.includes(form))) ? "maybe" : "no";
}

function isInLeaf(text: string, payload: Json): boolean {
  const leaves = leavesOf(payload).flatMap(caseForms);
  return caseForms(text).some((form) => leaves.some((leaf) => leaf.includes(form)));
}

describe.each(Object.entries(kinds))("searching payloads of %s", (_, unit) => {
  it("answers as a search of every leaf and of the whole normalised text does", () => {
    fc.assert(
      fc.property(caseOf(unit), ({ payload, texts }) => {
        const event = call({ payload });
        for (const text of texts) {
          const [asked, keyword] = [contains, matchKeywords].map((kind) =>
            kind.compile(text, () => {}, "deny").ask(new Subject(event)),
          );
          expect(asked).toBe(containsByItself(text, payload));
          expect(keyword).toBe(keywordByItself(text, payload));
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it("finds the same rule, however many texts are searched for and whatever else was asked", () => {
    fc.assert(
      fc.property(caseOf(unit), ({ payload, texts }) => {
        const rules = texts.map((text) => ({ capability: "shell.execute", contains: text }));
        const policy = Policy.parse(JSON.stringify({ deny: rules, allow: ["shell"] }));
        const answers = texts.map((text) => containsByItself(text, payload));
        const certain = answers.indexOf("yes");
        const winner = certain >= 0 ? certain : answers.indexOf("maybe");
        const expected = winner < 0 ? "allow[0]" : `deny[${winner}]`;
        const event = call({ payload });
        // Payloads with part of a text change what of it is looked for first.
        for (const part of texts.flatMap((text) => text.split(/[\t\n ]+/)))
          policy.evaluate(call({ payload: { a: part } }));
        expect(policy.evaluate(event).rule?.id).toBe(expected);
        expect(policy.explain(event).rules.find((rule) => rule.winner)?.rule.id).toBe(expected);
      }),
      { numRuns: 500 },
    );
  });

  it("finds a rule by any of its texts, beside rules of other sections", () => {
    fc.assert(
      fc.property(caseOf(unit), ({ payload, texts }) => {
        const sections = ["deny", "require_approval"] as const;
        const rules = texts.map((text, index) => ({
          any: [text, texts[index + 1] ?? text],
          section: sections[index % 2],
        }));
        const written = sections.map((section) => [
          section,
          rules
            .filter((rule) => rule.section === section)
            .map(({ any }) => ({ capability: "shell.execute", contains: any })),
        ]);
        const policy = Policy.parse(JSON.stringify({ ...Object.fromEntries(written), allow: ["shell"] }));
        const expected = sections.flatMap((section) => {
          const answers = rules
            .filter((rule) => rule.section === section)
            .map(({ any }) => any.map((text) => containsByItself(text, payload)));
          const certain = answers.findIndex((each) => each.includes("yes"));
          const winner = certain >= 0 ? certain : answers.findIndex((each) => each.includes("maybe"));
          return winner < 0 ? [] : `${section}[${winner}]`;
        });
        expect(policy.evaluate(call({ payload })).rule?.id).toBe(expected[0] ?? "allow[0]");
      }),
      { numRuns: 300 },
    );
  });
});

it("knows the only character whose lower case is ASCII while it is not", () => {
  const found = Array.from({ length: 0x110000 }, (_, code) => code).filter(
    (code) =>
      code > 0x7f && (code & 0x1ff800) !== 0xd800 && /^[\0-\x7f]*$/.test(String.fromCodePoint(code).toLowerCase()),
  );
  expect(found).toEqual([0x212a]);
  expect(compatible("\u212A").toLowerCase()).toBe("k");
});
