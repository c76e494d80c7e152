/** Runs a command line, and says what its failures look like. */

import { CommanderError, type OutputConfiguration } from "commander";

import { CapFenceError } from "../errors.ts";
import { CommandFailure } from "./command-failure.ts";
import { commandLine } from "./commands.ts";
import { EXIT, type ExitCode, type Host } from "./host.ts";
import { visible } from "./terminal.ts";

/**
 * Runs one command line, without the program's own name, and resolves to the exit code. Never rejects: what goes wrong
 * is told on `host.stderr`.
 */
export async function run(argv: readonly string[], host: Host): Promise<number> {
  let code: ExitCode = EXIT.ok;
  const program = commandLine(host, outputOf(host), (result) => {
    code = result;
  });
  try {
    await program.parseAsync(argv, { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    host.stderr.write(describeFailure(error));
    return error instanceof CommandFailure ? error.exit : EXIT.failed;
  }
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
  if (error instanceof CommandFailure) return failureLine(error.message) + lines(error.details);
  if (CapFenceError.isInstance(error) || isSystemError(error)) return failureLine(error.message);
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return failureLine("unexpected failure") + lines(trace.split("\n"));
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${visible(text)}\n`).join("");
}

/** What a call of the operating system fails with; its message names the call and the file. */
function isSystemError(error: unknown): error is Error {
  return error instanceof Error && "syscall" in error;
}

function failureLine(message: string): string {
  return `capfence: ${visible(message)}\n`;
}
