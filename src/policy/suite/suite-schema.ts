/** The shape of suites. */

import { TEXT, type JsonSchema } from "../document/json-schema.ts";

const MAPPING = { title: "a mapping", type: "object" } as const;

/** The JSON Schema of suites. */
export const SUITE_SCHEMA: JsonSchema = {
  $schema: "http://json-schema.org/draft-07/schema#",
  title: "a mapping with a list of `cases`",
  description: "Calls and what a CapFence policy is expected to decide about them.",
  type: "object",
  additionalProperties: false,
  required: ["cases"],
  properties: {
    description: { ...TEXT, description: "What this suite is about." },
    cases: {
      title: "a list of cases",
      type: "array",
      minItems: 1,
      items: {
        title: "a mapping with name, event and expect",
        type: "object",
        additionalProperties: false,
        required: ["name", "event", "expect"],
        properties: {
          name: { ...TEXT, description: "What the case shows, unique in this suite." },
          event: {
            title: "a mapping with `capability` and what else the call has",
            description: "The call. Without an environment it is in production.",
            type: "object",
            additionalProperties: false,
            properties: {
              capability: { ...TEXT, description: "For example shell.execute." },
              actor: TEXT,
              action: TEXT,
              resource: TEXT,
              environment: TEXT,
              scope: TEXT,
              risk: { title: "text or a number", type: ["string", "number"], minLength: 1 },
              payload: MAPPING,
              context: MAPPING,
            },
          },
          expect: {
            title: "a mapping with `decision`",
            type: "object",
            additionalProperties: false,
            required: ["decision"],
            properties: {
              decision: {
                title: "one of allow, require_approval and deny",
                type: "string",
                enum: ["allow", "require_approval", "deny"],
              },
              rule: {
                title: "the id or place of a rule, or null for none",
                description: "The rule that decides: its id, else its place such as deny[0]; null when no rule must.",
                type: ["string", "null"],
                minLength: 1,
              },
            },
          },
        },
      },
    },
  },
};
