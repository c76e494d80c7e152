/** What holds for every text and every payload, however Unicode writes them, as properties run a few or many times. */

import * as fc from "fast-check";
import { expect } from "vitest";

import { fires, type Answer } from "../../src/policy/answer.ts";
import { Subject, type Condition } from "../../src/policy/conditions/condition.ts";
import { contains } from "../../src/policy/conditions/contains.ts";
import { matchKeywords } from "../../src/policy/conditions/keywords.ts";
import { Policy } from "../../src/policy/policy.ts";
import type { Json } from "../../src/snapshot.ts";
import { call } from "./calls.ts";

/** What changes its length or its neighbours when it is folded, composed or stripped, and what that may turn into. */
const UNITS = [
  ...[
    "aAsSiIkKhjåÅ1 ",
    "ßẞſŚśǰΐΰİıςσΣιϋΫᾳẖﬁﬀﬅŉ",
    "ａＡｓＳｉＫｊ＝\u212A\u212B\u2126ªⅷ①½㎏",
    "\u0300\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308\u030C\u0323\u0327\u0328\u0331\u0345",
    "\u1100\u1161\u11A8\uAC00\uAC01\uFFA1\uFFC2\u3164",
    "\u00AD\u200B\u200D\uFE0F\uFEFF\u{E0061}\u{E0001}",
    "\t\u00A0\u0085\u1680\u2028\u3000",
  ].flatMap((units) => Array.from(units)),
  "\0",
  "fi",
  "ss",
  "SS",
  "S\u0301",
  "K\u0301",
  "😀",
];

/** What folds to more than one character, of which the last composes with the mark beside it. */
const CLOSE = [
  ["ß", "\u0301"],
  ["ẞ", "\u0323"],
  ["ﬀ", "\u0307"],
  ["ǰ", "\u0301"],
  ["ΰ", "ß"],
  ["ᾳ", "\u0308"],
  ["ŉ", "\u0301"],
  ["İ", "\u0323"],
];

/** Other ways to write a text, some of which change what it says. */
const REWRITES: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => text.toUpperCase(),
  (text) => text.toLowerCase(),
  (text) => text.normalize("NFC"),
  (text) => text.normalize("NFD"),
  (text) => text.normalize("NFKC"),
  (text) => text.normalize("NFKC").toLowerCase(),
  (text) => text.toUpperCase().toLowerCase(),
  (text) => Array.from(text).join("\u200B"),
  (text) => text.replaceAll(/[!-~]/g, (each) => String.fromCodePoint((each.codePointAt(0) ?? 0) + 0xfee0)),
];

interface Texts {
  readonly texts: readonly string[];
  readonly payloads: readonly { readonly [key: string]: Json }[];
}

/**
 * `count` values, or fewer where some are alike. `fc.uniqueArray` goes on until it has as many as it was asked for, and of `s`
 * and `ss` alone there are no ten texts to be made.
 */
function differing<T>(count: number, value: fc.Arbitrary<T>): fc.Arbitrary<T[]> {
  return fc
    .array(value, { minLength: count, maxLength: count })
    .map((values) => [...new Map(values.map((each) => [JSON.stringify(each), each])).values()]);
}

/** Texts and payloads of the same few units, so that much of it is found, and nearly found. */
const cases: fc.Arbitrary<Texts> = fc
  .tuple(
    fc.uniqueArray(fc.constantFrom(...UNITS), { minLength: 2, maxLength: 4 }),
    fc.option(fc.constantFrom(...CLOSE), { nil: [] }),
  )
  .chain(([some, close]) => {
    const pool = [...some, ...close];
    const unit = fc.constantFrom(...pool);
    const text = fc.array(unit, { minLength: 1, maxLength: 4 }).map((units) => units.join(""));
    const around = fc.array(unit, { maxLength: 2 }).map((units) => units.join(""));
    return differing(10, text).chain((texts) => {
      const leaf = fc
        .tuple(around, fc.constantFrom(...texts), around, fc.constantFrom(...REWRITES))
        .map(([before, middle, after, rewrite]) => rewrite(before + middle + after));
      const payload = fc.oneof(
        { weight: 3, arbitrary: fc.record({ c: leaf }) },
        { weight: 1, arbitrary: fc.record({ c: leaf, b: fc.array(leaf, { maxLength: 2 }) }) },
      );
      return fc.record({
        texts: fc.constant(texts),
        payloads: differing(20, payload),
      });
    });
  });

const compile = (kind: typeof contains, text: string) => kind.compile(text, () => {}, "deny");

interface Pair {
  readonly text: string;
  readonly payload: Texts["payloads"][number];
  readonly subject: Subject;
  readonly contains: Condition;
  readonly keyword: Condition;
}

/** Fails with the pair, in ASCII, if any pair of a text and a payload does not hold. */
function forEachPair(runs: number, holds: (pair: Pair) => boolean): void {
  fc.assert(
    fc.property(cases, ({ texts, payloads }) => {
      const subjects = payloads.map((payload) => ({ payload, subject: new Subject(call({ payload })) }));
      const compiled = texts.map((text) => ({
        text,
        contains: compile(contains, text),
        keyword: compile(matchKeywords, text),
      }));
      for (const text of compiled)
        for (const subject of subjects)
          if (!holds({ ...text, ...subject })) expect.fail(escaped({ text: text.text, payload: subject.payload }));
    }),
    { numRuns: runs },
  );
}

/** Every property by what it says, to be run for as many sets of 200 pairs of a text and a payload as asked. */
export const PROPERTIES: Readonly<Record<string, (runs: number) => void>> = {
  "a rule is found wherever its condition does not answer no, by itself or among many": (runs) =>
    fc.assert(
      fc.property(cases, ({ texts, payloads }) => {
        const conditions = texts.flatMap((text) => [{ contains: text }, { match_keywords: text }]);
        const alone = conditions.map((condition, index) => ({ capability: `t.x${index}`, ...condition }));
        const together = conditions.map((condition) => ({ capability: "t.all", ...condition }));
        const policy = Policy.parse(JSON.stringify({ deny: [...alone, ...together], allow: ["t"] }));
        const asked = texts.flatMap((text) => [compile(contains, text), compile(matchKeywords, text)]);
        for (const payload of payloads) {
          const subject = new Subject(call({ payload }));
          const answers = asked.map((condition) => condition.ask(subject));
          const decide = (action: string) => policy.evaluate(call({ resource: "t", action, payload })).rule?.id;
          const decided = answers.map((_, index) => decide(`x${index}`));
          const expected = answers.map((answer, index) => (fires("deny", answer) ? `deny[${index}]` : "allow[0]"));
          expect(decided, escaped({ texts, payload })).toEqual(expected);
          const first = winner(answers);
          expect(decide("all")).toBe(first < 0 ? "allow[0]" : `deny[${alone.length + first}]`);
          const { rules, decision } = policy.explain(call({ resource: "t", action: "all", payload }));
          expect(rules.flatMap(({ conditions: [only] }) => only?.answer ?? [])).toEqual(answers);
          expect(rules.find((rule) => rule.winner)?.rule.id).toBe(decision.rule?.id);
        }
      }),
      { numRuns: runs },
    ),

  "a condition that does not answer no has one of its needles' texts in a form that is searched": (runs) =>
    forEachPair(runs, ({ text, subject, ...conditions }) => {
      // These are not searched for, and nor is what is blank: their rules are always asked.
      if (text.includes("\0")) return true;
      return [conditions.contains, conditions.keyword].every(({ needles = [], ask }) => {
        if (ask(subject) === "no") return true;
        const { searched, isAscii, normalised } = subject.text;
        const isFound = needles.some(({ texts }) => texts.some((each) => searched.some((form) => form.includes(each))));
        return isFound && (!isAscii || needles.some((needle) => normalised.includes(needle.normalised ?? "")));
      });
    }),

  "contains answers yes wherever a keyword does, and nowhere else; maybe at least wherever a keyword does": (runs) =>
    forEachPair(runs, ({ subject, ...conditions }) => {
      const [found, keyword] = [conditions.contains.ask(subject), conditions.keyword.ask(subject)];
      return keyword === "no" ? found !== "yes" : found === keyword;
    }),

  "contains does not answer no to what is there after NFKC, nor to what is there after full case folding of that": (
    runs,
  ) =>
    forEachPair(runs, ({ text, subject, ...conditions }) => {
      const leaves = subject.text.leaves.join(" ");
      const forms: readonly ((each: string) => string)[] = [
        nfkc,
        (each) => nfkc(each).replaceAll(/[Σς]/g, "σ").toLowerCase(),
        (each) => nfkc(each).toUpperCase(),
        (each) => nfkc(nfkc(each).toLowerCase().toUpperCase().replaceAll("Σ", "σ").toLowerCase()),
      ];
      const isThere = nfkc(text).trim() !== "" && forms.some((form) => form(leaves).includes(form(text)));
      return !isThere || conditions.contains.ask(subject) !== "no";
    }),
};

function winner(answers: readonly Answer[]): number {
  const certain = answers.indexOf("yes");
  return certain >= 0 ? certain : answers.indexOf("maybe");
}

function nfkc(text: string): string {
  return text
    .replaceAll(/\p{Default_Ignorable_Code_Point}/gu, "")
    .normalize("NFKC")
    .replaceAll(/[\s\u0085]+/g, " ");
}

/** As JSON in ASCII, so that a failure shows which characters it is about. */
function escaped(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[^ -~]/g,
    (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
