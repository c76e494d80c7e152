/** Comparing one value with what a rule says it should be. */

import type { Json } from "../../snapshot.ts";
import { either, type Answer } from "../answer.ts";
import { listed } from "./condition.ts";
import { compileGlob } from "./glob.ts";

/** Answers for one value. */
export type ValueTest = (value: Json) => Answer;

/**
 * Tests for a scalar or any of a list. Text is a glob unless `exactly`. A value of another type that is written alike, `5`
 * and `"5"`, may be the same: `maybe`. So may a list with such a value in it, and whatever a mapping holds.
 */
export function compileScalars(expected: unknown, exactly = false): ValueTest {
  const tests = listed(expected).map((scalar) => compileScalar(scalar, exactly));
  const [only, ...others] = tests;
  const any: ValueTest = (value) => tests.reduce<Answer>((answer, test) => either(answer, test(value)), "no");
  const scalar = only !== undefined && others.length === 0 ? only : any;
  return (value) => acrossLists(value, scalar);
}

/** What `test` says about a scalar. A list whose members may pass, and any mapping, is a `maybe`; null is no value. */
export function acrossLists(value: Json, test: ValueTest): Answer {
  if (value === null) return "no";
  if (typeof value !== "object") return test(value);
  if (!Array.isArray(value)) return "maybe";
  return (value as readonly Json[]).some((member) => acrossLists(member, test) !== "no") ? "maybe" : "no";
}

function compileScalar(expected: unknown, exactly: boolean): ValueTest {
  const text = String(expected);
  const same = typeof expected === "string" && !exactly ? compileGlob(text) : (value: string) => value === text;
  return (value) => {
    if (typeof value === "object" || !same(String(value))) return "no";
    return typeof value === typeof expected ? "yes" : "maybe";
  };
}
