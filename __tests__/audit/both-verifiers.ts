/** Verifies logs with both programs: ours, and tools/verify_audit.py, which was written from the document alone. */

import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { expect } from "vitest";

import type { Anchor } from "../../src/audit/checkpoints/anchor.ts";
import { signCheckpoint } from "../../src/audit/checkpoints/checkpoint.ts";
import { nodeFiles } from "../../src/audit/file/files.ts";
import { AuditLog } from "../../src/audit/log.ts";
import type { SignerKey } from "../../src/note.ts";
import { verifyLog, type VerifyReport } from "../../src/audit/verify.ts";
import { AuditUnavailableError } from "../../src/errors.ts";
import { decision, newLogPath, outcome, storedEntries, temporaryDirectory } from "./sample-log.ts";

/** The independent verifier. */
export const TOOL = fileURLToPath(new URL("../../tools/verify_audit.py", import.meta.url));
/** What it was written from. */
export const DOCUMENT = fileURLToPath(new URL("../../docs/audit-format.md", import.meta.url));

/** Whether the independent verifier can run here. */
export const hasPython =
  spawnSync("python3", ["-c", "import sqlite3, sys; sys.exit(sys.version_info < (3, 9))"]).status === 0;
/** Whether it can verify signatures here. */
export const hasOpenssl =
  hasPython && /^OpenSSL [3-9]/.test(spawnSync("openssl", ["version"], { encoding: "utf8" }).stdout);

/** A log's files by name, `audit.db` among them. */
export type Files = Readonly<Record<string, Uint8Array>>;

/** One log, made when it is asked for. */
export interface Tampered {
  readonly name: string;
  readonly files: () => Files;
  /** The entry that is to be found first, or that something is to be found; absent where two verifiers need only agree. */
  readonly broken?: number | "somewhere" | undefined;
}

/** What verification says, as far as two programs must agree. */
export type Verdict =
  | "no verdict"
  | { readonly broken: number | undefined }
  | {
      readonly [
        Member in "entries" | "from" | "last" | "anchor" | "withoutOutcome" | "withoutDecision" | "warnings"
      ]: VerifyReport[Member];
    };

function verdictOf(report: VerifyReport | { readonly error: string }): Verdict {
  if ("error" in report) return "no verdict";
  const { intact, problems, ...rest } = report;
  if (!intact) return { broken: problems[0]?.seq };
  const { entries, from, last, anchor, withoutOutcome, withoutDecision, warnings } = rest;
  return { entries, from, last, anchor, withoutOutcome, withoutDecision, warnings };
}

/** What ours says of the log at `path`. */
export async function ourVerdict(path: string, anchors: readonly Anchor[]): Promise<Verdict> {
  try {
    return verdictOf(await verifyLog(path, { anchors }));
  } catch (error) {
    // Anything else is a verifier that fell over.
    if (!AuditUnavailableError.isInstance(error)) throw error;
    return "no verdict";
  }
}

/** What a command line of the independent verifier did. */
export interface Answer {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the independent verifier. */
export function python(options: readonly string[], cwd?: string): Answer {
  const { status, stdout, stderr } = spawnSync("python3", [TOOL, ...options], {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
    timeout: 120_000,
    cwd,
  });
  return { code: status, stdout, stderr };
}

// Starting Python takes longer than what it is asked here.
const ONE_AFTER_ANOTHER = `
import importlib.util, io, json, sys
sys.dont_write_bytecode = True
spec = importlib.util.spec_from_file_location("verify_audit", sys.argv[1])
verifier = importlib.util.module_from_spec(spec)
spec.loader.exec_module(verifier)
answers = []
own = sys.stdout
for line in json.load(sys.stdin):
    sys.stdout, sys.stderr = (io.TextIOWrapper(io.BytesIO()) for _ in range(2))
    try:
        code = verifier.main(line)
    except SystemExit as error:
        code = error.code
    said = [stream.seek(0) or stream.read() for stream in (sys.stdout, sys.stderr)]
    answers.append({"code": code, "stdout": said[0], "stderr": said[1]})
sys.stdout, sys.stderr = own, sys.__stderr__
json.dump(answers, own)
`;

/** Runs several command lines of the independent verifier in one process. */
export function pythonForEach(lines: readonly (readonly string[])[], cwd: string): Answer[] {
  const input = JSON.stringify(lines);
  const { stdout, stderr } = spawnSync("python3", ["-c", ONE_AFTER_ANOTHER, TOOL], { encoding: "utf8", cwd, input });
  expect(stderr).toBe("");
  return JSON.parse(stdout) as Answer[];
}

/** The other program's verdicts on all these logs, from one run of it. */
export function theirVerdicts(paths: readonly string[], options: readonly string[]): Verdict[] {
  const { stdout, stderr } = python(["--json", ...options, ...paths]);
  expect(stderr).not.toContain("Traceback");
  const reports = stdout
    .split("\n")
    .slice(0, -1)
    .map((each) => JSON.parse(each) as (VerifyReport | { readonly error: string }) & { readonly path: string });
  expect(reports.map(({ path }) => path)).toEqual(paths);
  return reports.map(verdictOf);
}

/** What both say of each log, by the log's name. */
export interface Verdicts {
  readonly ours: Record<string, Verdict>;
  readonly theirs: Record<string, Verdict>;
}

/** Puts logs into a directory each, and asks both verifiers about all of them. */
export async function bothVerdicts(
  logs: ReadonlyMap<string, Files>,
  anchors: readonly Anchor[] = [],
  options: readonly string[] = [],
): Promise<Verdicts> {
  const directory = temporaryDirectory();
  const paths = [...logs.values()].map((files, index) => putLog(join(directory, String(index)), files));
  const ours: Verdict[] = [];
  for (const path of paths) ours.push(await ourVerdict(path, anchors));
  const theirs = theirVerdicts(paths, options);
  const byName = (verdicts: readonly Verdict[]): Record<string, Verdict> =>
    Object.fromEntries([...logs.keys()].map((name, index) => [name, verdicts[index] ?? "no verdict"]));
  return { ours: byName(ours), theirs: byName(theirs) };
}

/** Expects both to say the same of each log, and to find what is to be found. */
export async function expectAgreement(logs: readonly Tampered[]): Promise<void> {
  expect(new Set(logs.map(({ name }) => name)).size).toBe(logs.length);
  const { ours, theirs } = await bothVerdicts(new Map(logs.map(({ name, files }) => [name, files()])));
  expect(theirs).toEqual(ours);
  for (const { name, broken } of logs) {
    if (typeof broken === "number") expect(ours[name], name).toEqual({ broken });
    if (broken === "somewhere") expect(ours[name], name).toHaveProperty("broken");
  }
}

/** Puts a log into a new directory; answers its path. */
export function putLog(directory: string, files: Files): string {
  mkdirSync(directory);
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(directory, name), bytes);
  return join(directory, "audit.db");
}

let segmented: Promise<Files> | undefined;

/** A log in segments whose last entries are in its tail; always the same one. */
export function segmentedFiles(): Promise<Files> {
  segmented ??= newSegmentedFiles();
  return segmented;
}

/** Another log like {@link segmentedFiles}. */
export async function newSegmentedFiles(): Promise<Files> {
  const path = newLogPath();
  for (let part = 0; ; part += 1) {
    const log = new AuditLog(path, { files: nodeFiles, now: Date.now, segmentEntries: 5 });
    for (let n = 0; n < 3; n += 1) await log.append(outcome(await log.append(decision({ actor: "агент" }))));
    if (part < 3) await log.close();
    else {
      // Of a decision that may be archived, and is answered already.
      await log.append(outcome({ seq: 1, hash: "" }));
      const files = filesOf(path);
      await log.close();
      return files;
    }
  }
}

/** The files at `path` that are the log. */
export function filesOf(path: string): Files {
  const names = readdirSync(join(path, "..")).filter((name) => /^audit\.db(-tail|\.[0-9a-f]{8}\.\d+)?$/.test(name));
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(path, "..", name))]));
}

/** A log without some of its files. */
export function without(files: Files, ...names: readonly string[]): Files {
  return Object.fromEntries(Object.entries(files).filter(([name]) => !names.includes(name)));
}

/** A file of a log. */
export function bytesOf(files: Files, name: string): Uint8Array {
  return files[name] ?? new Uint8Array();
}

/** The names of a log's segments, oldest first. */
export function segmentsOf(files: Files): string[] {
  const names = Object.keys(files).filter((name) => /\.\d+$/.test(name));
  return names.toSorted((left, right) => Number(left.split(".").at(-1)) - Number(right.split(".").at(-1)));
}

/** A checkpoint of the log's first `size` entries. */
export function checkpointOf(path: string, size: number, signer: SignerKey): string {
  const { seq, hash, body } = storedEntries(path)[size - 1] ?? { seq: 0, hash: "", body: "{}" };
  return signCheckpoint((JSON.parse(body) as { log: string }).log, { seq, hash }, signer);
}

/** Puts text into a file of its own. */
export function written(text: string): string {
  const path = join(temporaryDirectory(), "checkpoint");
  writeFileSync(path, text);
  return path;
}
