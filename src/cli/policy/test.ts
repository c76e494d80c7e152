/** `capfence policy test`: runs the suites of policies. */

import { EXIT, type ExitCode, type Host } from "../host.ts";
import { jsonLine } from "../terminal.ts";
import { suiteAndPolicy } from "./files.ts";
import { describeTests } from "./shown-tests.ts";
import { testSuite, type Tested } from "./tested-suite.ts";

/** The options of `capfence policy test`. */
export interface TestOptions {
  /** Per cent, 0 to 100, of the rules and of the conditions. */
  readonly minCoverage?: number;
  readonly json?: true;
}

/** Prints how each suite went. A suite that can't be run does not keep others from running. */
export async function test(files: readonly string[], options: TestOptions, host: Host): Promise<ExitCode> {
  // A policy and its suite may both be named, by a pattern of the shell.
  const suites = new Map(files.map(suiteAndPolicy).map((pair) => [pair.suite, pair]));
  const pairs = [...suites.values()];
  const tested = await Promise.all(pairs.map((pair) => testSuite(pair, options.minCoverage ?? 0, host)));
  const codes = tested.map(exitCodeOf);
  if (options.json === true) {
    host.stdout.write(jsonLine({ ok: codes.every((code) => code === EXIT.ok), suites: tested }));
  } else {
    host.stdout.write(describeTests(tested, options.minCoverage, host));
  }
  return codes.find((code) => code === EXIT.finding) ?? codes.find((code) => code !== EXIT.ok) ?? EXIT.ok;
}

function exitCodeOf({ policyErrors, suiteErrors, result, enough }: Tested): ExitCode {
  if (policyErrors.length > 0) return EXIT.finding;
  if (suiteErrors.length > 0) return EXIT.failed;
  return result?.passed === true && enough ? EXIT.ok : EXIT.finding;
}
