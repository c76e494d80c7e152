/** The commands about approvals: what they take. */

import { Option, type Command } from "commander";

import { auditLogOption, EXIT_CODES, findingLine, type Addition } from "../addition.ts";
import { MAX_GRANT_SECONDS, MAX_NAME, MAX_NOTE } from "../../approval.ts";
import {
  collectPaths,
  parseCapability,
  parseCount,
  parsePath,
  parseText,
  secondsParser,
  textParser,
} from "../option-values.ts";
import type { AnswerOptions } from "./answer.ts";
import type { ApprovalsOptions } from "./approvals.ts";
import type { DeskOptions } from "./desk.ts";
import type { GrantCommandOptions } from "./grants.ts";

const WHICH_LOG = "the audit log (default: CAPFENCE_AUDIT_LOG, else ./audit.db)";

const WHO_CAN = `
Whoever can write the log can approve, unless the program that asks has approverKeys: then only what is signed with one of
those keys counts. Make one with capfence keys generate.`;

const ALTERED = "the payload was altered in the log";

const UNFAMILIAR = `
What a model wrote is shown with all but ASCII and Latin-1 letters as \\u{...}, so that nothing passes for something else.`;

/** Adds them. */
export const addApprovals: Addition = (program, host, finish) => {
  program
    .command("approvals")
    .summary("Shows what waits for approval. Never writes.")
    .description("Shows the calls that wait for approval, and the grants in force. Never writes.")
    .addOption(auditLogOption(WHICH_LOG))
    .option("--vkey <key>", "count only what this key has signed; may be repeated", collectPaths)
    .option("--all", "all that was ever asked, answered and granted")
    .option("--json", "print one JSON object per line")
    .addHelpText("after", UNFAMILIAR)
    .addHelpText("after", EXIT_CODES)
    .action(async (options: ApprovalsOptions) => {
      const { approvals } = await import("./approvals.ts");
      finish(await approvals(options, host));
    });
  for (const verb of ["approve", "reject"] as const) {
    const what = verb === "approve" ? "Lets a call that waits run, once." : "Refuses a call that waits.";
    answering(program.command(verb), verb)
      .summary(`${what} Asks first.`)
      .description(`${what} Shows what would run, and asks first.`)
      .argument("<id>", "the request's id, as capfence approvals shows it", parseText)
      .option("--yes", "do not ask")
      .addHelpText("after", WHO_CAN)
      .addHelpText("after", UNFAMILIAR)
      .addHelpText("after", verb === "approve" ? `${EXIT_CODES}\n${findingLine(ALTERED)}` : EXIT_CODES)
      .action(async (id: string, options: AnswerOptions) => {
        const { answer } = await import("./answer.ts");
        finish(await answer(verb, id, options, host));
      });
  }
  answering(program.command("grant"), "grant")
    .summary("Lets calls to come run without asking.")
    .description("Lets calls to come run without asking, for a time. What a rule denies stays denied.")
    .requiredOption("--agent <id>", "the agent it is for; * for any", textParser(MAX_NOTE))
    .requiredOption("--capability <capability>", "as policies write it", parseCapability)
    .requiredOption("--expires <duration>", "how long, such as 2h; at most 30 days", secondsParser(MAX_GRANT_SECONDS))
    .option("--environment <name>", "only in this environment (default: any)", textParser(MAX_NOTE))
    .option("--uses <count>", "only so many calls", parseCount)
    .option("--session <id>", "only in this session", textParser(MAX_NOTE))
    .addHelpText("after", WHO_CAN)
    .addHelpText("after", EXIT_CODES)
    .action(async (options: GrantCommandOptions) => {
      const { grant } = await import("./grants.ts");
      finish(await grant(options, host));
    });
  program
    .command("revoke")
    .description("Ends a grant.")
    .argument("<id>", "the grant's id, as capfence approvals shows it", parseText)
    .addOption(auditLogOption(WHICH_LOG))
    .addOption(byOption())
    .addHelpText("after", EXIT_CODES)
    .action(async (id: string, options: DeskOptions) => {
      const { revoke } = await import("./grants.ts");
      finish(await revoke(id, options, host));
    });
};

function answering(command: Command, verb: string): Command {
  return command
    .addOption(auditLogOption(WHICH_LOG))
    .addOption(byOption())
    .option("--note <text>", verb === "grant" ? "why, for the log" : "what the agent is told", textParser(MAX_NOTE))
    .option("--key <file>", "the key to sign with", parsePath);
}

function byOption(): Option {
  return new Option("--by <name>", "who you are, for the log (default: the system's user)").argParser(
    textParser(MAX_NAME),
  );
}
