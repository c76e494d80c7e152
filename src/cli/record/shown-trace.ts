/** What `capfence trace` shows of a decision. */

import type { OutcomeEntry } from "../../audit/format/entry.ts";
import type { Json } from "../../snapshot.ts";
import type { ExplainedDecision } from "../../replay/explained-decision.ts";
import type { Answering, DecisionTrace, TracedDecision } from "../../replay/trace.ts";
import { count } from "../count.ts";
import type { Host } from "../host.ts";
import { describeRules } from "../policy/shown-explanation.ts";
import { decisionText, outcomeText } from "../shown-entries.ts";
import { jsonLines } from "../shown-json.ts";
import { Table } from "../table.ts";
import { coloursFor, textOf, visible, type Colours } from "../terminal.ts";
import { formatTime } from "../time.ts";

/** A decision in full. */
export interface FullTrace extends DecisionTrace {
  /** What of payload and context was left out of the record: `payload.token`. */
  readonly leftOut: readonly string[];
  /** What each condition answered, or why nobody can say. */
  readonly explanation:
    | ({ readonly policy: { readonly file: string; readonly digest: string } } & ExplainedDecision)
    | { readonly unavailable: string };
}

/** Columns of what stands before a fact. */
const LABEL = 13;

const NEIGHBOURS = ["", "entry", "timestamp", "agent_id", "capability", "decision", "reason"] as const;

/** The decision, its grounds, its story, its surroundings and what verification of the log has found. */
export function describeTrace(trace: FullTrace, host: Host): string {
  const colours = coloursFor(host);
  return [facts(trace, colours), explanation(trace, host), story(trace), neighbours(trace), chain(trace, colours)]
    .filter((part) => part !== "")
    .join("\n");
}

function facts({ seq, hash, entry, outcome, leftOut }: FullTrace, { green, red, yellow }: Colours): string {
  const { rule, capability, resource, action, context, payload } = entry;
  const paint =
    new Map([
      ["allow", green],
      ["deny", red],
      ["require_approval", yellow],
    ]).get(entry.decision) ?? textOf;
  const by =
    typeof rule?.id !== "string" ? ", by no rule" : `, by ${rule.id} at ${textOf(rule.file)}:${textOf(rule.line)}`;
  const lines: readonly (readonly [string, ...string[]])[] = [
    ["entry", `${seq}, recorded ${formatTime(entry.ts)} UTC`],
    ["hash", hash],
    ["event", entry.event],
    ["decision", `${decisionText(entry)} (${textOf(entry.reason)})${by}`],
    ["let through", entry.authorized ? "yes" : "no"],
    ["agent_id", entry.actor],
    ["capability", `${textOf(capability)} (resource ${textOf(resource)}, action ${textOf(action)})`],
    ["environment", entry.environment],
    ...optional("scope", entry.scope),
    ...optional("risk", entry.risk),
    ...optional("session", entry.session),
    ...optional("asked for", entry.requireApproval === true ? "approval, by the event itself" : undefined),
    ["context", ...json(context)],
    ["payload", ...(entry.problem === undefined ? json(payload) : [`could not be taken: ${textOf(entry.problem)}`])],
    ...optional("left out", leftOut.length === 0 ? undefined : leftOut.join(", ")),
    ["policy", entry.policy],
    ...optional("approval", entry.approval),
    ["outcome", describeOutcome(entry, outcome)],
  ];
  return lines
    .filter(([, ...texts]) => texts.length > 0)
    .map(([label, ...texts]) => labelled(label, texts, label === "decision" ? paint : String))
    .join("");
}

function json(value: Json | undefined): readonly string[] {
  return value === undefined ? [] : jsonLines(value);
}

function optional(label: string, value: string | number | undefined): readonly (readonly [string, string])[] {
  return value === undefined ? [] : [[label, textOf(value)]];
}

/** The label once, and every line beside it. */
function labelled(label: string, texts: readonly string[], paint: (text: string) => string): string {
  return texts.map((text, index) => `${(index === 0 ? label : "").padEnd(LABEL)}${paint(visible(text))}\n`).join("");
}

function describeOutcome(entry: FullTrace["entry"], outcome: FullTrace["outcome"]): string {
  const text = textOf(outcomeText({ entry, ...(outcome && { ended: outcome.entry }) }));
  if (outcome === undefined) return text;
  return `${text}${duration(outcome.entry)} (entry ${outcome.seq}, ${formatTime(outcome.entry.ts)} UTC)`;
}

function duration({ ms }: OutcomeEntry): string {
  return ms === undefined ? "" : ` after ${textOf(ms)} ms`;
}

function explanation({ explanation: told }: FullTrace, host: Host): string {
  if ("unavailable" in told) return `${visible(`Conditions: not explained, since ${told.unavailable}.`)}\n`;
  const { policy, request, rules, risk, approvalAskedByHost } = told;
  const notes = [
    `Explained by ${policy.file}, the policy that decided.`,
    ...(request === undefined ? ["The capability is malformed, so no rule was asked."] : []),
    ...(risk === undefined ? [] : [`The risk level ${risk.level} means ${risk.action}, where no rule is stricter.`]),
    ...(approvalAskedByHost ? ["The host asked for approval of whatever would be allowed."] : []),
    ...(rules.length === 0 && request !== undefined ? [`No rule is about ${request}.`] : []),
  ].map((note) => `${visible(note)}\n`);
  return `${notes.join("")}${rules.length === 0 ? "" : describeRules(rules, request ?? "", host)}`;
}

function story({ approvals }: FullTrace): string {
  if (approvals.length === 0) return "";
  const rows = approvals.map(({ seq, entry }) => [String(seq), formatTime(entry.ts), entry.id, ...said(entry)]);
  return `Asked and answered:\n${new Table(["entry", "timestamp", "id", "what", "who and why"]).lines(rows.map((row) => row.map(textOf)))}`;
}

/** What an entry about a request or a grant says, and who said it. */
function said(entry: Answering["entry"]): readonly [string, string] {
  const note = "note" in entry && entry.note !== undefined ? `: ${textOf(entry.note)}` : "";
  const by =
    "by" in entry && entry.by !== undefined
      ? `${textOf(entry.by)} (user ${textOf(entry.user ?? "unknown")})${note}`
      : "";
  switch (entry.status) {
    case "requested":
      return ["approval requested", `until ${formatTime(entry.expires)} UTC`];
    case "refused":
      return [`${textOf(entry.attempt)}, which was refused`, `${by} [${textOf(entry.problem)}]`];
    case "granted":
      return ["granted", `${by}, until ${formatTime(entry.expires)} UTC`];
    case "approved":
    case "rejected":
    case "consumed":
    case "expired":
    case "used":
    case "revoked":
    default:
      return [entry.status, by];
  }
}

function neighbours({ seq, hash, entry, before, after }: FullTrace): string {
  if (before.length + after.length === 0) return "";
  const own: TracedDecision = { seq, hash, entry };
  const rows = [...before, own, ...after].map(({ seq: number, entry: each }) => [
    number === seq ? "→" : "",
    String(number),
    formatTime(each.ts),
    each.actor,
    each.capability,
    decisionText(each),
    each.reason,
  ]);
  return `In the same session or run:\n${new Table(NEIGHBOURS).lines(rows.map((row) => row.map(textOf)))}`;
}

function chain({ verified }: FullTrace, { green, red }: Colours): string {
  if (verified.intact) {
    return `${green(`✓ Audit chain intact. ${count(verified.entries, "entry", "entries")} verified.`)}\n`;
  }
  const [first] = verified.problems;
  const place = first?.seq === undefined ? "" : ` at entry ${first.seq}`;
  return `${red(`✗ Audit chain broken${place}: ${visible(first?.what ?? "the reason is not known")}. See capfence verify.`)}\n`;
}
