/** `capfence policy check`: errors, and warnings of what can hardly be meant. */

import type { PolicyIssue } from "../../errors.ts";
import { lintPolicy } from "../../policy/lint/index.ts";
import type { PolicyWarning } from "../../policy/lint/warning.ts";
import { count } from "../count.ts";
import { EXIT, type ExitCode, type Host } from "../host.ts";
import { coloursFor, jsonLine, visible } from "../terminal.ts";
import { isSuiteName, tryPolicy, trySuite } from "./files.ts";
import { problemLines } from "./problems.ts";

/** The options of `capfence policy check`. */
export interface CheckOptions {
  readonly strict?: true;
  readonly json?: true;
}

/** What was found in one file. */
interface Checked {
  readonly file: string;
  readonly kind: "policy" | "suite";
  /** Rules or cases, those of extended files included; absent when the file is not valid. */
  readonly size?: number;
  /** Of a policy that is valid. */
  readonly digest?: string;
  readonly errors: readonly PolicyIssue[];
  readonly warnings: readonly PolicyWarning[];
}

/** Prints what was found in the files, errors first. */
export async function check(files: readonly string[], options: CheckOptions, host: Host): Promise<ExitCode> {
  const checked = await Promise.all(
    files.map(async (file) => (isSuiteName(file) ? checkSuite(file, host) : await checkPolicy(file, host))),
  );
  const isStrict = options.strict === true;
  const isOk = checked.every((each) => isGood(each, isStrict));
  host.stdout.write(options.json === true ? jsonLine({ ok: isOk, files: checked }) : describe(checked, isStrict, host));
  return isOk ? EXIT.ok : EXIT.finding;
}

function isGood({ errors, warnings }: Checked, isStrict: boolean): boolean {
  return errors.length === 0 && !(isStrict && warnings.length > 0);
}

async function checkPolicy(file: string, host: Host): Promise<Checked> {
  const loaded = await tryPolicy(file, host);
  if ("errors" in loaded) return { file, kind: "policy", errors: loaded.errors, warnings: [] };
  const { value: policy } = loaded;
  const warnings = lintPolicy(policy);
  return { file, kind: "policy", size: policy.rules.length, digest: policy.digest, errors: [], warnings };
}

function checkSuite(file: string, host: Host): Checked {
  const loaded = trySuite(file, host);
  if ("errors" in loaded) return { file, kind: "suite", errors: loaded.errors, warnings: [] };
  return { file, kind: "suite", size: loaded.value.cases.length, errors: [], warnings: [] };
}

function describe(checked: readonly Checked[], isStrict: boolean, host: Host): string {
  const { red, yellow, green } = coloursFor(host);
  const lines = [
    ...shown(
      checked.flatMap(({ errors }) => errors),
      "error",
      red,
    ),
    ...shown(
      checked.flatMap(({ warnings }) => warnings),
      "warning",
      yellow,
    ),
    ...checked.map((each) => (isGood(each, isStrict) ? green(`✓ ${summary(each)}`) : red(`✗ ${summary(each)}`))),
  ];
  return `${lines.join("\n")}\n`;
}

/** Each problem with its first line painted. A file that several policies extend has its problems once. */
function shown(issues: readonly PolicyIssue[], kind: string, paint: (text: string) => string): readonly string[] {
  const blocks = new Set(issues.map((issue) => problemLines(issue, kind).map(visible).join("\n")));
  return [...blocks].map((block) => block.replace(/^.*$/m, paint));
}

function summary({ file, kind, size = 0, errors, warnings }: Checked): string {
  if (errors.length > 0) return `${visible(file)}: ${count(errors.length, "error")}`;
  const contents = count(size, kind === "policy" ? "rule" : "case");
  return `${visible(file)}: ${contents}${warnings.length === 0 ? "" : `, ${count(warnings.length, "warning")}`}`;
}
