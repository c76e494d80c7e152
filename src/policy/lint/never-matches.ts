/** Rules with conditions that no call can satisfy. */

import { COMPARISON_NAMES } from "../conditions/amount/quantity.ts";
import { listed } from "../conditions/condition.ts";
import { RISK_OF_KIND } from "../risk.ts";
import type { WrittenRule } from "../rule.ts";
import { warnAt, type PolicyWarning } from "./warning.ts";

type Fields = Readonly<Record<string, unknown>>;

/** A problem, and where in the rule it shows. */
type Finding = readonly [path: readonly (string | number)[], message: string];

/** Rules that can never apply. */
export function neverMatching(rules: readonly WrittenRule[]): readonly PolicyWarning[] {
  return rules.flatMap((rule) =>
    findings(rule.fields).map(([path, message]) => warnAt(rule, "never-matches", `can never match: ${message}`, path)),
  );
}

function findings(fields: Fields): readonly Finding[] {
  return [
    ...emptyRanges(fields, "amount_", []),
    ...(isRecord(fields["amount"]) ? emptyRanges(fields["amount"], "", ["amount"]) : []),
    ...emptyRanges(fields, "caller_depth_", []),
    ...impossibleFields(fields["payload"]),
    ...impossibleNames(fields),
  ];
}

/** Lower bounds that lie above upper ones. */
function emptyRanges(fields: Fields, prefix: string, path: readonly string[]): readonly Finding[] {
  const bounds = COMPARISON_NAMES.flatMap((name) => {
    const value = fields[`${prefix}${name}`];
    return value === undefined ? [] : [{ name, value: Number(value) }];
  });
  return bounds.flatMap((low) =>
    bounds.flatMap((high): readonly Finding[] => {
      if (!low.name.startsWith("g") || !high.name.startsWith("l")) return [];
      const open = low.name === "gt" || high.name === "lt";
      const empty = low.value > high.value || (open && low.value === high.value);
      const [least, most] = [`${prefix}${low.name}: ${low.value}`, `${prefix}${high.name}: ${high.value}`];
      return empty ? [[[...path, `${prefix}${high.name}`], `nothing is both ${least} and ${most}`]] : [];
    }),
  );
}

function impossibleFields(payload: unknown): readonly Finding[] {
  if (!isRecord(payload)) return [];
  return Object.entries(payload).flatMap(([field, matcher]): readonly Finding[] => {
    if (!isRecord(matcher)) return [];
    const others = Object.keys(matcher).filter((key) => key !== "exists");
    const absent = matcher["exists"] === false && others.length > 0;
    const ranges = emptyRanges(matcher, "", ["payload", field]);
    return absent ? [...ranges, [["payload", field], `an absent ${field} has nothing to compare`]] : ranges;
  });
}

/** Names that an event cannot have. Where a list has others beside them, the rule can still match. */
function impossibleNames(fields: Fields): readonly Finding[] {
  const impossible = (key: string, problem: (name: string) => string | undefined): readonly Finding[] => {
    if (fields[key] === undefined) return [];
    const problems = listed(fields[key]).map((name) => (typeof name === "string" ? problem(name) : undefined));
    const [first] = problems;
    return first !== undefined && problems.every((each) => each !== undefined) ? [[[key], first]] : [];
  };
  return [
    ...impossible("environment", (name) => (name === "" ? "an environment is never empty" : undefined)),
    ...impossible("risk_level", riskProblem),
  ];
}

function riskProblem(name: string): string | undefined {
  if (name === "") return "a risk level is never empty";
  const level = RISK_OF_KIND.get(name);
  if (level !== undefined) return `the level of ${name} is ${level}; write that`;
  return name === name.toLowerCase() ? undefined : `levels are in lower case; write ${name.toLowerCase()}`;
}

function isRecord(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
