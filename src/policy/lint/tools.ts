/** Whether a policy's conditions are about fields that the tools they are for really have. */

import { AMOUNT_FIELDS } from "../conditions/amount/amount.ts";
import { listed } from "../conditions/condition.ts";
import { PATH_FIELDS } from "../conditions/path/path.ts";
import { SQL_FIELDS } from "../conditions/sql/sql.ts";
import { URL_FIELDS } from "../conditions/url/url.ts";
import type { Policy } from "../policy.ts";
import type { WrittenRule } from "../rule.ts";
import { patternsOverlap } from "./coverage.ts";
import { fieldLookup, type FieldLookup, type FieldPresence } from "./tool-schema.ts";
import { warnAt, type PolicyWarning } from "./warning.ts";

/** A tool, as far as a policy is concerned. */
export interface CheckedTool {
  readonly name: string;
  /** The capability it is gated under. */
  readonly capability: string;
  /** The shape of its arguments: a JSON Schema, or an object of zod 3 or 4. */
  readonly schema: unknown;
}

/** A condition that a tool's calls may not satisfy or escape as the author thinks. */
export interface ToolFinding extends PolicyWarning {
  /** An `error` should stop the program before the first call; a `warning` says what could not be checked. */
  readonly severity: "error" | "warning";
  readonly tool: string;
}

/** Fields of which a condition reads whatever is there, unless it names its own, and a word for them. */
const FIELDS_OF: readonly (readonly [RegExp, readonly string[], string])[] = [
  [/^amount(?:_|$)/, AMOUNT_FIELDS, "an amount"],
  [/^path(?:_prefix)?$/, PATH_FIELDS, "a path"],
  [/^url$/, URL_FIELDS, "a URL"],
  [/^sql$/, SQL_FIELDS, "SQL"],
];

/**
 * Compares every condition about a payload field with the tools its rule covers. A field that the tool does not have, or
 * that a call may leave out, is an error: a deny or an approval would then silently not apply. Synchronous.
 */
export function checkPolicyAgainstTools(policy: Policy, tools: readonly CheckedTool[]): readonly ToolFinding[] {
  return tools.flatMap((tool) => {
    const lookup = fieldLookup(tool.schema);
    return policy.rules
      .filter(({ capability }) => patternsOverlap(capability, tool.capability))
      .flatMap((rule) => rule.conditions.flatMap(({ key }) => checkCondition(rule, key, tool, lookup)));
  });
}

function checkCondition(
  rule: WrittenRule,
  key: string,
  tool: CheckedTool,
  lookup: FieldLookup,
): readonly ToolFinding[] {
  const group = FIELDS_OF.find(([keys]) => keys.test(key));
  if (group !== undefined) {
    const [, usual, word] = group;
    const fields = fieldsNamedBy(rule.fields[key]) ?? usual;
    const found = fields.map((field) => lookup(field.split(".")));
    return finding(rule, [key], tool, best(found), `${word} (${fields.join(", ")})`);
  }
  if (key === "table") return finding(rule, [key], tool, lookup(["table"]), "the field table");
  const payload = key === "payload" ? rule.fields[key] : undefined;
  if (typeof payload !== "object" || payload === null) return [];
  return Object.entries(payload as Readonly<Record<string, unknown>>).flatMap(([field, matcher]) =>
    // Whether a field is there may be just what is asked.
    typeof matcher === "object" && matcher !== null && "exists" in matcher
      ? []
      : finding(rule, [key, field], tool, lookup(field.split(".")), `the field ${field}`),
  );
}

/** The fields that a condition names under `field`. */
function fieldsNamedBy(condition: unknown): readonly string[] | undefined {
  if (typeof condition !== "object" || condition === null || !("field" in condition)) return undefined;
  return listed(condition.field).map(String);
}

/** One field that is always there is enough. */
function best(found: readonly (FieldPresence | undefined)[]): FieldPresence | undefined {
  if (found.includes(undefined)) return undefined;
  if (found.includes("required")) return "required";
  return found.includes("optional") ? "optional" : "absent";
}

function finding(
  rule: WrittenRule,
  path: readonly string[],
  { name }: CheckedTool,
  presence: FieldPresence | undefined,
  what: string,
): readonly ToolFinding[] {
  if (presence === "required") return [];
  const of = `the tool ${JSON.stringify(name)}`;
  if (presence === undefined) {
    const message = `the arguments of ${of} cannot be read from its schema, so this condition is not checked`;
    return [{ ...warnAt(rule, "unknown-schema", message, path), severity: "warning", tool: name }];
  }
  const code = presence === "absent" ? "missing-field" : "optional-field";
  const message =
    presence === "absent"
      ? `${of} has no ${what.replace(/^(?:an?|the) /, "")}, so this condition never holds`
      : `a call of ${of} may leave out ${what}, and then this condition does not hold`;
  return [{ ...warnAt(rule, code, message, path), severity: "error", tool: name }];
}
