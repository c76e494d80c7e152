/** Checks a document against the schema and says in words, and at the right place, what does not fit. */

import { Ajv, type ValidateFunction } from "ajv";

import type { Diagnostics } from "./diagnostics.ts";
import type { PolicyDocument } from "./compose.ts";
import type { JsonSchema } from "./json-schema.ts";
import { intendedKey, mismatch, schemaOf, unknownKey } from "./mismatch.ts";
import { showKey, type Path } from "./path.ts";
import { keyOffsetOf, offsetOf } from "./place.ts";
import { POLICY_SCHEMA } from "./schema.ts";
import { compileShape, type Shape } from "./shape.ts";

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
