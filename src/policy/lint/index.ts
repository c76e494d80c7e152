/** Lint: what loads and can hardly be meant. */

import type { Policy } from "../policy.ts";
import { neverMatching } from "./never-matches.ts";
import { allowsAnyProgram, allowsEverything, containsOnShell } from "./risky.ts";
import { shadowedAllows, unreachableDenies } from "./shadowed.ts";
import type { PolicyWarning } from "./warning.ts";

const CHECKS = [
  shadowedAllows,
  unreachableDenies,
  neverMatching,
  containsOnShell,
  allowsAnyProgram,
  allowsEverything,
] as const;

/**
 * Warnings about a policy and the files it extends, in the order of its rules, each with a code, a place and a frame.
 * Synchronous; an empty list when there is nothing to say.
 */
export function lintPolicy(policy: Policy): readonly PolicyWarning[] {
  const warnings = CHECKS.flatMap((check) => check(policy.rules));
  const files = [...new Set(policy.rules.map(({ source }) => source.diagnostics.source))];
  return warnings.toSorted(
    (left, right) =>
      files.indexOf(left.source) - files.indexOf(right.source) || left.line - right.line || left.column - right.column,
  );
}
