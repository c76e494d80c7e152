/** What is reported about a policy that loads and can hardly be meant. */

import type { PolicyIssue } from "../../errors.ts";
import type { Path } from "../document/path.ts";
import { keyOffsetOf, offsetOf } from "../document/place.ts";
import type { WrittenRule } from "../rule.ts";

/** What a warning is about. */
export type PolicyWarningCode =
  | "shadowed-allow"
  | "unreachable-deny"
  | "never-matches"
  | "contains-on-shell"
  | "any-program"
  | "allow-everything"
  | "missing-field"
  | "optional-field"
  | "unknown-schema";

/** Something in a policy that loads and can hardly be meant, with its place. */
export interface PolicyWarning extends PolicyIssue {
  readonly code: PolicyWarningCode;
}

/** A warning at a rule, or at a part of it: a key whose name is marked, or a position in a list. */
export function warnAt(rule: WrittenRule, code: PolicyWarningCode, message: string, part: Path = []): PolicyWarning {
  const { diagnostics, document } = rule.source;
  const path = [...rule.path, ...part];
  const offset = part.length > 0 ? keyOffsetOf(document.root, path) : offsetOf(document.root, path);
  return Object.freeze({ code, ...diagnostics.issueAt(offset, path, message) });
}
