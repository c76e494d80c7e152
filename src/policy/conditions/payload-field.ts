/** `payload`: what named fields of the payload must be; `table: users` is short for `payload: {table: users}`. */

import type { Json } from "../../snapshot.ts";
import { both, type Answer } from "../answer.ts";
import { EXPRESSION, oneOrList, SCALAR, TEXT, THRESHOLD, type JsonSchema } from "../document/json-schema.ts";
import type { Condition, ConditionKind, ReportProblem } from "./condition.ts";
import { search } from "./expression.ts";
import { compileExpressions } from "./match-regex.ts";
import { compare, COMPARISON_NAMES, COMPARISONS, type ComparisonName } from "./amount/quantity.ts";
import { acrossLists, compileScalars, type ValueTest } from "./scalar.ts";
import { FIELD_SYNTAX } from "./stated.ts";

const SCALARS = oneOrList(SCALAR, "a list of values", "The value is this, or any of these; text may be a glob.");

const OPERATORS: Readonly<Record<string, JsonSchema>> = {
  equals: { ...SCALAR, description: "The value is exactly this." },
  in: {
    title: "a list of values",
    description: "The value is exactly one of these.",
    type: "array",
    minItems: 1,
    items: SCALAR,
  },
  glob: oneOrList(
    { ...TEXT, maxLength: 1024 },
    "a list of texts",
    "The value matches the glob: * is any text, ? one character.",
  ),
  regex: oneOrList(EXPRESSION, "a list of regular expressions", "The expression (RE2) is found in the value."),
  ...Object.fromEntries(
    COMPARISON_NAMES.map((name) => [
      name,
      { ...THRESHOLD, description: `The value is ${COMPARISONS[name].words} this number.` },
    ]),
  ),
  exists: { title: "true or false", description: "The field is there, or is not.", type: "boolean" },
};

const MATCHER: JsonSchema = {
  title: "a value, a list of values, or a mapping of tests",
  if: { type: "object" },
  // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
  then: {
    title: "a mapping of tests",
    type: "object",
    minProperties: 1,
    additionalProperties: false,
    properties: OPERATORS,
  },
  else: SCALARS,
};

/** All fields must match. A field that is absent does not; one that is a list or a mapping is at most a `maybe`. */
export const payloadFields: ConditionKind = {
  schema: {
    title: "a mapping of fields",
    description: "Holds when every named field of the payload matches. Dots lead inwards: recipient.country.",
    type: "object",
    minProperties: 1,
    propertyNames: { title: "names of fields joined by dots", pattern: FIELD_SYNTAX },
    additionalProperties: MATCHER,
  },
  compile: (value, report) => {
    const fields = Object.entries(value as Readonly<Record<string, unknown>>).map(([field, matcher]) =>
      compileField(field, matcher, (path, message) => report([field, ...path], message)),
    );
    return {
      ask: (subject) => fields.reduce<Answer>((answer, field) => both(answer, field.ask(subject)), "yes"),
      made: (subject) => ({ together: both, answers: fields.map((field) => () => field.ask(subject)) }),
      why: (subject) => fields.map((field) => field.why(subject)).join(", "),
    };
  },
};

/** A shorthand for one field with that name. */
export function payloadField(field: string): ConditionKind {
  return {
    schema: oneOrList(
      SCALAR,
      "a list of values",
      `Holds when the payload's field ${field} is this, or any of these; text may be a glob.`,
    ),
    compile: (value, report) => compileField(field, value, report),
  };
}

function compileField(field: string, matcher: unknown, report: ReportProblem): Condition {
  const keys = field.split(".");
  const test = compileMatcher(matcher, report);
  return {
    ask: ({ event }) => follow(event.payload, keys, test),
    why: ({ event }) => {
      const answer = follow(event.payload, keys, test);
      if (follow(event.payload, keys, IS_THERE) === "no") return `there is no ${field}`;
      return `${field} ${{ yes: "matches", maybe: "may match", no: "does not match" }[answer]}`;
    },
  };
}

/** Answers for a field. */
interface FieldTest {
  /** Answers for the field's value; `undefined` when the field is absent. */
  readonly answer: (value: Json | undefined) => Answer;
  /** Whether all it asks is whether the field is there; any value then stands for the field's. */
  readonly presence?: boolean;
}

const IS_THERE: FieldTest = { presence: true, answer: (value) => (value === undefined ? "no" : "yes") };

/** Follows keys into mappings. Through a list, whatever any of its members says is a `maybe`. */
function follow(value: Json | undefined, keys: readonly string[], test: FieldTest): Answer {
  const [key, ...rest] = keys;
  if (key === undefined) return test.answer(value);
  if (Array.isArray(value)) {
    return (value as readonly Json[]).some((member) => follow(member, keys, test) !== "no") ? "maybe" : "no";
  }
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return test.answer(undefined);
  if (test.presence === true && rest.length === 0) return test.answer(true);
  return follow((value as Readonly<Record<string, Json>>)[key], rest, test);
}

function compileMatcher(matcher: unknown, report: ReportProblem): FieldTest {
  if (typeof matcher !== "object" || matcher === null || Array.isArray(matcher))
    return ofPresent(compileScalars(matcher));
  const tests = Object.entries(matcher as Readonly<Record<string, unknown>>).map(([name, value]) =>
    compileOperator(name, value, (path, message) => report([name, ...path], message)),
  );
  return {
    answer: (value) => tests.reduce<Answer>((answer, test) => both(answer, test.answer(value)), "yes"),
    presence: tests.every(({ presence }) => presence === true),
  };
}

function compileOperator(name: string, operand: unknown, report: ReportProblem): FieldTest {
  if (name === "exists") {
    return { presence: true, answer: (value) => ((value !== undefined) === operand ? "yes" : "no") };
  }
  if (name === "equals" || name === "in") return ofPresent(compileScalars(operand, true));
  if (name === "glob") return ofPresent(compileScalars(operand));
  if (isComparison(name))
    return ofPresent((value) => acrossLists(value, (each) => compare(COMPARISONS[name], each, Number(operand))));
  const expressions = compileExpressions(operand, report);
  return ofPresent((value) =>
    acrossLists(value, (each) => search(expressions, [typeof each === "string" ? each : JSON.stringify(each)])),
  );
}

function ofPresent(test: ValueTest): FieldTest {
  return { answer: (value) => (value === undefined ? "no" : test(value)) };
}

function isComparison(name: string): name is ComparisonName {
  return Object.hasOwn(COMPARISONS, name);
}
