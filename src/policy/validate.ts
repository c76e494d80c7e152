/** Checks a document against the schema and says in words, and at the right place, what does not fit. */

import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { distance } from "fastest-levenshtein";

import { patternProblem } from "./capability.ts";
import type { Diagnostics } from "./diagnostics.ts";
import type { PolicyDocument } from "./document.ts";
import type { JsonSchema } from "./json-schema.ts";
import { showKey, type Path } from "./path.ts";
import { keyOffsetOf, offsetOf } from "./place.ts";
import { CAPABILITY_TITLE, POLICY_SCHEMA } from "./schema.ts";
import { compileShape, type Shape } from "./shape.ts";

/** Longest key that a suggestion is looked for. */
const MAX_SUGGESTED = 40;

/** Compiling waits for the first document of its kind: for messages it takes longer than loading a policy. */
const shapes: Map<JsonSchema, Shape> = new Map();
const validators: Map<JsonSchema, ValidateFunction> = new Map();

/** Reports every part of a document that does not fit its schema. `what` names the whole of it. */
export function validateShape(
  { data, root }: PolicyDocument,
  diagnostics: Diagnostics,
  schema: JsonSchema = POLICY_SCHEMA,
  what = "a policy",
): void {
  // Most documents fit, which a plain look tells; what is wrong with the others takes a validator.
  if (made(shapes, schema, compileShape)(data)) return;
  const compiled = made(validators, schema, compileValidator);
  if (compiled(data)) return diagnostics.report(offsetOf(root, []), [], `${what} does not fit its schema`);
  // These only say that something in them has failed, which that says better.
  const errors = (compiled.errors ?? []).filter(({ keyword }) => keyword !== "if" && keyword !== "propertyNames");
  // The errors hold the document, and the compiled schema lives as long as the process.
  compiled.errors = null;
  const intended = new Set(errors.map(intendedKey).filter((key) => key !== undefined));
  for (const [index, error] of errors.entries()) {
    if (diagnostics.full) return diagnostics.drop(errors.length - index);
    const path = pathOf(error.instancePath, data);
    // A mapping whose keys have been refused is not an empty one.
    if (error.keyword === "minProperties" && diagnostics.touches(path)) continue;
    const { additionalProperty, missingProperty } = error.params as Record<string, unknown>;
    if (error.propertyName !== undefined) {
      const keyPath = [...path, error.propertyName];
      const message = `the key ${showKey(error.propertyName)} must be ${String(schemaOf(error).title)}`;
      diagnostics.report(keyOffsetOf(root, keyPath), keyPath, message);
    } else if (typeof additionalProperty === "string") {
      const keyPath = [...path, additionalProperty];
      diagnostics.report(keyOffsetOf(root, keyPath), keyPath, unknownKey(additionalProperty, error));
    } else if (typeof missingProperty === "string") {
      // A misspelt key is one mistake, not two.
      if (intended.has(`${error.instancePath}/${missingProperty}`)) continue;
      diagnostics.report(offsetOf(root, path), path, `the key ${showKey(missingProperty)} is missing`);
    } else {
      diagnostics.report(
        offsetOf(root, path),
        path,
        path.length === 0 ? `${what} ${mismatch(error)}` : mismatch(error),
      );
    }
  }
}

function made<Made>(known: Map<JsonSchema, Made>, schema: JsonSchema, make: (schema: JsonSchema) => Made): Made {
  const found = known.get(schema) ?? make(schema);
  known.set(schema, found);
  return found;
}

function compileValidator(schema: JsonSchema): ValidateFunction {
  // That the schema is one, and a strict one, is for tests to say: looking takes as long again.
  const options = {
    strict: false,
    strictNumbers: true,
    validateSchema: false,
    allErrors: true,
    verbose: true,
    ownProperties: true,
  };
  return new Ajv(options).compile(schema);
}

function mismatch(error: ErrorObject): string {
  const { title } = schemaOf(error);
  if (title === CAPABILITY_TITLE && typeof error.data === "string") {
    return patternProblem(error.data) ?? `must be ${CAPABILITY_TITLE}`;
  }
  switch (error.keyword) {
    case "type":
      if (error.data === null) return `has no value; it must be ${String(title)}`;
      return `must be ${String(title)}, not ${kindOf(error.data)}`;
    case "minLength":
    case "minItems":
    case "minProperties":
      return "must not be empty";
    case "maxLength":
      return `is longer than ${String((error.params as { limit?: unknown }).limit)} characters`;
    case "minimum":
    case "maximum":
      return outOfRange(error);
    case "enum":
      return `must be ${String(title)}${meant(error)}`;
    default:
      return error.message ?? "does not fit";
  }
}

function outOfRange(error: ErrorObject): string {
  const { limit } = error.params as { readonly limit?: unknown };
  if (typeof limit === "number" && Math.abs(limit) < Number.MAX_SAFE_INTEGER) {
    return `must be ${error.keyword === "minimum" ? "at least" : "at most"} ${limit}`;
  }
  const quotable = [schemaOf(error).type].flat().includes("string");
  return `is too large a number to be read exactly${quotable ? "; write it in quotes" : ""}`;
}

/** The allowed value that was probably meant, as an addition to a message. */
function meant({ params, data }: ErrorObject): string {
  const { allowedValues } = params as { readonly allowedValues?: readonly string[] };
  const suggestion = typeof data === "string" ? closestKey(data, allowedValues ?? []) : undefined;
  return suggestion === undefined ? "" : `; did you mean ${showKey(suggestion)}?`;
}

function unknownKey(key: string, error: ErrorObject): string {
  const known = knownKeys(error);
  const suggestion = closestKey(key, known);
  const advice = suggestion === undefined ? `known here: ${known.join(", ")}` : `did you mean ${showKey(suggestion)}?`;
  return `unknown key ${showKey(key)}; ${advice}`;
}

/** The JSON Pointer of the key that an unknown key was probably meant to be. */
function intendedKey(error: ErrorObject): string | undefined {
  const { additionalProperty } = error.params as Record<string, unknown>;
  if (typeof additionalProperty !== "string") return undefined;
  const suggestion = closestKey(additionalProperty, knownKeys(error));
  return suggestion === undefined ? undefined : `${error.instancePath}/${suggestion}`;
}

function closestKey(key: string, known: readonly string[]): string | undefined {
  if (key.length > MAX_SUGGESTED) return undefined;
  const spelt = key.toLowerCase().replaceAll("-", "_");
  const ranked = known
    .map((name) => ({ name, steps: distance(spelt, name) }))
    .filter(({ name, steps }) => steps <= Math.max(1, Math.floor(name.length / 3)))
    .toSorted((left, right) => left.steps - right.steps);
  return ranked[0]?.name;
}

function knownKeys(error: ErrorObject): string[] {
  return Object.keys(schemaOf(error).properties ?? {});
}

function schemaOf(error: ErrorObject): {
  readonly title?: unknown;
  readonly type?: unknown;
  readonly properties?: object;
} {
  return (error.parentSchema ?? {}) as { title?: unknown; type?: unknown; properties?: object };
}

/** A JSON Pointer (RFC 6901) as a path. Whether a token is a position or a key depends on what it points into. */
function pathOf(pointer: string, data: unknown): Path {
  let value = data;
  return pointer
    .split("/")
    .slice(1)
    .map((token) => {
      const part = Array.isArray(value) ? Number(token) : token.replaceAll("~1", "/").replaceAll("~0", "~");
      value = (value as Record<string | number, unknown>)[part];
      return part;
    });
}

function kindOf(value: unknown): string {
  if (typeof value === "string") return "text";
  if (typeof value === "number") return Number.isFinite(value) ? "a number" : String(value);
  if (typeof value === "boolean") return "true or false";
  return Array.isArray(value) ? "a list" : "a mapping";
}
