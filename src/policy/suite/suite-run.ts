/** Runs a suite against a policy, and tells what of the policy it has tried. */

import type { Decision } from "../../event.ts";
import type { Explanation } from "../explain.ts";
import type { Policy } from "../policy.ts";
import type { PolicySuite, SuiteCase } from "./suite.ts";

/** How one case went. */
export interface CaseResult {
  readonly name: string;
  readonly passed: boolean;
  readonly expected: SuiteCase["expect"];
  readonly decision: Decision;
  readonly source: SuiteCase["source"];
}

/** How much of something was tried. */
export interface Coverage {
  readonly covered: number;
  readonly total: number;
  /** What was not: `shell.yaml:deny[0]`, and for conditions `shell.yaml:deny[0].contains`. */
  readonly missed: readonly string[];
}

/** How a suite went. Plain data. */
export interface SuiteResult {
  readonly passed: boolean;
  readonly cases: readonly CaseResult[];
  /** Rules that took effect in some case. */
  readonly rules: Coverage;
  /** Conditions that held in some case and did not in another, which their rule's capability covered. */
  readonly conditions: Coverage;
}

/** Runs every case of a suite. Synchronous; a case that fails stops nothing. */
export function runSuite(policy: Policy, suite: PolicySuite): SuiteResult {
  const explanations = suite.cases.map(({ event }) => policy.explain(event));
  const cases = suite.cases.map((each, index) =>
    resultOf(each, explanations[index]?.decision ?? policy.evaluate(each.event)),
  );
  return { passed: cases.every(({ passed }) => passed), cases, ...coverageOf(policy, explanations) };
}

function resultOf({ name, expect, source }: SuiteCase, decision: Decision): CaseResult {
  const ruleFits = expect.rule === undefined || (decision.rule?.id ?? null) === expect.rule;
  return { name, passed: decision.decision === expect.decision && ruleFits, expected: expect, decision, source };
}

function coverageOf(policy: Policy, explanations: readonly Explanation[]): Pick<SuiteResult, "rules" | "conditions"> {
  const fired = new Set<string>();
  const seen = new Set<string>();
  for (const { rules } of explanations) {
    for (const { rule, fires, conditions } of rules) {
      const name = nameOf(rule);
      if (fires) fired.add(name);
      for (const { key, answer } of conditions) seen.add(`${name}.${key} ${answer === "no" ? "no" : "holds"}`);
    }
  }
  const rules = policy.rules.map(({ decision }) => nameOf(decision.rule));
  const conditions = policy.rules.flatMap(({ decision, conditions: all }) =>
    all.map(({ key }) => `${nameOf(decision.rule)}.${key}`),
  );
  return {
    rules: coverage(rules, (name) => fired.has(name)),
    conditions: coverage(conditions, (name) => seen.has(`${name} no`) && seen.has(`${name} holds`)),
  };
}

/** Names a rule as people find it; those of extended files with their file. */
function nameOf({ id, source }: { readonly id: string; readonly source: { readonly file: string } }): string {
  return `${source.file}:${id}`;
}

function coverage(names: readonly string[], isCovered: (name: string) => boolean): Coverage {
  const missed = names.filter((name) => !isCovered(name));
  return { covered: names.length - missed.length, total: names.length, missed };
}
