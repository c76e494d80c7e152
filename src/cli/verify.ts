/** `capfence verify`: whether the log's hash chain holds. */

import { resolve } from "node:path";

import { defaultAuditLog } from "../audit/default-path.ts";
import { verifyLog, type VerifyReport } from "../audit/verify.ts";
import { EXIT, type ExitCode, type Host } from "./host.ts";
import { coloursFor, jsonLine, visible } from "./terminal.ts";
import { formatTime } from "./time.ts";

/** The options of `capfence verify`. */
export interface VerifyOptions {
  readonly auditLog?: string;
  readonly json?: true;
}

/** Problems told after the first; a damaged log may have one for every entry, and the report itself stops at some number. */
const MAX_FURTHER = 10;

/**
 * Prints what was found.
 *
 * @throws AuditUnavailableError when the log cannot be read.
 */
export async function verify(options: VerifyOptions, host: Host): Promise<ExitCode> {
  const report = await verifyLog(resolve(host.cwd, options.auditLog ?? defaultAuditLog(host.env)));
  if (options.json === true) host.stdout.write(jsonLine(report));
  else host.stdout.write(`${describe(report, host).join("\n")}\n`);
  return report.intact ? EXIT.ok : EXIT.finding;
}

function describe(report: VerifyReport, host: Host): string[] {
  const colours = coloursFor(host);
  const warnings = report.warnings.map((warning) => `Warning: ${visible(warning)}`);
  if (!report.intact) return [...describeProblems(report, colours.red), ...warnings];
  const { last } = report;
  const count = `${report.entries} ${report.entries === 1 ? "entry" : "entries"} verified.`;
  return [
    colours.green(`✓ Audit chain intact. ${count}`),
    ...(last === undefined ? [] : [`Last entry: ${last.seq} at ${visible(formatTime(last.ts))} UTC.`]),
    "Unanchored: a cut tail or a full rewrite would not show.",
    ...warnings,
  ];
}

function describeProblems({ problems }: VerifyReport, paint: (text: string) => string): string[] {
  const [first, ...others] = problems;
  const place = first?.seq === undefined ? "" : ` at entry ${first.seq}`;
  const further = others
    .slice(0, MAX_FURTHER)
    .map(({ seq, what }) => `  ${seq === undefined ? "" : `entry ${seq}: `}${visible(what)}`);
  const untold = others.length - further.length;
  return [
    paint(`✗ Audit chain broken${place}: ${visible(first?.what ?? "the reason is not known")}`),
    ...further,
    ...(untold > 0 ? [`  and at least ${untold} more`] : []),
  ];
}
