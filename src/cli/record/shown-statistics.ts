/** Statistics as small tables. */

import type { DecisionCounts, RuleUse, Statistics } from "../../replay/statistics.ts";
import { count } from "../count.ts";
import { Table } from "../table.ts";
import { textOf, visible } from "../terminal.ts";
import { formatTime } from "../time.ts";

/** Rows of one table; `--json` has all. */
const MAX_ROWS = 10;

/** What `capfence stats` prints. */
export function describeStatistics(statistics: Statistics, use: RuleUse | undefined): string {
  const { decisions, from, to, agents, capabilities, reasons, rules, outcomes, latencies } = statistics;
  const span = from === undefined || to === undefined ? "" : `, ${formatTime(from)} to ${formatTime(to)} UTC`;
  const ended = Object.entries(outcomes).map(([status, calls]) => `${calls} ${status}`);
  const ruleRows = rules.map(({ rule, decisions: made }) => [
    rule.id,
    `${rule.source.file}:${rule.source.line}`,
    rule.section,
    String(made),
  ]);
  const latencyRows = latencies.map(({ capability, calls, p50, p95, p99, max }) => [
    capability,
    ...[calls, p50, p95, p99, max].map(String),
  ]);
  return [
    `${visible(`${count(decisions, "decision")}${span}`)}. Calls: ${ended.join(", ")}.\n`,
    countsTable("agent_id", agents),
    countsTable("capability", capabilities),
    countsTable("reason", reasons),
    table(["rule", "place", "section", "decisions"], ruleRows),
    table(["capability", "calls", "p50 ms", "p95 ms", "p99 ms", "max ms"], latencyRows),
    ...(use === undefined ? [] : [describeUse(use)]),
  ]
    .filter((part) => part !== "")
    .join("\n");
}

function countsTable(name: string, counts: readonly DecisionCounts[]): string {
  const rows = counts.map((each) => [
    each.name,
    ...[each.decisions, each.allow, each.require_approval, each.deny, each.observed].map(String),
  ]);
  return table([name, "decisions", "allow", "require_approval", "deny", "observed"], rows);
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "";
  const untold = rows.length - MAX_ROWS;
  // A forged entry's members may be of any type.
  const shown = rows.slice(0, MAX_ROWS).map((row) => row.map(textOf));
  return `${new Table(header).lines(shown)}${untold <= 0 ? "" : `and ${untold} more; --json shows all\n`}`;
}

function describeUse({ decisions, neverUsed }: RuleUse): string {
  if (decisions === 0) return "No decision was made by this very policy, so nothing can be said of its rules.\n";
  const made = `${count(decisions, "decision")} made by this very policy`;
  if (neverUsed.length === 0) return `${made}; each of its rules made some.\n`;
  const rules = neverUsed.map(({ id, source }) => `  ${visible(`${id} at ${source.file}:${source.line}`)}\n`);
  return `${made}; ${count(neverUsed.length, "rule")} made none:\n${rules.join("")}`;
}
