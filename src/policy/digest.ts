/** The digest of a policy: the same for every file that says the same. */

import { createHash } from "node:crypto";

import canonicalize from "canonicalize";

import type { PolicyDocument } from "./document.ts";
import { SECTIONS } from "./rule.ts";

/**
 * The lower-case hexadecimal SHA-256 of a valid document in canonical JSON (RFC 8785), every rule written as a mapping and
 * every section present. Comments, key order and the file's name make no difference. The order of rules does: decisions
 * name a rule by its position.
 */
export function digestOf(document: PolicyDocument): string {
  const written = document.data as Readonly<Record<string, unknown>>;
  const sections = SECTIONS.map((section) => {
    const rules = (written[section] ?? []) as readonly unknown[];
    return [section, rules.map((rule) => (typeof rule === "string" ? { capability: rule } : rule))] as const;
  });
  const resolved = { ...written, ...Object.fromEntries(sections) };
  return createHash("sha256")
    .update(canonicalize(resolved) ?? "")
    .digest("hex");
}
