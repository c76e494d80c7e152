/** How a problem of a policy is shown: its place, what it is, and the line with a caret. */

import type { PolicyIssue } from "../../errors.ts";

/** One problem, in lines. Text from outside is in them as it is. */
export function problemLines(issue: PolicyIssue & { readonly code?: string }, kind = "error"): readonly string[] {
  const { source, line, column, path, message, frame, code } = issue;
  const label = code === undefined ? kind : `${kind} ${code}`;
  const subject = path === "" ? "" : `${path}: `;
  const head = `${source}:${line}:${column} ${label}: ${subject}${message}`;
  return frame === undefined ? [head] : [head, ...frame.split("\n")];
}
