/** `capfence policy`: what its commands are and what they take. */

import { Option, type Command } from "commander";

import { auditLogOption, EXIT_CODES, findingLine, type Addition } from "../addition.ts";
import { collectPaths, parseJsonObject, parsePath, parsePercent, parseText } from "../option-values.ts";
import type { CheckOptions } from "./check.ts";
import type { DiffOptions } from "./diff.ts";
import type { ExplainOptions } from "./explain.ts";
import type { TestOptions } from "./test.ts";

const EVENTS = `
An event is a JSON object: capability, or resource and action; and if you like payload, context, environment (default:
CAPFENCE_ENVIRONMENT, else production), scope, risk, actor, sessionId. So is a line of capfence logs --json.`;

const INVALID = "the policy is not valid";

/** Adds the commands about policies. Each one's module is loaded only when it is chosen. */
export const addPolicy: Addition = (program, host, finish) => {
  const policy = program.command("policy").description("Checks, explains, tests and compares policies.");
  for (const add of [addCheck, addExplain, addTest, addDiff, addSchema]) add(policy, host, finish);
};

const addCheck: Addition = (policy, host, finish) => {
  policy
    .command("check")
    .summary("Looks for errors in policies, and for what can hardly be meant.")
    .description("Looks for errors in policies and test suites, and warns of what loads and can hardly be meant.")
    .argument("<file...>", "policies, or suites named *.test.yaml", collectPaths)
    .option("--strict", "exit 3 on warnings too")
    .option("--json", "print one JSON object")
    .addHelpText("after", EXIT_CODES)
    .addHelpText("after", findingLine("errors; with --strict also warnings"))
    .action(async (files: readonly string[], options: CheckOptions) => {
      const { check } = await import("./check.ts");
      finish(await check(files, options, host));
    });
};

const addExplain: Addition = (policy, host, finish) => {
  policy
    .command("explain")
    .summary("Shows why a policy decides about a call as it does.")
    .description("Shows every rule that could apply to a call, what each of its conditions answers, and which decides.")
    .argument("<file>", "the policy", parsePath)
    .option("--event <file>", "the call as an event in JSON; - is standard input", parsePath)
    .option("--capability <capability>", "the call's capability, such as shell.execute", parseText)
    .option("--payload <json>", "the call's arguments", parseJsonObject)
    .option("--context <json>", "what the host knows", parseJsonObject)
    .option("--environment <name>", "where it is made (default: CAPFENCE_ENVIRONMENT, else production)", parseText)
    .addOption(new Option("--why-not <decision>", "show what stands between the call and this").choices(["allow"]))
    .option("--json", "print one JSON object")
    .addHelpText("after", EVENTS)
    .addHelpText("after", EXIT_CODES)
    .addHelpText("after", findingLine(INVALID))
    .action(async (file: string, options: ExplainOptions, command: Command) => {
      const { event, capability, payload, context, environment } = options;
      if ((event === undefined) === (capability === undefined)) {
        command.error("error: name the call by one of the options '--event <file>' and '--capability <capability>'");
      }
      if (event !== undefined && [payload, context, environment].some((each) => each !== undefined)) {
        command.error("error: option '--event <file>' says all about the call; leave the other options out");
      }
      const { explain } = await import("./explain.ts");
      finish(await explain(file, options, host));
    });
};

const addTest: Addition = (policy, host, finish) => {
  policy
    .command("test")
    .summary("Runs the test suites of policies, and tells what they have tried.")
    .description("Runs test suites against their policies, and tells which rules and conditions they have tried.")
    .argument(
      "<file...>",
      "policies with a suite beside them, such as shell.test.yaml beside shell.yaml; or suites",
      collectPaths,
    )
    .option("--min-coverage <percent>", "so much of the rules, and of the conditions, must be tried", parsePercent)
    .option("--json", "print one JSON object")
    .addHelpText("after", EXIT_CODES)
    .addHelpText("after", findingLine("a case failed, too little was tried, or a policy is not valid"))
    .action(async (files: readonly string[], options: TestOptions) => {
      const { test } = await import("./test.ts");
      finish(await test(files, options, host));
    });
};

const addDiff: Addition = (policy, host, finish) => {
  policy
    .command("diff")
    .summary("Shows which calls two policies decide differently.")
    .description("Decides calls under two policies, and shows which they decide differently, newly allowed ones first.")
    .argument("<old>", "the policy as it was", parsePath)
    .argument("<new>", "the policy as it shall be", parsePath)
    .option("--cases <file>", "the calls: events in JSON, one a line, or a suite named *.yaml", parsePath)
    .addOption(auditLogOption("the calls: those that an audit log has recorded"))
    .option("--json", "print one JSON object")
    .addHelpText("after", EVENTS)
    .addHelpText("after", EXIT_CODES)
    .addHelpText("after", findingLine("a call is newly allowed, or a policy is not valid"))
    .action(async (former: string, next: string, options: DiffOptions, command: Command) => {
      if ((options.cases === undefined) === (options.auditLog === undefined)) {
        command.error("error: name the calls by one of the options '--cases <file>' and '--audit-log <file>'");
      }
      const { diff } = await import("./diff.ts");
      finish(await diff(former, next, options, host));
    });
};

const addSchema: Addition = (policy, host, finish) => {
  policy
    .command("schema")
    .description("Prints the JSON Schema of policies, for editors.")
    .addHelpText("after", EXIT_CODES)
    .action(async () => {
      const { schema } = await import("./schema.ts");
      finish(schema(host));
    });
};
