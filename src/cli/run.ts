/** The command line: what commands there are, what they take, and what their failures look like. */

import { readFileSync } from "node:fs";

import { Command, CommanderError, InvalidArgumentError, Option, type OutputConfiguration } from "commander";

import { CapFenceError } from "../errors.ts";
import type { DecisionKind } from "../event.ts";
import { EXIT, type ExitCode, type Host } from "./host.ts";
import type { LogsOptions } from "./logs.ts";
import { visible } from "./terminal.ts";
import { parseTime } from "./time.ts";
import type { VerifyOptions } from "./verify.ts";

const DECISIONS: readonly DecisionKind[] = ["allow", "deny", "require_approval"];

const EXIT_CODES = `
Exit codes:
  0  fine
  1  could not do it
  2  wrong usage`;

const FINDING = "  3  a finding: the audit chain is broken";

const TIMES = `
Times are UTC. A <time> is a date (2026-01-15), a time (2026-01-15T10:23, with a zone if you like), or how long ago
(30s, 15m, 2h, 7d, 1w).`;

/**
 * Runs one command line, without the program's own name, and resolves to the exit code. Never rejects: what goes wrong
 * is told on `host.stderr`.
 */
export async function run(argv: readonly string[], host: Host): Promise<number> {
  let code: ExitCode = EXIT.ok;
  const program = commandLine(host, (result) => {
    code = result;
  });
  try {
    await program.parseAsync(argv, { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    host.stderr.write(describeFailure(error));
    return EXIT.failed;
  }
}

/** The commands. Each one's module is loaded only when it is chosen, so that the others cost nothing. */
function commandLine(host: Host, finish: (code: ExitCode) => void): Command {
  const program = new Command("capfence")
    .description("Reads and checks the audit logs that CapFence writes.")
    .exitOverride()
    .configureOutput(outputOf(host))
    .version(packageVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand("help [command]", "print help for a command")
    .addHelpText("after", EXIT_CODES)
    .addHelpText("after", FINDING);
  program
    .command("logs")
    .description("Shows the latest decisions, oldest first.")
    .addOption(auditLogOption())
    .option("--agent <id>", "only this agent's")
    .addOption(new Option("--decision <decision>", "only these").choices(DECISIONS))
    .option("--since <time>", "only from this time on", timeParser(host))
    .option("--until <time>", "only before this time", timeParser(host))
    .option("--limit <count>", "show at most this many", parseLimit, 50)
    .option("--json", "print whole entries, one JSON object per line")
    .addHelpText("after", TIMES)
    .addHelpText("after", EXIT_CODES)
    .action(async (options: LogsOptions, command: Command) => {
      if (options.since !== undefined && options.until !== undefined && options.since > options.until) {
        command.error("error: option '--since <time>' is later than option '--until <time>'");
      }
      const { logs } = await import("./logs.ts");
      finish(await logs(options, host));
    });
  program
    .command("verify")
    .description("Checks the hash chain of an audit log. Never writes.")
    .addOption(auditLogOption())
    .option("--json", "print one JSON object")
    .addHelpText("after", EXIT_CODES)
    .addHelpText("after", FINDING)
    .action(async (options: VerifyOptions) => {
      const { verify } = await import("./verify.ts");
      finish(await verify(options, host));
    });
  return program;
}

function auditLogOption(): Option {
  return new Option("--audit-log <file>", "the audit log (default: CAPFENCE_AUDIT_LOG, else ./audit.db)").argParser(
    (text: string): string => {
      if (text === "") throw new InvalidArgumentError("It must be the path of a file.");
      return text;
    },
  );
}

function timeParser(host: Host): (text: string) => number {
  return (text) => {
    const time = parseTime(text, host.now());
    if (time === undefined) {
      throw new InvalidArgumentError(
        "It must be a time such as 2026-01-15T10:23:00Z, a date, or a duration such as 2h.",
      );
    }
    return time;
  };
}

function parseLimit(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError("It must be a whole number, 1 or more.");
  return Number(text);
}

/** Help that was asked for is data; everything else commander says is not. The same text in every terminal. */
function outputOf(host: Host): OutputConfiguration {
  return {
    writeOut: (text) => host.stdout.write(text),
    writeErr: (text) => host.stderr.write(text),
    outputError: (text, write) =>
      write(
        failureLine(
          text
            .replace(/^error: /, "")
            .trim()
            .replaceAll("\n", " "),
        ),
      ),
    getOutHasColors: plain,
    getErrHasColors: plain,
    getOutHelpWidth: helpWidth,
    getErrHelpWidth: helpWidth,
  };
}

function plain(): boolean {
  return false;
}

function helpWidth(): number {
  return 100;
}

/** One line for what was foreseen; the whole trace for what was not, since that is a fault of ours to report. */
function describeFailure(error: unknown): string {
  if (CapFenceError.isInstance(error)) return failureLine(error.message);
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return (
    failureLine("unexpected failure") +
    trace
      .split("\n")
      .map((line) => `${visible(line)}\n`)
      .join("")
  );
}

function failureLine(message: string): string {
  return `capfence: ${visible(message)}\n`;
}

/** The version in package.json, which is two folders up from both the source and the built file. */
function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  return String((manifest as { version?: unknown }).version);
}
