/** Rules that another rule leaves nothing to do. */

import { CapabilityIndex } from "../matching/capability-index.ts";
import type { WrittenRule } from "../rule.ts";
import { patternsOverlap, ruleCovers } from "./coverage.ts";
import { warnAt, type PolicyWarning } from "./warning.ts";

/** Allow and require_approval rules that apply only to calls that are denied. */
export function shadowedAllows(rules: readonly WrittenRule[]): readonly PolicyWarning[] {
  const broader = broaderDenies(rules);
  return rules.flatMap((rule) => {
    if (isDeny(rule)) return [];
    const [shadow] = broader(rule);
    if (shadow === undefined) return [];
    return warnAt(rule, "shadowed-allow", `never takes effect: ${nameOf(shadow)} denies everything it covers`);
  });
}

/** Deny rules that no call reaches first or at all. */
export function unreachableDenies(rules: readonly WrittenRule[]): readonly PolicyWarning[] {
  const broader = broaderDenies(rules);
  const others = rules.filter((rule) => !isDeny(rule));
  const overlaps = overlapping(others.map(({ capability }) => capability));
  return rules.filter(isDeny).flatMap((rule) => {
    // Of two that cover one another, the later makes no difference.
    const other = broader(rule).find((deny) => deny !== rule && (deny.order < rule.order || !ruleCovers(rule, deny)));
    if (other !== undefined) {
      return warnAt(rule, "unreachable-deny", `makes no difference: ${nameOf(other)} denies everything it covers`);
    }
    // A reason makes a difference to the agent that reads it.
    if (others.length === 0 || rule.fields["reason"] !== undefined || overlaps(rule.capability)) return [];
    const message = "makes no difference: nothing here allows what it covers, so that is denied anyway";
    return warnAt(rule, "unreachable-deny", message);
  });
}

/** Finds the deny rules that apply to every call that a rule applies to. */
function broaderDenies(rules: readonly WrittenRule[]): (rule: WrittenRule) => readonly WrittenRule[] {
  const index = new CapabilityIndex<WrittenRule>();
  for (const rule of rules) if (isDeny(rule)) index.add(rule.capability, rule);
  return (rule) =>
    index
      .find(rule.capability)
      .flatMap(({ value, answer }) => (answer === "yes" && ruleCovers(value, rule) ? value : []));
}

/** Tells whether a pattern and any of `patterns` cover a call in common. */
function overlapping(patterns: readonly string[]): (pattern: string) => boolean {
  const byFirst = new Map<string, string[]>();
  for (const pattern of new Set(patterns)) {
    const first = firstSegment(pattern);
    byFirst.set(first, [...(byFirst.get(first) ?? []), pattern]);
  }
  return (pattern) => {
    const first = firstSegment(pattern);
    const near = first === "*" ? patterns : [...(byFirst.get(first) ?? []), ...(byFirst.get("*") ?? [])];
    return near.some((each) => patternsOverlap(each, pattern));
  };
}

function firstSegment(pattern: string): string {
  return pattern.split(".")[0] ?? "";
}

function isDeny({ decision }: WrittenRule): boolean {
  return decision.decision === "deny";
}

function nameOf({ decision: { rule } }: WrittenRule): string {
  return `${rule.id} (${rule.source.file}:${rule.source.line})`;
}
