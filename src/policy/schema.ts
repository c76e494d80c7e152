/** The shape of a policy file: the one JSON Schema (draft-07) that the loader checks against and editors can use. */

import { MAX_PATTERN_LENGTH, PATTERN_SYNTAX } from "./capability.ts";

/** A JSON Schema. Titles finish the sentence "must be …" in messages; descriptions are for editors. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** The title by which messages recognise a capability pattern. */
export const CAPABILITY_TITLE = "a capability such as shell.execute";

const SEARCHED_TEXT: JsonSchema = {
  title: "text, a number, true or false",
  type: ["string", "number", "boolean"],
  minLength: 1,
  // Searching takes up to this many steps for each character of the payload.
  maxLength: 1024,
  minimum: Number.MIN_SAFE_INTEGER,
  maximum: Number.MAX_SAFE_INTEGER,
};

/** The shape of each condition's value, by its key in a rule. */
const CONDITION_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  contains: {
    title: "text or a list of texts",
    description: "Holds when any value of the payload contains the text, or any of the texts. Case does not matter.",
    if: { type: "array" },
    // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
    then: { title: "a list of texts", type: "array", minItems: 1, items: SEARCHED_TEXT },
    else: SEARCHED_TEXT,
  },
};

const CAPABILITY: JsonSchema = {
  title: CAPABILITY_TITLE,
  description: "Segments joined by dots; `*` is any one segment, and a shorter capability covers all below it.",
  type: "string",
  maxLength: MAX_PATTERN_LENGTH,
  pattern: PATTERN_SYNTAX,
};

const TEXT = { title: "text", type: "string", minLength: 1 } as const;

function section(description: string): JsonSchema {
  return { title: "a list of rules", description, type: "array", items: { $ref: "#/definitions/rule" } };
}

/** The JSON Schema of policy files. */
export const POLICY_SCHEMA: JsonSchema = {
  $schema: "http://json-schema.org/draft-07/schema#",
  title: "a mapping with the sections deny, require_approval and allow",
  description: "A CapFence policy. Deny beats require_approval beats allow; what no rule covers is denied.",
  type: "object",
  additionalProperties: false,
  properties: {
    version: {
      title: "text or a number",
      description: "The author's version.",
      type: ["string", "number"],
      minLength: 1,
    },
    policy_name: { ...TEXT, description: "What the author calls this policy." },
    description: { ...TEXT, description: "What this policy is for." },
    deny: section("Calls that must not run."),
    require_approval: section("Calls that run only when a person has approved them."),
    allow: section("Calls that may run."),
  },
  definitions: {
    // Holds no reference itself, so that Ajv inlines it: a function of its own would copy all errors at every rule.
    rule: {
      if: { type: "string" },
      // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
      then: CAPABILITY,
      else: {
        title: "a capability, or a mapping with `capability` and conditions",
        type: "object",
        additionalProperties: false,
        required: ["capability"],
        properties: {
          capability: CAPABILITY,
          ...CONDITION_SCHEMAS,
          id: { ...TEXT, description: "A name for the rule, unique in this file.", maxLength: 128 },
          description: { ...TEXT, description: "What the rule is for." },
          reason: { ...TEXT, description: "Shown to the agent when this rule stops a call." },
        },
      },
    },
  },
};
