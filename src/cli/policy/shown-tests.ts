/** What `capfence policy test` shows: each case by its name, and what was tried. */

import type { CaseResult, Coverage } from "../../policy/suite/suite-run.ts";
import { count } from "../count.ts";
import type { Host } from "../host.ts";
import { coloursFor, visible, type Colours } from "../terminal.ts";
import { problemLines } from "./problems.ts";
import { describeDecision } from "./shown-explanation.ts";
import { isEnough, type Tested } from "./tested-suite.ts";

/** The lines about all suites, the total last. */
export function describeTests(tested: readonly Tested[], minCoverage: number | undefined, host: Host): string {
  const colours = coloursFor(host);
  const lines = tested.flatMap((each) => describeSuite(each, minCoverage, colours));
  const cases = tested.flatMap(({ result }) => result?.cases ?? []);
  const failed = cases.filter(({ passed }) => !passed).length;
  const unrun = tested.filter(({ result }) => result === undefined).length;
  const little = tested.filter(({ result, enough }) => result !== undefined && !enough).length;
  const problems = [
    ...(failed === 0 ? [] : [`${failed} failed`]),
    ...(unrun === 0 ? [] : [`${count(unrun, "suite")} could not be run`]),
    ...(little === 0 ? [] : [`${count(little, "suite")} tried less than ${minCoverage ?? 0} %`]),
  ];
  const total =
    problems.length === 0
      ? colours.green(`✓ ${count(cases.length, "case")} passed.`)
      : colours.red(`✗ ${count(cases.length, "case")}: ${problems.join(", ")}.`);
  return `${[...lines, total].join("\n")}\n`;
}

function describeSuite(tested: Tested, minCoverage: number | undefined, { red, green }: Colours): readonly string[] {
  const { suite, policy, policyErrors, suiteErrors, result } = tested;
  const errors = [...policyErrors, ...suiteErrors].flatMap((issue) => problemLines(issue));
  const title = `${visible(suite)} (${visible(policy)})`;
  if (result === undefined) return [title, ...errors.map((line) => `  ${visible(line)}`)];
  const coverage = (what: string, tried: Coverage): readonly string[] => {
    const isMissed = minCoverage !== undefined && !isEnough(tried, minCoverage);
    const line = `  ${what} tried: ${tried.covered} of ${tried.total} (${percentOf(tried)} %)`;
    return [isMissed ? red(line) : line, ...tried.missed.map((name) => `    not ${visible(name)}`)];
  };
  return [
    title,
    ...result.cases.flatMap((each) => {
      if (each.passed) return [`  ${green("✓")} ${visible(each.name)}`];
      return [`  ${red(`✗ ${visible(each.name)}`)}`, ...describeMiss(each).map((line) => `      ${line}`)];
    }),
    ...coverage("rules", result.rules),
    ...coverage("conditions", result.conditions),
  ];
}

function describeMiss({ expected, decision, source }: CaseResult): readonly string[] {
  const { rule } = expected;
  const by = rule === undefined ? "" : rule === null ? ", by no rule" : `, by ${visible(rule)}`;
  return [
    `at ${visible(source.file)}:${source.line}`,
    `expected ${expected.decision}${by}`,
    `decided  ${describeDecision(decision)}`,
  ];
}

/** Rounded down, so that only all of it is 100. */
function percentOf({ covered, total }: Coverage): number {
  return total === 0 ? 100 : Math.floor((covered * 100) / total);
}
