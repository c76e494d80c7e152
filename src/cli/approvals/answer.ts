/** `capfence approve` and `capfence reject`: show what would run, ask, and record the answer. */

import type { OpenRequest } from "../../approval.ts";
import { withPayloads } from "../../runtime/approvals.ts";
import type { PendingApproval } from "../../runtime/approvals-interface.ts";
import { CommandFailure } from "../command-failure.ts";
import { EXIT, type ExitCode, type Host } from "../host.ts";
import { unmistakable } from "../terminal.ts";
import { formatDuration } from "../time.ts";
import { atDesk, type DeskOptions } from "./desk.ts";
import { jsonLines, jsonOnOneLine } from "../shown-json.ts";
import { spokenId } from "./spoken-id.ts";

/** Said of a request that somebody has written by hand. */
const ALTERED =
  "what lies in the log as its payload is not what would run. Reject it, and find out who can write the log";

/** The options of both. */
export interface AnswerOptions extends DeskOptions {
  readonly yes?: true;
}

/**
 * Answers the request whose id was typed. What a person is asked about is what they answer: if it is another request by
 * then, the answer is refused.
 *
 * @throws ApprovalError saying why it was refused; that is recorded.
 * @throws AuditUnavailableError, AuditCorruptError when the log can't be read or written.
 * @throws CommandFailure when the answer was no, there is nobody to ask, or what would be approved can't be what was asked.
 */
export async function answer(
  verb: "approve" | "reject",
  typed: string,
  options: AnswerOptions,
  host: Host,
): Promise<ExitCode> {
  return await atDesk(options, host, async ({ open, log, approvals, by, key }) => {
    const isKnown = (each: string): boolean => open.requests.has(each) || open.ended.has(each);
    const id = spokenId(typed, isKnown, open.requests.keys());
    const request = open.requests.get(id);
    const [shown] = request === undefined ? [] : await withPayloads(log, [request]);
    if (shown !== undefined) {
      host.stderr.write(
        description(shown, host.now())
          .map((line) => `${line}\n`)
          .join(""),
      );
      if (shown.isAltered === true && verb === "approve") throw new CommandFailure(EXIT.finding, ALTERED);
      if (options.yes !== true) await confirm(verb, host);
    }
    const { note } = options;
    await approvals[verb](id, { by, note, key, request: shown?.request });
    const said = verb === "approve" ? "Approved. It may run once." : "Rejected.";
    host.stdout.write(`${said}\n`);
    if (verb === "approve") host.stderr.write(rejectionsOf(request));
    return EXIT.ok;
  });
}

/** What is to be said of rejections that the approver's own key did not sign: whose count, only the asking runtime knows. */
function rejectionsOf(request: OpenRequest | undefined): string {
  const names = request?.answers.flatMap(({ entry: { status, by } }) => (status === "rejected" ? [by] : [])) ?? [];
  if (names.length === 0) return "";
  const list = [...new Set(names)].map(unmistakable).join(", ");
  return `It was rejected too, by ${list}: where that counts, it does not run.\n`;
}

async function confirm(verb: "approve" | "reject", host: Host): Promise<void> {
  if (host.confirm === undefined) {
    throw new CommandFailure(EXIT.usage, `there is no terminal to ask on. Say --yes to ${verb} it without being asked`);
  }
  const question = verb === "approve" ? "Let this run, once? [y/N] " : "Reject this? [y/N] ";
  if (!(await host.confirm(question))) throw new CommandFailure(EXIT.failed, "nothing was answered");
}

/** What would run, line by line. */
function description(approval: PendingApproval, now: number): readonly string[] {
  const { id, actor, capability, environment, session, tool, rule, riskLevel, context, policy } = approval;
  const { payload, redacted = [], cut, isAltered, requested, expires } = approval;
  const asked = `made ${formatDuration(now - Date.parse(requested))} ago, expires in ${formatDuration(Date.parse(expires) - now)}`;
  const facts: readonly (readonly [string, string | undefined])[] = [
    ["agent", actor],
    ["capability", capability],
    ["environment", environment],
    ["session", session],
    ["tool", tool],
    ["asked by", rule === undefined ? riskLevel && `the risk level ${riskLevel}` : `the rule ${rule}`],
    ["policy", policy.slice(0, 16)],
    ["host says", context && jsonOnOneLine(context)],
    ["left out", redacted.length === 0 ? undefined : redacted.join(", ")],
    ["cut", cut === undefined ? undefined : `long texts; the whole payload has ${cut} characters`],
  ];
  return [
    `Request ${unmistakable(id)}, ${asked}`,
    ...facts.flatMap(([name, value]) => (value === undefined ? [] : [`  ${name.padEnd(12)} ${unmistakable(value)}`])),
    ...(payload === undefined
      ? [
          `  ${isAltered === true ? "The payload was altered" : "The payload is not recorded here"}. What would run can't be shown.`,
        ]
      : ["  would run with", ...jsonLines(payload).map((line) => `    ${line}`)]),
  ];
}
