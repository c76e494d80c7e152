/** The commands about what a log has recorded: what they are and what they take. */

import { Option, type Command } from "commander";

import { auditLogOption, EXIT_CODES, findingLine, WHICH_LOG, TIMES, type Addition } from "../addition.ts";
import type { ExportOptions } from "./export.ts";
import { parseCapability, parsePath, parseText, timeParser } from "../option-values.ts";
import type { ReplayCommandOptions } from "./replay.ts";
import type { StatsOptions } from "./stats.ts";
import type { TraceOptions } from "./trace.ts";

const FAIL_ON: readonly ReplayCommandOptions["failOn"][] = ["newly-allowed", "newly-denied", "any", "none"];

const FORMATS: readonly ExportOptions["format"][] = ["jsonl", "csv"];

export const addTrace: Addition = (program, host, finish) => {
  program
    .command("trace")
    .summary("Shows one recorded decision in full.")
    .description(
      "Shows one recorded decision in full: the rules and what each condition answered, what people answered, how the call ended, and what was decided around it.",
    )
    .argument("<decision>", "its number, its hash or the beginning of that, its event, or its approval", parseText)
    .addOption(auditLogOption(WHICH_LOG))
    .option("--policy <file>", "the policy that decided (default: the file that the record names)", parsePath)
    .option("--json", "print one JSON object")
    .addHelpText("after", EXIT_CODES)
    .addHelpText("after", findingLine("the audit chain is broken, or the policy is not valid"))
    .action(async (name: string, options: TraceOptions) => {
      const { trace } = await import("./trace.ts");
      finish(await trace(name, options, host));
    });
};

export const addReplay: Addition = (program, host, finish) => {
  program
    .command("replay")
    .summary("Decides recorded calls again under another policy, and shows what differs.")
    .description(
      "Verifies a record and decides its calls again under a policy; shows what would be decided differently, newly allowed first.",
    )
    .argument("[record]", `an export, a trace, or ${WHICH_LOG}`, parsePath)
    .requiredOption("--policy <file>", "the policy", parsePath)
    .option("--since <time>", "only calls from this time on", timeParser(host))
    .option("--until <time>", "only calls before this time", timeParser(host))
    .option("--agent <id>", "only this agent's", parseText)
    .option("--capability <pattern>", "only calls that this covers, as in a rule", parseCapability)
    .addOption(new Option("--fail-on <what>", "exit 3 on this").choices(FAIL_ON).default("newly-allowed"))
    .option("--force", "go on although the audit chain is broken")
    .option("--waive-checksum", "read a trace of the original CapFence that has no checksum")
    .option("--json", "print one JSON object")
    .addHelpText("after", TIMES)
    .addHelpText("after", EXIT_CODES)
    .addHelpText("after", findingLine("what --fail-on says, a broken record, or a policy that is not valid"))
    .action(async (record: string | undefined, options: ReplayCommandOptions, command: Command) => {
      if (options.since !== undefined && options.until !== undefined && options.since > options.until) {
        command.error("error: option '--since <time>' is later than option '--until <time>'");
      }
      const { replay } = await import("./replay.ts");
      finish(await replay(record, options, host));
    });
};

export const addExport: Addition = (program, host, finish) => {
  program
    .command("export")
    .summary("Prints all of an audit log, as JSON that can be replayed or as CSV.")
    .description("Verifies an audit log and prints all of it: JSON, an object a line, that can be replayed; or CSV.")
    .argument("[log]", WHICH_LOG, parsePath)
    .addOption(new Option("--format <format>", "the format").choices(FORMATS).default("jsonl"))
    .addHelpText("after", EXIT_CODES)
    .addHelpText("after", findingLine("the audit chain is broken"))
    .action(async (log: string | undefined, options: ExportOptions) => {
      const { exportLog } = await import("./export.ts");
      finish(await exportLog(log, options, host));
    });
};

export const addStats: Addition = (program, host, finish) => {
  program
    .command("stats")
    .summary("Counts decisions by agent, capability, reason and rule.")
    .description(
      "Counts the decisions of an audit log by agent, capability, reason and rule, and tells how long calls took.",
    )
    .argument("[log]", WHICH_LOG, parsePath)
    .option("--policy <file>", "also tell which of this policy's rules made no decision", parsePath)
    .option("--json", "print one JSON object")
    .addHelpText("after", EXIT_CODES)
    .addHelpText("after", findingLine("the policy is not valid"))
    .action(async (log: string | undefined, options: StatsOptions) => {
      const { stats } = await import("./stats.ts");
      finish(await stats(log, options, host));
    });
};
