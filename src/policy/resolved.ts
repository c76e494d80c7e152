/** A policy as one document: what all its files say together, in today's words. */

import { createHash } from "node:crypto";

import canonicalize from "canonicalize";

import { stricterActions, readRiskActions, type RiskActions } from "./risk-levels.ts";
import { SECTIONS, type WrittenRule } from "./rule.ts";
import type { PolicySource } from "./document/sources.ts";

/** A policy as one plain document, which a policy can be made of again that decides alike. */
export type ResolvedPolicy = Readonly<Record<string, unknown>>;

/** What is said about the policy as a whole, by the file that was named. */
const HEADER = ["version", "policy_name", "description"] as const;

/**
 * The policy as one document: rules of extended files first, older rules in their sections, every rule a mapping, every
 * section present, risk levels and the approval timeout the strictest of all files.
 */
export function resolvePolicy(sources: readonly PolicySource[], rules: readonly WrittenRule[]): ResolvedPolicy {
  const named = documentOf(sources.at(-1));
  const header = HEADER.flatMap((key) => (named[key] === undefined ? [] : [[key, named[key]] as const]));
  const timeout = approvalTimeout(sources);
  const risks = Object.entries(riskActions(sources)).map(([level, action]) => [level, { action }] as const);
  const sections = SECTIONS.map((section) => {
    const own = rules.filter(({ decision }) => decision.decision === section);
    return [section, own.map(({ fields }) => fields)] as const;
  });
  return {
    ...Object.fromEntries(header),
    ...(timeout === undefined ? {} : { approval_timeout_seconds: timeout }),
    ...(risks.length === 0 ? {} : { risk_levels: Object.fromEntries(risks) }),
    ...Object.fromEntries(sections),
  };
}

/**
 * The lower-case hexadecimal SHA-256 of a resolved policy in canonical JSON (RFC 8785). Comments, key order, how the policy
 * is split into files and their names make no difference. The order of rules does: decisions name a rule by its position.
 */
export function digestOf(resolved: ResolvedPolicy): string {
  const text = canonicalize(resolved);
  if (text === undefined) throw new TypeError("a resolved policy is a document");
  return createHash("sha256").update(text).digest("hex");
}

/** What risk levels do, by the strictest of all files. */
export function riskActions(sources: readonly PolicySource[]): RiskActions {
  return sources.reduce<RiskActions>(
    (actions, source) => stricterActions(actions, readRiskActions(documentOf(source)["risk_levels"])),
    {},
  );
}

/** The shortest approval timeout of all files, in seconds; `undefined` when none says one. */
export function approvalTimeout(sources: readonly PolicySource[]): number | undefined {
  const timeouts = sources.map((source) => documentOf(source)["approval_timeout_seconds"]);
  const numbers = timeouts.filter((each) => typeof each === "number");
  return numbers.length === 0 ? undefined : Math.min(...numbers);
}

function documentOf(source: PolicySource | undefined): Readonly<Record<string, unknown>> {
  const data = source?.document.data;
  return typeof data === "object" && data !== null ? (data as Readonly<Record<string, unknown>>) : {};
}
