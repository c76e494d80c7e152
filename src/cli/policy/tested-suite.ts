/** One suite, run against its policy. */

import type { PolicyIssue } from "../../errors.ts";
import { runSuite, type Coverage, type SuiteResult } from "../../policy/suite/suite-run.ts";
import type { Host } from "../host.ts";
import { tryPolicy, trySuite, type SuiteAndPolicy } from "./files.ts";

/** How one suite went; `result` is absent when it could not be run. */
export interface Tested {
  readonly suite: string;
  readonly policy: string;
  /** Why the policy is not valid. */
  readonly policyErrors: readonly PolicyIssue[];
  /** Why the suite can't be read or is not valid. */
  readonly suiteErrors: readonly PolicyIssue[];
  readonly result?: SuiteResult;
  /** Whether enough was tried. */
  readonly enough: boolean;
}

/** Whether at least `percent` of it was tried. What has no parts has been tried. */
export function isEnough({ covered, total }: Coverage, percent: number): boolean {
  return covered * 100 >= total * percent;
}

/** Runs a suite against its policy. `percent` of the rules and of the conditions is enough. */
export async function testSuite({ suite, policy }: SuiteAndPolicy, percent: number, host: Host): Promise<Tested> {
  const checked = await tryPolicy(policy, host);
  const cases = trySuite(suite, host);
  const policyErrors = "errors" in checked ? checked.errors : [];
  const suiteErrors = "errors" in cases ? cases.errors : [];
  if ("errors" in checked || "errors" in cases) return { suite, policy, policyErrors, suiteErrors, enough: false };
  const result = runSuite(checked.value, cases.value);
  const enough = isEnough(result.rules, percent) && isEnough(result.conditions, percent);
  return { suite, policy, policyErrors, suiteErrors, result, enough };
}
