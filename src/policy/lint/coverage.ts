/** Which rules cover others: every call one applies to, the other applies to as well. */

import canonicalize from "canonicalize";

import type { WrittenRule } from "../rule.ts";

/** Whether every request that `narrow` covers is covered by `broad`. */
function patternCovers(broad: string, narrow: string): boolean {
  const segments = narrow.split(".");
  const asked = broad.split(".");
  return (
    asked.length <= segments.length && asked.every((segment, index) => segment === "*" || segment === segments[index])
  );
}

/** Whether some request is covered by both patterns. */
export function patternsOverlap(one: string, other: string): boolean {
  const segments = other.split(".");
  return one
    .split(".")
    .every((segment, index) => [segment, segments[index]].includes("*") || (segments[index] ?? segment) === segment);
}

/**
 * Whether `broad` applies to every call that `narrow` applies to: its capability covers, and each of its conditions is one
 * of the other's.
 */
export function ruleCovers(broad: WrittenRule, narrow: WrittenRule): boolean {
  return (
    patternCovers(broad.capability, narrow.capability) &&
    broad.conditions.every(({ key }) => sameCondition(broad.fields[key], narrow.fields[key]))
  );
}

function sameCondition(one: unknown, other: unknown): boolean {
  return one === other || (other !== undefined && canonicalize(one) === canonicalize(other));
}
