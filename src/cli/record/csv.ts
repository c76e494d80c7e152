/** Entries as CSV (RFC 4180), safe to open in a spreadsheet. */

import type { Entry, StoredEntry } from "../../audit/format/entry.ts";
import { jsonText } from "../json-text.ts";
import { textOf, visible } from "../terminal.ts";

const COLUMNS = [
  "seq",
  "time",
  "kind",
  "agent_id",
  "capability",
  "environment",
  "decision",
  "reason",
  "rule",
  "rule_file",
  "rule_line",
  "authorized",
  "enforced",
  "policy",
  "event",
  "session",
  "decision_seq",
  "outcome",
  "ms",
  "approval",
  "answer",
  "by",
  "note",
  "context",
  "payload",
  "hash",
] as const;

type Cell = string | number | boolean | undefined;

/** The first line: the names of the columns. */
export function csvHeader(): string {
  return `${COLUMNS.join(",")}\r\n`;
}

/** One entry. What does not apply to its kind is empty; context and payload are JSON. */
export function csvLine(stored: StoredEntry): string {
  const cells = cellsOf(stored);
  return `${COLUMNS.map((column) => cellText(cells[column])).join(",")}\r\n`;
}

function cellsOf({ seq, hash, entry }: StoredEntry): Partial<Record<(typeof COLUMNS)[number], Cell>> {
  const always = { seq, time: entry.ts, kind: entry.kind, hash };
  const call = entry.kind === "decision" || entry.kind === "outcome" ? callCells(entry) : {};
  if (entry.kind === "decision") {
    const { decision, reason, rule, authorized, enforced, policy, session, context, payload } = entry;
    return {
      ...always,
      ...call,
      decision,
      reason,
      rule: rule?.id,
      rule_file: rule?.file,
      rule_line: rule?.line,
      authorized,
      enforced: enforced ?? true,
      policy,
      session,
      approval: entry.approval,
      context: context && jsonText(context),
      payload: payload && jsonText(payload),
    };
  }
  if (entry.kind === "outcome")
    return { ...always, ...call, decision_seq: entry.of, outcome: entry.status, ms: entry.ms };
  if (entry.kind === "approval" || entry.kind === "grant") return { ...always, ...answerCells(entry) };
  return always;
}

function callCells({ actor, capability, environment, event }: Extract<Entry, { kind: "decision" | "outcome" }>) {
  return { agent_id: actor, capability, environment, event };
}

/** What was asked of a person or answered, and by whom. */
function answerCells(entry: Extract<Entry, { kind: "approval" | "grant" }>) {
  return {
    event: "event" in entry ? entry.event : undefined,
    approval: entry.id,
    answer: entry.status,
    by: "by" in entry ? entry.by : undefined,
    note: "note" in entry ? entry.note : undefined,
  };
}

/**
 * How a spreadsheet is told to compute something, which a model may have written: = + - @, their full-width forms, a tab or a
 * carriage return, at the beginning of a cell or behind white space there (OWASP, CSV Injection).
 */
const FORMULA = /^[\s\u0085]*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/;

/** A cell: numbers and truth values as they are, text in quotes, on one line, and never a formula. */
function cellText(cell: Cell): string {
  if (cell === undefined) return "";
  if (typeof cell === "number" || typeof cell === "boolean") return String(cell);
  // A forged entry's members may be of any type.
  const text = textOf(cell);
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return `"${visible(safe).replaceAll('"', '""')}"`;
}
