import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { ActionEventFields } from "../../src/event.ts";
import { Policy } from "../../src/policy/policy.ts";
import type { UnknownPart } from "../../src/policy/partial/unknown-part.ts";
import { call } from "./calls.ts";
import { callFields, payload, policy } from "./written-policies.ts";

const IN_PAYLOAD = { of: "payload", path: ["secret"] } as const;
const IN_CONTEXT = { of: "context", path: ["tenant"] } as const;
const SECRET = { secret: "[redacted]" };

/** Each decision there may be as `deny deny[0]`, and what it needs as `deny[0].contains payload.secret`. */
function possible(rules: string, fields: Partial<ActionEventFields>, unknown: readonly UnknownPart[]): unknown {
  const { decisions, needs } = Policy.parse(rules).possibleDecisions(call(fields), unknown);
  return {
    decisions: decisions.map(({ decision, rule, riskLevel }) => `${decision} ${rule?.id ?? riskLevel?.level ?? "-"}`),
    needs: needs.map(({ rule, condition, fields: needed }) => `${rule?.id ?? "-"}.${condition} ${needed.join(", ")}`),
  };
}

const sure = (decision: string) => ({ decisions: [decision], needs: [] });

describe("what is known may be enough", () => {
  const parts = [IN_PAYLOAD];
  it.each<readonly [string, string, Record<string, unknown>, unknown]>([
    ["nothing looks there", "allow: [shell]", {}, sure("allow allow[0]")],
    ["no rule is about it", "allow: [files]", {}, sure("deny -")],
    ["a text is found elsewhere", 'deny: [{capability: shell, contains: "rm"}]', { c: "RM" }, sure("deny deny[0]")],
    [
      "a text is found elsewhere, in other letters",
      'deny: [{capability: shell, contains: "rm"}]\nallow: [shell]',
      { c: "ｒｍ" },
      sure("deny deny[0]"),
    ],
    ["a keyword allows", 'allow: [{capability: shell, match_keywords: "ls"}]', { z: "ls" }, sure("allow allow[0]")],
    [
      "an expression matches before",
      "allow: [{capability: shell, match_regex: ^ls}]",
      { c: "ls" },
      sure("allow allow[0]"),
    ],
    ["an expression denies", "deny: [{capability: shell, match_regex: ^ls}]", { z: "ls" }, sure("deny deny[0]")],
    ["another field is wrong", "allow: [{capability: shell, payload: {a: 1, secret: 2}}]", { a: 2 }, sure("deny -")],
    ["another field is absent", "allow: [{capability: shell, table: x, payload: {secret: 2}}]", {}, sure("deny -")],
    [
      "that it is there is known",
      "allow: [{capability: shell, payload: {secret: {exists: true}}}]",
      {},
      sure("allow allow[0]"),
    ],
    [
      "an allow that needs it is not the only one",
      "allow: [{capability: shell, table: x}, shell]",
      { table: "x" },
      sure("allow allow[0]"),
    ],
  ])("%s", (_, rules, data, expected) => {
    expect(possible(rules, { payload: { ...data, ...SECRET } }, parts)).toEqual(expected);
  });

  it.each<readonly [string, string, Partial<ActionEventFields>, UnknownPart, unknown]>([
    [
      "one amount is over",
      "deny: [{capability: shell, amount_gt: 5}]",
      { payload: { amount: 9, total: "?" } },
      { of: "payload", path: ["total"] },
      sure("deny deny[0]"),
    ],
    [
      "one path is within",
      "deny: [{capability: shell, path_prefix: /etc}]",
      { payload: { path: "/etc/x", file: "?" } },
      { of: "payload", path: ["file"] },
      sure("deny deny[0]"),
    ],
    [
      "the host says more than a payload can claim",
      "deny: [{capability: shell, tenant: a}]",
      { context: { tenant: "a" }, payload: { tenant: "?" } },
      { of: "payload", path: ["tenant"] },
      sure("deny deny[0]"),
    ],
    [
      "a piece of a text has it",
      "deny: [{capability: shell, contains: rm}]\nallow: [shell]",
      { payload: { c: "rm [redacted: npm token]" } },
      { of: "payload", path: ["c"], pieces: ["rm "] },
      sure("deny deny[0]"),
    ],
    [
      "no context is looked at",
      "allow: [{capability: shell, contains: ls}]",
      { payload: { c: "ls" }, context: { tenant: "?" } },
      IN_CONTEXT,
      sure("allow allow[0]"),
    ],
    [
      "the capability is malformed",
      "allow: [shell]",
      { capability: "a..b", payload: SECRET },
      IN_PAYLOAD,
      sure("deny -"),
    ],
  ])("%s", (_, rules, fields, part, expected) => {
    expect(possible(rules, fields, [part])).toEqual(expected);
  });
});

describe("what is not known may be needed", () => {
  it.each<readonly [string, string, Partial<ActionEventFields>, readonly UnknownPart[], unknown]>([
    [
      "by a text that may be there",
      "deny: [{capability: shell, contains: rm}]\nallow: [shell]",
      { payload: { c: "ls", ...SECRET } },
      [IN_PAYLOAD],
      { decisions: ["deny deny[0]", "allow allow[0]"], needs: ["deny[0].contains payload.secret"] },
    ],
    [
      "by texts that are there only if nothing is between them",
      "deny: [{capability: shell, contains: a b}]\nallow: [shell]",
      { payload: { r: "a", s: "?", t: "b" } },
      [{ of: "payload", path: ["s"] }],
      { decisions: ["deny deny[0]", "allow allow[0]"], needs: ["deny[0].contains payload.s"] },
    ],
    [
      "by a permission whose expression may come too late",
      "allow: [{capability: shell, match_regex: ^ls}]",
      { payload: { z: "ls", ...SECRET } },
      [IN_PAYLOAD],
      { decisions: ["deny -", "allow allow[0]"], needs: ["allow[0].match_regex payload.secret"] },
    ],
    [
      "by an expression that a piece alone would match",
      'allow: [{capability: shell, match_regex: "^ls $"}]',
      { payload: { c: "ls [redacted: npm token]" } },
      [{ of: "payload", path: ["c"], pieces: ["ls "] }],
      { decisions: ["deny -", "allow allow[0]"], needs: ["allow[0].match_regex payload.c"] },
    ],
    [
      "by everything, when nothing of the payload is known",
      "deny: [{capability: shell, amount_gt: 5}]\nallow: [shell]",
      {},
      [{ of: "payload", path: [] }],
      { decisions: ["deny deny[0]", "allow allow[0]"], needs: ["deny[0].amount_gt payload"] },
    ],
    [
      "of the context",
      "require_approval: [{capability: shell, tenant: a}]\nallow: [shell]",
      { context: { tenant: "?" } },
      [IN_CONTEXT],
      {
        decisions: ["require_approval require_approval[0]", "allow allow[0]"],
        needs: ["require_approval[0].tenant context.tenant"],
      },
    ],
    [
      "by the risk levels",
      "risk_levels: {high: {action: deny}, low: {action: warn}}\nallow: [shell]",
      { context: { risk_level: "?" } },
      [{ of: "context", path: ["risk_level"] }],
      { decisions: ["deny high", "allow allow[0]"], needs: ["-.risk_levels context.risk_level"] },
    ],
    [
      "by what the host asks for",
      "allow: [shell]",
      { context: { require_approval: "?" } },
      [{ of: "context", path: ["require_approval"] }],
      {
        decisions: ["require_approval -", "allow allow[0]"],
        needs: ["-.require_approval context.require_approval"],
      },
    ],
    [
      "to tell which rule it was, and not what was decided",
      "deny: [{capability: shell, contains: rm}, shell]",
      { payload: SECRET },
      [IN_PAYLOAD],
      { decisions: ["deny deny[0]", "deny deny[1]"], needs: ["deny[0].contains payload.secret"] },
    ],
  ])("%s", (_, rules, fields, parts, expected) => {
    expect(possible(rules, fields, parts)).toEqual(expected);
  });
});

/** The part of an event that is reached by going into members, chosen by numbers, as far as that goes. */
function partAt(whole: Record<string, unknown>, of: UnknownPart["of"], steps: readonly number[]): UnknownPart {
  const path: string[] = [];
  let value: unknown = whole;
  for (const step of steps) {
    if (typeof value !== "object" || value === null) break;
    const names = Object.keys(value);
    const name = names[step % Math.max(1, names.length)];
    if (name === undefined) break;
    path.push(name);
    value = (value as Record<string, unknown>)[name];
  }
  const pieces = typeof value === "string" && value.length > 1 ? { pieces: [value.slice(0, 1)] } : {};
  return { of, path, ...pieces };
}

/** `value` with something else at `path`. */
function replaced(value: unknown, path: readonly string[], other: unknown): unknown {
  const [name, ...rest] = path;
  if (name === undefined) return other;
  const members = Object.entries(value as object).map(([key, member]: [string, unknown]) => [
    key,
    key === name ? replaced(member, rest, other) : member,
  ]);
  return Array.isArray(value) ? members.map(([, member]) => member) : Object.fromEntries(members);
}

describe("properties", () => {
  /** A part of an event, chosen by numbers: the members to go into one after another, and how far. */
  const choice = fc.tuple(
    fc.constantFrom<UnknownPart["of"][]>("payload", "context"),
    fc.array(fc.nat(), { maxLength: 3 }),
  );

  const other = fc.oneof(fc.constant("[redacted]"), fc.jsonValue());

  it("what is decided is always among what is possible, and is the one if there is one", () => {
    let certain = 0;
    fc.assert(
      fc.property(
        policy,
        callFields,
        payload,
        fc.array(choice, { minLength: 1, maxLength: 2 }),
        other,
        (written, fields, data, choices, stand) => {
          const event = call({ ...fields, payload: data });
          fc.pre(event.payloadProblem === undefined);
          const wholes = { payload: event.payload, context: event.context };
          const parts = choices.map(([of, steps]) => partAt(wholes[of], of, steps));
          const apart = parts.filter(
            ({ of, path }) =>
              !parts.some(
                (each) =>
                  each.of === of && each.path.length < path.length && each.path.every((name, at) => path[at] === name),
              ),
          );
          const known = apart.reduce(
            (left, { of, path }) => ({ ...left, [of]: path.length === 0 ? {} : replaced(left[of], path, stand) }),
            wholes as Record<"payload" | "context", unknown>,
          );
          const compiled = Policy.parse(JSON.stringify(written));
          const { riskLevel: _, ...decided } = compiled.evaluate(event);
          const { decisions, needs } = compiled.possibleDecisions(call({ ...fields, ...(known as object) }), apart);
          expect(decisions.map(({ riskLevel: __, ...each }) => each)).toContainEqual(decided);
          expect(needs.length === 0).toBe(decisions.length === 1);
          if (decisions.length === 1) certain += 1;
        },
      ),
      { numRuns: 2_000 },
    );
    expect(certain).toBeGreaterThan(500);
  });

  it("of an event that is known all, it is what evaluate says", () => {
    fc.assert(
      fc.property(policy, callFields, payload, (written, fields, data) => {
        const event = call({ ...fields, payload: data });
        const compiled = Policy.parse(JSON.stringify(written));
        // A part that is not there, so that the whole way is gone.
        const { decisions } = compiled.possibleDecisions(event, [{ of: "context", path: ["nobody", "asks"] }]);
        expect(decisions).toEqual([compiled.evaluate(event)]);
      }),
      { numRuns: 1_000 },
    );
  });
});
