/** `capfence verify`: whether the log's hash chain holds, and whether it is still the one that checkpoints were made of. */

import { resolve } from "node:path";

import type { Anchor } from "../audit/checkpoints/anchor.ts";
import { openCheckpoint } from "../audit/checkpoints/checkpoint.ts";
import type { VerifyProblem } from "../audit/checks/findings.ts";
import type { VerifierKey } from "../note.ts";
import { verifyLog, type VerifyReport } from "../audit/verify.ts";
import { fileProblem } from "../file-problem.ts";
import { readNoteFile } from "../note-file.ts";
import { CommandFailure } from "./command-failure.ts";
import { count } from "./count.ts";
import { EXIT, type ExitCode, type Host } from "./host.ts";
import { readVerifier } from "./key-files.ts";
import { auditLogPath } from "./log-path.ts";
import { coloursFor, jsonLine, visible } from "./terminal.ts";
import { formatTime } from "./time.ts";

/** The options of `capfence verify`. */
export interface VerifyOptions {
  readonly auditLog?: string;
  /** Files. */
  readonly checkpoint?: readonly string[];
  /** Keys, or files that hold one. */
  readonly vkey?: readonly string[];
  /** Entries, the genesis entry included. */
  readonly minSize?: number;
  readonly json?: true;
}

/** Problems told after the first; a damaged log may have one for every entry, and the report itself stops at some number. */
const MAX_FURTHER = 10;

/**
 * Prints what was found.
 *
 * @throws AuditUnavailableError when the log cannot be read.
 * @throws CommandFailure when a checkpoint or a key cannot be read.
 */
export async function verify(options: VerifyOptions, host: Host): Promise<ExitCode> {
  const { checkpoint = [], vkey = [], minSize = 0 } = options;
  // A key that lies beside the log is no evidence about the log, so there is no default.
  if (checkpoint.length > 0 !== vkey.length > 0) {
    const [given, missing] = vkey.length > 0 ? ["--vkey", "--checkpoint"] : ["--checkpoint", "--vkey"];
    throw new CommandFailure(EXIT.usage, `option '${given}' means nothing without option '${missing}'`);
  }
  const keys = vkey.map((each) => readVerifier(each, host));
  const { anchors, problems } = openCheckpoints(checkpoint, keys, host);
  const report = await verifyLog(auditLogPath(options.auditLog, host), { anchors, minSize });
  const intact = report.intact && problems.length === 0;
  if (options.json === true) {
    host.stdout.write(jsonLine({ ...report, intact, problems: [...report.problems, ...problems] }));
  } else {
    host.stdout.write(`${describe(report, problems, host).join("\n")}\n`);
  }
  return intact ? EXIT.ok : EXIT.finding;
}

function openCheckpoints(
  files: readonly string[],
  keys: readonly VerifierKey[],
  host: Host,
): { readonly anchors: readonly Anchor[]; readonly problems: VerifyProblem[] } {
  const anchors: Anchor[] = [];
  const problems: VerifyProblem[] = [];
  for (const file of files) {
    const note = readCheckpoint(resolve(host.cwd, file));
    try {
      anchors.push(openCheckpoint(note, keys));
    } catch (error) {
      problems.push({ what: `the checkpoint ${file} is no proof: ${fileProblem(error)}` });
    }
  }
  return { anchors, problems };
}

function readCheckpoint(path: string): string {
  try {
    return readNoteFile(path);
  } catch (error) {
    throw new CommandFailure(EXIT.failed, `checkpoint ${path}: ${fileProblem(error)}`, { cause: error });
  }
}

function describe(report: VerifyReport, problems: readonly VerifyProblem[], host: Host): string[] {
  const colours = coloursFor(host);
  const warnings = report.warnings.map((warning) => `Warning: ${visible(warning)}`);
  if (!report.intact) {
    return [...describeProblems("Audit chain broken", [...report.problems, ...problems], colours.red), ...warnings];
  }
  const { last } = report;
  const verified = `${count(report.entries, "entry", "entries")} verified.`;
  const place = [
    ...describeStart(report),
    ...(last === undefined ? [] : [`Last entry: ${last.seq} at ${visible(formatTime(last.ts))} UTC.`]),
  ];
  if (problems.length > 0) {
    const alone = `The chain in itself is intact. ${verified}`;
    return [...describeProblems("Not anchored", problems, colours.red), alone, ...place, ...warnings];
  }
  return [
    colours.green(`✓ Audit chain intact. ${verified}`),
    ...place,
    describeAnchor(report),
    ...describePairing(report),
    ...warnings,
  ];
}

/** People count from the first entry after the genesis entry, which is 0. */
function describeStart({ from }: VerifyReport): string[] {
  if (from === undefined) return [];
  const absent = from > 2 ? `entries 1 to ${from - 1} are` : from === 2 ? "entry 1 is" : "the genesis entry is";
  return [`Verified from entry ${from}; ${absent} absent.`];
}

function describeAnchor({ anchor, last }: VerifyReport): string {
  if (anchor === undefined) {
    return "Unanchored: a cut tail or a full rewrite would not show. See capfence checkpoint.";
  }
  const after = (last?.seq ?? anchor.seq) - anchor.seq;
  const signers = anchor.signedBy.map(visible).join(", ");
  return `Anchored to entry ${anchor.seq} by ${signers}; ${count(after, "entry", "entries")} after it.`;
}

function describePairing({ withoutOutcome, withoutDecision }: VerifyReport): string[] {
  if (withoutOutcome === 0 && withoutDecision === 0) return [];
  const decisions = `${count(withoutOutcome, "decision", "decisions")} without an outcome`;
  return [`${decisions}; ${count(withoutDecision, "outcome", "outcomes")} without an allowing decision.`];
}

function describeProblems(
  headline: string,
  [first, ...others]: readonly VerifyProblem[],
  paint: (text: string) => string,
): string[] {
  const place = first?.seq === undefined ? "" : ` at entry ${first.seq}`;
  const further = others
    .slice(0, MAX_FURTHER)
    .map(({ seq, what }) => `  ${seq === undefined ? "" : `entry ${seq}: `}${visible(what)}`);
  const untold = others.length - further.length;
  return [
    paint(`✗ ${headline}${place}: ${visible(first?.what ?? "the reason is not known")}`),
    ...further,
    ...(untold > 0 ? [`  and at least ${untold} more`] : []),
  ];
}
