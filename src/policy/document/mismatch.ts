/** What the validator found, in words. */

import type { ErrorObject } from "ajv";
import { distance } from "fastest-levenshtein";

import { patternProblem } from "../matching/capability.ts";
import { showKey } from "./path.ts";
import { CAPABILITY_TITLE } from "./schema.ts";

/** Longest key that a suggestion is looked for. */
const MAX_SUGGESTED = 40;

/** What does not fit, as the rest of a sentence about the value. */
export function mismatch(error: ErrorObject): string {
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
    case "pattern":
      return `must be ${String(title)}`;
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

/** A sentence about a key that is not known, with the one that was probably meant. */
export function unknownKey(key: string, error: ErrorObject): string {
  const known = knownKeys(error);
  const suggestion = closestKey(key, known);
  const advice = suggestion === undefined ? `known here: ${known.join(", ")}` : `did you mean ${showKey(suggestion)}?`;
  return `unknown key ${showKey(key)}; ${advice}`;
}

/** The JSON Pointer of the key that an unknown key was probably meant to be. */
export function intendedKey(error: ErrorObject): string | undefined {
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

/** The schema that an error is about, as far as messages need it. */
export function schemaOf(error: ErrorObject): {
  readonly title?: unknown;
  readonly type?: unknown;
  readonly properties?: object;
} {
  return (error.parentSchema ?? {}) as { title?: unknown; type?: unknown; properties?: object };
}

function kindOf(value: unknown): string {
  if (typeof value === "string") return "text";
  if (typeof value === "number") return Number.isFinite(value) ? "a number" : String(value);
  if (typeof value === "boolean") return "true or false";
  return Array.isArray(value) ? "a list" : "a mapping";
}
