/** What holds for every policy of the language and every call, as properties that are run a few or many times. */

import * as fc from "fast-check";
import { expect } from "vitest";

import { fires } from "../../src/policy/answer.ts";
import { Policy } from "../../src/policy/policy.ts";
import { SECTIONS } from "../../src/policy/rule.ts";
import type { Decision, DecisionKind } from "../../src/event.ts";
import { call } from "./calls.ts";
import { callFields, claims, contextPolicy, payload, policy, rule, type WrittenPolicy } from "./written-policies.ts";

const parse = (written: WrittenPolicy): Policy => Policy.parse(JSON.stringify(written));

const strictness = ({ decision }: Decision): number => -SECTIONS.indexOf(decision);

const withRule = (written: WrittenPolicy, section: DecisionKind, added: unknown): WrittenPolicy => ({
  ...written,
  [section]: [...(written[section] ?? []), added],
});

/** Every property by what it says, to be run as often as asked. */
export const PROPERTIES: Readonly<Record<string, (numRuns: number) => void>> = {
  "adding a deny rule never makes the outcome less strict": (numRuns) =>
    fc.assert(
      fc.property(policy, rule, callFields, payload, (written, added, fields, data) => {
        const event = call({ ...fields, payload: data });
        const after = parse(withRule(written, "deny", added)).evaluate(event);
        expect(strictness(after)).toBeGreaterThanOrEqual(strictness(parse(written).evaluate(event)));
      }),
      { numRuns },
    ),

  "adding an allow rule never makes the outcome stricter": (numRuns) =>
    fc.assert(
      fc.property(policy, rule, callFields, payload, (written, added, fields, data) => {
        const event = call({ ...fields, payload: data });
        const after = parse(withRule(written, "allow", added)).evaluate(event);
        expect(strictness(after)).toBeLessThanOrEqual(strictness(parse(written).evaluate(event)));
      }),
      { numRuns },
    ),

  "the order of rules, sections and keys makes no difference": (numRuns) =>
    fc.assert(
      fc.property(policy, callFields, payload, (written, fields, data) => {
        const event = call({ ...fields, payload: data });
        const turned = JSON.parse(JSON.stringify(written), (_, value: unknown) => {
          if (Array.isArray(value)) return (value as unknown[]).toReversed();
          if (typeof value !== "object" || value === null) return value;
          return Object.fromEntries(Object.entries(value).toReversed());
        }) as WrittenPolicy;
        const { decision, reason, riskLevel } = parse(turned).evaluate(event);
        expect(parse(written).evaluate(event)).toMatchObject({ decision, reason, ...(riskLevel && { riskLevel }) });
      }),
      { numRuns },
    ),

  "nothing a payload says about the context makes the outcome less strict": (numRuns) =>
    fc.assert(
      fc.property(contextPolicy, callFields, payload, claims, (written, fields, data, claimed) => {
        const known = Object.fromEntries(Object.entries(data).filter(([key]) => !(key in claimed)));
        const compiled = parse(written);
        const before = compiled.evaluate(call({ ...fields, payload: known }));
        const after = compiled.evaluate(call({ ...fields, payload: { ...known, ...claimed } }));
        expect(strictness(after)).toBeGreaterThanOrEqual(strictness(before));
      }),
      { numRuns },
    ),

  "evaluate never throws, and answers the same again": (numRuns) =>
    fc.assert(
      fc.property(policy, callFields, payload, fc.jsonValue(), (written, fields, data, value) => {
        const compiled = parse(written);
        for (const each of [data, { value }, { ...(JSON.parse('{"__proto__": 1}') as object), value }, value]) {
          const event = call({ ...fields, payload: each });
          expect(SECTIONS).toContain(compiled.evaluate(event).decision);
          expect(compiled.evaluate(event)).toEqual(compiled.evaluate(event));
        }
      }),
      { numRuns },
    ),

  "explain agrees with evaluate, and its rules with the decision": (numRuns) =>
    fc.assert(
      fc.property(policy, callFields, payload, (written, fields, data) => {
        const event = call({ ...fields, payload: data });
        const compiled = parse(written);
        const explained = compiled.explain(event);
        expect(explained.decision).toEqual(compiled.evaluate(event));
        const winners = explained.rules.filter(({ winner }) => winner);
        expect(winners.map((each) => each.rule)).toEqual(
          explained.decision.rule === undefined ? [] : [explained.decision.rule],
        );
        for (const winner of winners) expect(winner.fires).toBe(true);
        // Worked out again, from what explain says of every rule.
        const firing = explained.rules.filter((each) => each.fires);
        for (const each of explained.rules) expect(each.fires).toBe(fires(each.rule.section, each.answer));
        const restricting = firing.filter(({ rule: { section } }) => section !== "allow");
        const certain = restricting.find(({ rule: { section }, answer }) => section === "deny" || answer === "yes");
        if (certain !== undefined) expect(explained.decision.decision).toBe(certain.rule.section);
        const stops = [explained.risk, explained.claimedRisk].some((effect) =>
          ["deny", "require_approval"].includes(effect?.action ?? ""),
        );
        const open = restricting.length === 0 && !stops && !explained.approvalAskedByHost && firing.length > 0;
        expect(explained.decision.decision === "allow").toBe(open);
        const obstacles = compiled.whyNotAllow(event);
        expect(obstacles.allowed).toBe(open);
      }),
      { numRuns },
    ),

  "a policy and its resolved form decide alike and have one digest": (numRuns) =>
    fc.assert(
      fc.property(policy, callFields, payload, (written, fields, data) => {
        const event = call({ ...fields, payload: data });
        const original = parse(written);
        const resolved = Policy.parse(JSON.stringify(original));
        const { decision, reason } = original.evaluate(event);
        expect(resolved.evaluate(event)).toMatchObject({ decision, reason });
        expect(resolved.digest).toBe(original.digest);
      }),
      { numRuns },
    ),

  "many rules of one capability decide as one by one": (numRuns) =>
    fc.assert(
      fc.property(fc.array(rule, { minLength: 1, maxLength: 40 }), callFields, payload, (rules, fields, data) => {
        const event = call({ ...fields, context: {}, payload: data });
        const denies = rules.map((each) => ({ ...each, capability: "*" }));
        const together = parse({ deny: denies, allow: [{ capability: "*" }] }).evaluate(event);
        const alone = denies.map((each) => parse({ deny: [each], allow: [{ capability: "*" }] }).evaluate(event));
        expect(together.decision).toBe(alone.some(({ decision }) => decision === "deny") ? "deny" : "allow");
      }),
      { numRuns },
    ),
};
