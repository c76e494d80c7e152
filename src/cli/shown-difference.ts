/** What `capfence policy diff` and `capfence replay` show of a difference. */

import type { Need } from "../policy/partial/possible-decisions.ts";
import type { ComparedCall } from "../replay/compared-call.ts";
import type { Difference, Transition, Undecided } from "../replay/difference.ts";
import type { KnownDecision } from "../replay/judged-call.ts";
import { count } from "./count.ts";
import type { Host } from "./host.ts";
import { Table } from "./table.ts";
import { coloursFor, textOf, visible, type Colours } from "./terminal.ts";

const HEADER = ["call", "agent_id", "capability", "environment", "old", "new", "payload"] as const;

/** Pairs of rules, and kinds of undecidable calls, that are shown; `--json` has them all. */
const MAX_LINES = 10;

/** Names of calls that are shown in a line. */
const MAX_NAMES = 5;

/** Where payloads are cut. */
const MAX_PAYLOAD = 120;

/** The groups, newly allowed first, then what is undecidable, then the counts. */
export function describeDifference(difference: Difference, host: Host): string {
  const { calls, changed, unchanged, otherRule, undecidable, refused } = difference;
  const colours = coloursFor(host);
  const byOthers = otherRule === 0 ? "" : `, ${otherRule} of these by another rule`;
  const notes = [
    `${count(calls, "call")}: ${changed} decided differently, ${unchanged + otherRule} alike${byOthers}.`,
    ...(undecidable === 0 ? [] : [colours.yellow(`${undecidable} undecidable: the record does not say enough.`)]),
    ...(refused === 0 ? [] : [`${refused} refused before any policy was asked.`]),
    newlyAllowedNote(difference, colours),
  ];
  const parts = [
    ...difference.transitions.map((each) => describeTransition(each, colours)),
    ...describeUndecided(difference.undecided, colours),
  ];
  return `${parts.map((part) => `${part}\n`).join("")}${notes.join("\n")}\n`;
}

function newlyAllowedNote(
  { calls, newlyAllowed, perhapsAllowed }: Difference,
  { green, red, yellow }: Colours,
): string {
  if (newlyAllowed > 0)
    return red(`✗ ${newlyAllowed} newly allowed${perhapsAllowed > 0 ? `, and perhaps ${perhapsAllowed} more` : ""}.`);
  if (perhapsAllowed > 0) {
    return yellow(`Nothing is known to be newly allowed; ${count(perhapsAllowed, "undecidable call")} may be.`);
  }
  return calls === 0 ? yellow("There was no call to compare.") : green("✓ Nothing is newly allowed.");
}

function describeTransition({ from, to, count: calls, rules, examples }: Transition, colours: Colours): string {
  const what = from === to ? `${from}, by another rule` : `${from} → ${to}`;
  const paint = from === to ? String : to === "allow" ? colours.red : from === "deny" ? colours.yellow : String;
  const shown = rules
    .slice(0, MAX_LINES)
    .map((each) => `  ${count(each.count, "call")}: ${place(each.old)} → ${place(each.new)}`);
  const untold = rules.length - shown.length;
  const more = untold === 0 ? [] : [`  and ${untold} more pairs of rules`];
  const lines = [paint(`${what}: ${count(calls, "call")}`), ...shown, ...more].map((line) => `${line}\n`);
  return `${lines.join("")}${table(examples, calls)}`;
}

function table(examples: readonly ComparedCall[], calls: number): string {
  const rows = examples.map((call) => [
    call.name,
    call.actor ?? "-",
    call.capability ?? "-",
    call.environment ?? "-",
    decider(call.old),
    decider(call.new),
    call.payload === undefined ? "-" : textOf(call.payload),
  ]);
  const untold = calls - rows.length;
  return `${new Table(HEADER, undefined, MAX_PAYLOAD).lines(rows)}${untold === 0 ? "" : `and ${untold} more\n`}`;
}

function describeUndecided(undecided: readonly Undecided[], colours: Colours): readonly string[] {
  if (undecided.length === 0) return [];
  const calls = undecided.reduce((sum, each) => sum + each.count, 0);
  const shown = undecided.slice(0, MAX_LINES).map(({ needs, count: some, examples }) => {
    const names = examples.slice(0, MAX_NAMES).map(({ name }) => name);
    const more = some > names.length ? ", …" : "";
    return `  ${count(some, "call")}: ${describeNeeds(needs)} (${visible(names.join(", "))}${more})\n`;
  });
  const untold = undecided.length - shown.length;
  const title = colours.yellow(`undecidable: ${count(calls, "call")}`);
  return [`${title}\n${shown.join("")}${untold === 0 ? "" : `  and ${untold} more\n`}`];
}

/** `no-xx.contains needs payload.secret`. */
function describeNeeds(needs: readonly Need[]): string {
  if (needs.length === 0) return "what is recorded is no call";
  return needs
    .map(({ rule, condition, fields }) => {
      const name = rule === undefined ? condition : `${rule.id}.${condition}`;
      return visible(`${name} needs ${fields.join(" and ")}`);
    })
    .join("; ");
}

/** What decided, and where it is written. */
function place(decision: KnownDecision): string {
  const { rule } = decision;
  return visible(rule === undefined ? decider(decision) : `${rule.id} at ${rule.source.file}:${rule.source.line}`);
}

/** What decided: a rule, or the reason where none did. */
function decider(decision: KnownDecision | undefined): string {
  if (decision === undefined) return "-";
  const { rule, riskLevel, reason = "-" } = decision;
  return rule?.id ?? (riskLevel === undefined ? reason : `risk level ${riskLevel.level}`);
}
