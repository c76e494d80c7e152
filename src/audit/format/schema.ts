/** What an `audit.db` looks like to SQLite: one table, one view, and columns that repeat members of the entries. */

import { FORMAT_VERSION, type Entry } from "./entry.ts";

/** "CapF", the application id in the file's header, by which tools like file(1) know it (SQLite file format, offset 68). */
export const APPLICATION_ID = 0x43617046;

const TABLE = `CREATE TABLE entries (
  seq INTEGER PRIMARY KEY,
  hash TEXT NOT NULL,
  body TEXT NOT NULL,
  ts TEXT NOT NULL,
  kind TEXT NOT NULL,
  agent_id TEXT,
  capability TEXT,
  environment TEXT,
  decision TEXT,
  reason TEXT,
  rule TEXT,
  outcome TEXT,
  decision_seq INTEGER
)`;

const VIEW = `CREATE VIEW decisions (timestamp, agent_id, capability, decision, reason) AS
SELECT replace(substr(ts, 1, 19), 'T', ' '), agent_id, capability, decision, reason
FROM entries WHERE kind = 'decision' ORDER BY seq`;

/** The statements that make an empty file. */
export const CREATION: readonly string[] = [
  `PRAGMA application_id = ${APPLICATION_ID}`,
  `PRAGMA user_version = ${FORMAT_VERSION}`,
  TABLE,
  VIEW,
];

/**
 * Every object of the schema as sqlite_schema lists it: type, name, table, text. There is no index: one could say
 * something else than its table.
 */
export const SCHEMA: readonly (readonly string[])[] = [
  ["table", "entries", "entries", TABLE],
  ["view", "decisions", "decisions", VIEW],
];

/** The columns derived from an entry, in the order of the table. */
export const DERIVED_COLUMNS = [
  "ts",
  "kind",
  "agent_id",
  "capability",
  "environment",
  "decision",
  "reason",
  "rule",
  "outcome",
  "decision_seq",
] as const;

/** The values of {@link DERIVED_COLUMNS} that follow from an entry. */
export function derivedColumns(entry: Entry): readonly (string | number | null)[] {
  const decision = entry.kind === "decision" ? entry : undefined;
  const outcome = entry.kind === "outcome" ? entry : undefined;
  const call = decision ?? outcome;
  return [
    entry.ts,
    entry.kind,
    call?.actor ?? null,
    call?.capability ?? null,
    call?.environment ?? null,
    decision?.decision ?? null,
    decision?.reason ?? null,
    decision?.rule?.id ?? null,
    outcome?.status ?? null,
    outcome?.of ?? null,
  ];
}
