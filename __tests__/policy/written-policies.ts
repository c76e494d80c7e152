/** Policies and calls of the whole language, made up for properties. */

import * as fc from "fast-check";

import type { ActionEventFields, DecisionKind } from "../../src/event.ts";

export type WrittenRule = Readonly<Record<string, unknown>>;
export type WrittenPolicy = Readonly<Partial<Record<DecisionKind, readonly WrittenRule[]>>> &
  Readonly<Record<string, unknown>>;

const segment = fc.constantFrom("a", "b", "c");
const pattern = fc
  .array(fc.oneof({ weight: 3, arbitrary: segment }, fc.constant("*")), { minLength: 1, maxLength: 3 })
  .map((segments) => segments.join("."));
const word = fc.constantFrom(
  "rm",
  "RM",
  "rm -rf",
  "rm  -rf",
  "-rf",
  "ｒｍ",
  "r\u200bm",
  "Σ",
  "5",
  "prod",
  "low",
  "a b",
);
const name = fc.constantFrom("prod", "dev", "p*", "low", "high", "critical", "5", "?rod");
const number = fc.integer({ min: -3, max: 6 });
const some = <Item>(item: fc.Arbitrary<Item>): fc.Arbitrary<Item | Item[]> =>
  fc.oneof(item, fc.array(item, { minLength: 1, maxLength: 2 }));

/** Conditions about what the payload says. */
const payloadConditions = {
  contains: some(word),
  match_keywords: some(word),
  match_regex: some(fc.constantFrom("^rm", "r.*f$", "(?i)RM", "[0-9]", "^$", "\\s")),
  amount_gt: number,
  amount_lte: number,
  path_prefix: some(fc.constantFrom("/a", "/a/b", "./a", "a", ".", "/")),
  table: some(name),
  payload: fc.dictionary(
    fc.constantFrom("a", "b", "a.b", "amount"),
    fc.oneof(
      some(name),
      fc.record(
        {
          equals: fc.oneof(word, number),
          in: fc.array(name, { minLength: 1 }),
          gt: number,
          lte: number,
          exists: fc.boolean(),
        },
        { requiredKeys: ["exists"] },
      ),
    ),
    { minKeys: 1, maxKeys: 2 },
  ),
};

/** Conditions about what the host knows. */
const contextConditions = {
  environment: some(name),
  user_role: some(name),
  tenant: some(name),
  tool_name: some(name),
  risk_level: some(name),
  caller_depth_gt: number,
  caller_depth_gte: number,
  caller_depth_lt: number,
  caller_depth_lte: number,
};

const ruleOf = (conditions: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<WrittenRule> =>
  fc.tuple(pattern, fc.subarray(Object.keys(conditions), { maxLength: 2 })).chain(([capability, keys]) =>
    fc.record({
      capability: fc.constant(capability),
      ...Object.fromEntries(keys.map((key) => [key, conditions[key] ?? fc.constant("")])),
    }),
  );

const action = fc.record({ action: fc.constantFrom("allow", "warn", "require_approval", "deny", "block") });
const riskLevels = fc.record({ low: action, medium: action, high: action, critical: action }, { requiredKeys: [] });

const policyOf = (rule: fc.Arbitrary<WrittenRule>): fc.Arbitrary<WrittenPolicy> =>
  fc.record(
    {
      deny: fc.array(rule, { maxLength: 3 }),
      require_approval: fc.array(rule, { maxLength: 3 }),
      allow: fc.array(rule, { maxLength: 4 }),
      risk_levels: riskLevels,
      rules: fc.array(
        fc.tuple(rule, action).map(([written, each]) => ({ ...written, ...each })),
        { maxLength: 2 },
      ),
    },
    { requiredKeys: ["allow"] },
  );

/** A rule with any conditions. */
export const rule: fc.Arbitrary<WrittenRule> = ruleOf({ ...payloadConditions, ...contextConditions });

/** A policy of the whole language. */
export const policy: fc.Arbitrary<WrittenPolicy> = policyOf(rule);

/** A policy about nothing that the payload is trusted to say. */
export const contextPolicy: fc.Arbitrary<WrittenPolicy> = policyOf(ruleOf(contextConditions));

const scalar = fc.oneof(
  word,
  name,
  number,
  fc.boolean(),
  fc.constant(null),
  fc.constantFrom("/a/b/../c", "a/x", "1,000"),
);

/** Any payload: JSON, with the fields that conditions look at more often than others. */
export const payload: fc.Arbitrary<Record<string, unknown>> = fc.oneof(
  fc.dictionary(
    fc.constantFrom("a", "b", "amount", "total", "path", "file", "table", "tenant", "environment", "caller_depth"),
    fc.oneof(scalar, fc.array(scalar, { maxLength: 3 }), fc.dictionary(fc.constantFrom("a", "b"), scalar)),
  ),
  fc.dictionary(fc.string(), fc.jsonValue()) as fc.Arbitrary<Record<string, unknown>>,
);

/** What a payload may claim about the context. */
export const claims: fc.Arbitrary<Record<string, unknown>> = fc.record(
  {
    environment: fc.oneof(name, fc.array(name)),
    user_role: fc.oneof(name, number),
    tenant: name,
    tool_name: name,
    risk_level: fc.oneof(name, fc.double({ min: 0, max: 1, noNaN: true })),
    caller_depth: fc.oneof(number, name, fc.constant(null)),
    require_approval: fc.boolean(),
  },
  { requiredKeys: [] },
);

/** A call, without its payload. */
export const callFields: fc.Arbitrary<Partial<ActionEventFields>> = fc.record(
  {
    capability: fc.array(segment, { minLength: 1, maxLength: 3 }).map((segments) => segments.join(".")),
    environment: fc.constantFrom("prod", "dev"),
    risk: fc.constantFrom<(string | number)[]>("low", "HIGH", "critical", "delete", "unheard-of", 0.2, 0.8, 0.95),
    context: fc.record(
      {
        user_role: fc.oneof(name, fc.array(name)),
        tenant: name,
        tool_name: fc.oneof(name, number),
        risk_level: name,
        caller_depth: fc.oneof(number, fc.constantFrom("2", "x", null)),
        require_approval: fc.boolean(),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: ["capability", "environment"] },
);
