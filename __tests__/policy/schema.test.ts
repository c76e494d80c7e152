import { readFileSync } from "node:fs";

import { Ajv } from "ajv";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { POLICY_SCHEMA } from "../../src/policy/document/schema.ts";
import { compileShape } from "../../src/policy/document/shape.ts";
import { SUITE_SCHEMA } from "../../src/policy/suite/suite-schema.ts";
import { policy } from "./written-policies.ts";

const OPTIONS = { strict: true, allowUnionTypes: true, ownProperties: true };

describe("the JSON Schema of policies", () => {
  it("is published as the loader has it; write it again with scripts/policy-schema.ts", () => {
    expect(JSON.parse(readFileSync("policy.schema.json", "utf8"))).toEqual(POLICY_SCHEMA);
  });

  it.each([POLICY_SCHEMA, SUITE_SCHEMA])("is one, and a strict one (%#)", (schema) => {
    expect(() => new Ajv(OPTIONS).compile(schema)).not.toThrow();
  });

  it("describes every key for editors", () => {
    interface Described {
      readonly properties: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
    }
    const { properties, definitions } = POLICY_SCHEMA as unknown as Described & {
      readonly definitions: { readonly rule: { readonly else: Described } };
    };
    const rule = definitions.rule.else.properties;
    for (const [key, schema] of Object.entries({ ...properties, ...rule }))
      expect(schema["description"], key).toMatch(/\.$/);
  });

  it("means the same to the quick look and to the validator", () => {
    const shape = compileShape(POLICY_SCHEMA);
    const validate = new Ajv(OPTIONS).compile(POLICY_SCHEMA);
    const odd = fc.oneof(
      fc.constantFrom("", "a.b", "*", "deny", "x".repeat(1025), null, 1.5, 2 ** 60, Number.NaN),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(policy, fc.nat(), fc.nat(), odd, (written, which, where, replacement) => {
        // Replaces one value somewhere in the policy.
        const places: [Record<string, unknown>, string][] = [];
        const copy = JSON.parse(
          JSON.stringify(written),
          function visit(this: Record<string, unknown>, key, value: unknown) {
            places.push([this, key]);
            return value;
          },
        ) as unknown;
        const [owner, key] = places[(which + where) % places.length] ?? [];
        if (owner !== undefined && key !== undefined && key !== "") owner[key] = replacement;
        expect(shape(copy)).toBe(validate(copy));
        expect(shape(replacement)).toBe(validate(replacement));
      }),
      { numRuns: 2000 },
    );
  });

  it("refuses to be compiled with a keyword that the quick look does not know", () => {
    expect(() => compileShape({ oneOf: [] })).toThrow("oneOf is not known");
  });
});
