/** What a policy that cannot be loaded is refused for. */

import { PolicyLoadError, type PolicyIssue } from "../../src/errors.ts";
import { Policy } from "../../src/policy/policy.ts";

/** The issues of the error that `load` throws; empty when it throws none. Other errors pass through. */
export function issuesOf(load: () => unknown): readonly PolicyIssue[] {
  try {
    load();
    return [];
  } catch (error) {
    if (PolicyLoadError.isInstance(error)) return error.issues;
    throw error;
  }
}

/** The issues of a policy's text. */
export function issuesIn(text: string, source?: string): readonly PolicyIssue[] {
  return issuesOf(() => Policy.parse(text, { source }));
}

/** Issues in short: `3:5 deny[0].contains: must not be empty`. */
export function summary(issues: readonly PolicyIssue[]): string[] {
  return issues.map(
    ({ line, column, path, message }) => `${line}:${column} ${path === "" ? "" : `${path}: `}${message}`,
  );
}
