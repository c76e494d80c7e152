/** Policies and suites by the names that were typed. */

import { resolve } from "node:path";

import { PolicyLoadError, type PolicyIssue } from "../../errors.ts";
import { Policy } from "../../policy/policy.ts";
import { loadSuite, type PolicySuite } from "../../policy/suite/suite.ts";
import { CommandFailure } from "../command-failure.ts";
import { EXIT, type Host } from "../host.ts";
import { problemLines } from "./problems.ts";

/** A suite lies beside its policy: `shell.test.yaml` beside `shell.yaml`. */
const SUITE_NAME = /\.test(\.(?:ya?ml|json))$/i;

/** What was loaded, or why it was not. */
export type Loaded<T> = { readonly value: T } | { readonly errors: readonly PolicyIssue[] };

/** The paths of a suite and of the policy it is for. */
export interface SuiteAndPolicy {
  readonly suite: string;
  readonly policy: string;
}

/** Whether a file is a suite, by its name. */
export function isSuiteName(path: string): boolean {
  return SUITE_NAME.test(path);
}

/** The suite and the policy that belong together, given the path of either. */
export function suiteAndPolicy(path: string): SuiteAndPolicy {
  if (isSuiteName(path)) return { suite: path, policy: path.replace(SUITE_NAME, "$1") };
  const withEnding = /\.(?:ya?ml|json)$/i.test(path) ? path : `${path}.yaml`;
  return { suite: withEnding.replace(/\.[^.]+$/, (ending) => `.test${ending}`), policy: path };
}

/** `path` for a loader: as it was typed where that leads to the same file, since messages name it so. */
function pathIn(path: string, host: Host): string {
  return host.cwd === process.cwd() ? path : resolve(host.cwd, path);
}

/** Loads a policy and makes it ready to decide, or says what is wrong with it. */
export async function tryPolicy(path: string, host: Host): Promise<Loaded<Policy>> {
  const loaded = attempt(() => Policy.load(pathIn(path, host)));
  if ("errors" in loaded) return loaded;
  try {
    await loaded.value.ready();
    return loaded;
  } catch (error) {
    return problemsOf(error);
  }
}

/** Loads a suite, or says what is wrong with it. */
export function trySuite(path: string, host: Host): Loaded<PolicySuite> {
  return attempt(() => loadSuite(pathIn(path, host)));
}

/** The policy in a file, ready to decide. @throws CommandFailure with every problem, when it is not valid or can't be read. */
export async function loadPolicy(path: string, host: Host): Promise<Policy> {
  const loaded = await tryPolicy(path, host);
  if ("value" in loaded) return loaded.value;
  throw new CommandFailure(EXIT.finding, `${path} is not a valid policy`, {
    details: loaded.errors.flatMap((issue) => problemLines(issue)),
  });
}

function attempt<T>(load: () => T): Loaded<T> {
  try {
    return { value: load() };
  } catch (error) {
    return problemsOf(error);
  }
}

function problemsOf(error: unknown): { readonly errors: readonly PolicyIssue[] } {
  if (PolicyLoadError.isInstance(error)) return { errors: error.issues };
  throw error;
}
