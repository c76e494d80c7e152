/** The shape of a policy file: the one JSON Schema (draft-07) that the loader checks against and editors can use. */

import { MAX_PATTERN_LENGTH, PATTERN_SYNTAX } from "../matching/capability.ts";
import { CONDITIONS } from "../conditions/index.ts";
import { TEXT, type JsonSchema } from "./json-schema.ts";
import { RISK_LEVELS } from "../risk.ts";

/** The title by which messages recognise a capability pattern. */
export const CAPABILITY_TITLE = "a capability such as shell.execute";

/** Longest wait for an approval that can be asked for, in seconds: 30 days. */
const MAX_TIMEOUT_SECONDS = 2_592_000;

const CAPABILITY: JsonSchema = {
  title: CAPABILITY_TITLE,
  description: "Segments joined by dots; `*` is any one segment, and a shorter capability covers all below it.",
  type: "string",
  maxLength: MAX_PATTERN_LENGTH,
  pattern: PATTERN_SYNTAX,
};

const EXAMPLES: JsonSchema = {
  title: "a list of examples",
  type: "array",
  minItems: 1,
  items: {
    title: "text, or a mapping with `payload` and what else the call has",
    if: { type: "string" },
    else: {
      title: "text, or a mapping with `payload` and what else the call has",
      type: "object",
      additionalProperties: false,
      properties: {
        payload: { title: "a mapping", type: "object" },
        context: { title: "a mapping", type: "object" },
        environment: TEXT,
        risk: { title: "text or a number", type: ["string", "number"], minLength: 1 },
      },
    },
  },
};

const RULE_FIELDS: Readonly<Record<string, JsonSchema>> = {
  capability: CAPABILITY,
  ...Object.fromEntries(Object.entries(CONDITIONS).map(([key, { schema }]) => [key, schema])),
  id: { ...TEXT, description: "A name for the rule, unique in this policy.", maxLength: 128 },
  description: { ...TEXT, description: "What the rule is for." },
  reason: { ...TEXT, description: "Shown to the agent when this rule decides." },
  examples: {
    title: "a mapping with `match` and `not_match`",
    description: "Calls that this rule must and must not apply to, checked when the policy is loaded.",
    type: "object",
    additionalProperties: false,
    minProperties: 1,
    properties: { match: EXAMPLES, not_match: EXAMPLES },
  },
};

const RULE_TITLE = "a capability, or a mapping with `capability` and conditions";

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
    extends: {
      title: "a file, or a list of files",
      description: "Policies whose rules hold too, by paths relative to this file. What they deny stays denied.",
      if: { type: "array" },
      // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
      then: { title: "a list of files", type: "array", minItems: 1, items: { ...TEXT, title: "the path of a file" } },
      else: { ...TEXT, title: "the path of a file" },
    },
    approval_timeout_seconds: {
      title: "a number of seconds",
      description: "How long an approval that this policy asks for can be waited for and used.",
      type: "integer",
      minimum: 1,
      maximum: MAX_TIMEOUT_SECONDS,
    },
    risk_levels: {
      title: "a mapping of risk levels",
      description: "What a call's risk alone makes of it, where no rule denies it or asks for approval.",
      type: "object",
      additionalProperties: false,
      properties: Object.fromEntries(RISK_LEVELS.map((level) => [level, { $ref: "#/definitions/risk_level" }])),
    },
    deny: section("Calls that must not run."),
    require_approval: section("Calls that run only when a person has approved them."),
    allow: section("Calls that may run."),
    rules: {
      title: "a list of rules, each with an `action`",
      description: "The older form of a policy. New ones use deny, require_approval and allow.",
      type: "array",
      items: { $ref: "#/definitions/legacy_rule" },
    },
  },
  definitions: {
    // Hold no references themselves, so that Ajv inlines them: a function of its own would copy all errors at every rule.
    rule: {
      if: { type: "string" },
      // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
      then: CAPABILITY,
      else: {
        title: RULE_TITLE,
        type: "object",
        additionalProperties: false,
        required: ["capability"],
        properties: RULE_FIELDS,
      },
    },
    legacy_rule: {
      title: "a mapping with `action` and conditions",
      type: "object",
      additionalProperties: false,
      required: ["action"],
      properties: {
        action: {
          title: "one of allow, warn, require_approval, deny and block",
          description: "What the rule makes of a call. `warn` allows it, `block` denies it.",
          type: "string",
          enum: ["allow", "warn", "require_approval", "deny", "block"],
        },
        ...RULE_FIELDS,
      },
    },
    risk_level: {
      title: "a mapping with `action`",
      type: "object",
      additionalProperties: false,
      required: ["action"],
      properties: {
        action: {
          title: "one of allow, warn, require_approval, deny and block",
          description: "`warn` only notes it, `allow` changes nothing, `block` is another word for deny.",
          type: "string",
          enum: ["allow", "warn", "require_approval", "deny", "block"],
        },
        description: { ...TEXT, description: "Why this level is treated so." },
      },
    },
  },
};
