/** The older flat list `rules`, each rule with an `action`: what its rules are in today's sections. */

import type { DecisionKind } from "../event.ts";

const SECTION_OF: Readonly<Record<string, DecisionKind>> = {
  allow: "allow",
  warn: "allow",
  require_approval: "require_approval",
  deny: "deny",
  block: "deny",
};

/** A rule of the list as a rule of a section; `undefined` when it has no action that is known. */
export function modernRule(
  written: Readonly<Record<string, unknown>>,
): { readonly section: DecisionKind; readonly rule: Readonly<Record<string, unknown>> } | undefined {
  const { action, ...rule } = written;
  if (typeof action !== "string" || !Object.hasOwn(SECTION_OF, action)) return undefined;
  const section = SECTION_OF[action];
  return section && { section, rule: { capability: "*", ...rule } };
}
