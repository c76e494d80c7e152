/** The command line: what commands there are and what they take. */

import { readFileSync } from "node:fs";

import { Command, Option, type OutputConfiguration } from "commander";

import type { DecisionKind } from "../event.ts";
import { auditLogOption, EXIT_CODES, findingLine, TIMES, WHICH_LOG, type Addition } from "./addition.ts";
import { addApprovals } from "./approvals/commands.ts";
import type { CheckpointCommandOptions } from "./checkpoint.ts";
import type { ExitCode, Host } from "./host.ts";
import type { KeysGenerateOptions } from "./keys.ts";
import type { LogsOptions } from "./logs.ts";
import type { MigrateOptions } from "./migrate.ts";
import { collectPaths, parseCount, parseKeyName, parsePath, timeParser } from "./option-values.ts";
import { addPolicy } from "./policy/commands.ts";
import { addExport, addReplay, addStats, addTrace } from "./record/commands.ts";
import type { UnlockOptions } from "./unlock.ts";
import type { VerifyOptions } from "./verify.ts";

const DECISIONS: readonly DecisionKind[] = ["allow", "deny", "require_approval"];

const BROKEN = findingLine("the audit chain is broken, or contradicts a checkpoint");

const DEFAULT_KEY = `
The default key is <host name>.key in $XDG_CONFIG_HOME/capfence, else in ~/.config/capfence.`;

/** The commands. Each one's module is loaded only when it is chosen, so that the others cost nothing. */
export function commandLine(host: Host, output: OutputConfiguration, finish: (code: ExitCode) => void): Command {
  const program = new Command("capfence")
    .description(
      "Checks and tests CapFence policies; answers what needs approval; reads, checks and anchors the audit logs.",
    )
    .exitOverride()
    .configureOutput(output)
    .version(packageVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand("help [command]", "print help for a command")
    .addHelpText("after", EXIT_CODES)
    .addHelpText("after", findingLine("a broken audit chain, a policy that is not valid, a test that failed"));
  for (const add of [
    addLogs,
    addApprovals,
    addVerify,
    addTrace,
    addReplay,
    addExport,
    addStats,
    addCheckpoint,
    addKeys,
    addUnlock,
    addCopy,
    addMigrate,
    addPolicy,
  ])
    add(program, host, finish);
  return program;
}

const addLogs: Addition = (program, host, finish) => {
  program
    .command("logs")
    .description("Shows the latest decisions, oldest first.")
    .addOption(auditLogOption(WHICH_LOG))
    .option("--agent <id>", "only this agent's")
    .addOption(new Option("--decision <decision>", "only these").choices(DECISIONS))
    .option("--since <time>", "only from this time on", timeParser(host))
    .option("--until <time>", "only before this time", timeParser(host))
    .option("--limit <count>", "show at most this many, before what --follow adds", parseCount, 50)
    .option("-f, --follow", "go on and show what is recorded from now on, until interrupted")
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
};

const addVerify: Addition = (program, host, finish) => {
  program
    .command("verify")
    .summary("Checks the hash chain of an audit log. Never writes.")
    .description("Checks the hash chain of an audit log, and holds it against checkpoints. Never writes.")
    .addOption(auditLogOption(WHICH_LOG))
    .option("--checkpoint <file>", "a checkpoint of the log, kept elsewhere; may be repeated", collectPaths)
    .option("--vkey <key>", "a verifying key, or a file that holds one; may be repeated", collectPaths)
    .option(
      "--min-size <count>",
      "entries there must be, entry 0 included; with checkpoints, anchored ones",
      parseCount,
    )
    .option("--json", "print one JSON object")
    .addHelpText("after", EXIT_CODES)
    .addHelpText("after", BROKEN)
    .action(async (options: VerifyOptions) => {
      const { verify } = await import("./verify.ts");
      finish(await verify(options, host));
    });
};

const addCheckpoint: Addition = (program, host, finish) => {
  program
    .command("checkpoint")
    .summary("Signs how long an audit log is and what its last entry is.")
    .description(
      "Signs how long an audit log is and what its last entry is. Keep that where nobody who writes the log can change it.",
    )
    .addOption(auditLogOption(WHICH_LOG))
    .option("--key <file>", "the signing key", parsePath)
    .option("--out <file>", "put it in this file; one that it contradicts stays", parsePath)
    .addHelpText("after", DEFAULT_KEY)
    .addHelpText("after", EXIT_CODES)
    .addHelpText("after", BROKEN)
    .action(async (options: CheckpointCommandOptions) => {
      const { checkpoint } = await import("./checkpoint.ts");
      finish(await checkpoint(options, host));
    });
};

const addKeys: Addition = (program, host, finish) => {
  const keys = program.command("keys").description("Makes the keys that checkpoints and approvals are signed with.");
  keys
    .command("generate")
    .description(
      "Makes an Ed25519 key pair. Prints the verifying key; the signing key goes into a file of yours alone.",
    )
    .option("--name <name>", "what the key is called (default: the host's name)", parseKeyName)
    .option("--out <file>", "the signing key's file, which must not exist; the other one's is <file>.pub", parsePath)
    .option("--json", "print one JSON object")
    .addHelpText("after", DEFAULT_KEY.replace("<host name>", "<name>").replace("key is", "file is"))
    .addHelpText("after", EXIT_CODES)
    .action(async (options: KeysGenerateOptions) => {
      const { keysGenerate } = await import("./keys.ts");
      finish(keysGenerate(options, host));
    });
};

const addUnlock: Addition = (program, host, finish) => {
  program
    .command("unlock")
    .summary("Removes a lock whose owner is on another host. Asks first.")
    .description(
      "Removes a log's lock whose owner cannot be looked at from here, such as one on another host. Asks first, and records it.",
    )
    .addOption(auditLogOption(WHICH_LOG))
    .option("--yes", "do not ask: its owner has certainly ended")
    .addHelpText("after", EXIT_CODES)
    .action(async (options: UnlockOptions) => {
      const { unlock } = await import("./unlock.ts");
      finish(await unlock(options, host));
    });
};

const addCopy: Addition = (program, host, finish) => {
  program
    .command("copy")
    .summary("Copies an audit log between a file and PostgreSQL.")
    .description(
      "Copies an audit log to a place where there is none, entry by entry, hashes unchanged; verifies both. A log is a file or a postgres:// URL.",
    )
    .argument("<from>", "the log that is read", parsePath)
    .argument("<to>", "the log that is made", parsePath)
    .addHelpText("after", EXIT_CODES)
    .action(async (from: string, to: string) => {
      const { copy } = await import("./copy.ts");
      finish(await copy(from, to, host));
    });
};

const addMigrate: Addition = (program, host, finish) => {
  program
    .command("migrate")
    .summary("Makes a PostgreSQL database ready for audit logs.")
    .description(
      "Makes a PostgreSQL database ready for audit logs: creates the schema capfence, or brings it up to date. Needs the right to do so; writing logs does not.",
    )
    .addOption(auditLogOption("a postgres:// URL (default: CAPFENCE_AUDIT_LOG)"))
    .addHelpText("after", EXIT_CODES)
    .action(async (options: MigrateOptions) => {
      const { migrateDatabase } = await import("./migrate.ts");
      finish(await migrateDatabase(options, host));
    });
};

/** The version in package.json, which is two folders up from both the source and the built file. */
function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  return String((manifest as { version?: unknown }).version);
}
