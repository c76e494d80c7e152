/** `capfence logs`: the latest decisions, oldest first. */

import { resolve } from "node:path";

import { defaultAuditLog } from "../audit/default-path.ts";
import type { DecisionEntry } from "../audit/entry.ts";
import { readEntries } from "../audit/read.ts";
import type { DecisionKind } from "../event.ts";
import { EXIT, type ExitCode, type Host } from "./host.ts";
import { table } from "./table.ts";
import { coloursFor, jsonLine } from "./terminal.ts";
import { formatTime } from "./time.ts";

/** The options of `capfence logs`; times are milliseconds since the epoch. */
export interface LogsOptions {
  readonly auditLog?: string;
  readonly agent?: string;
  readonly decision?: DecisionKind;
  /** The first moment shown. */
  readonly since?: number;
  /** The first moment no longer shown. */
  readonly until?: number;
  readonly limit: number;
  readonly json?: true;
}

interface Shown {
  readonly seq: number;
  readonly hash: string;
  readonly entry: DecisionEntry;
}

const HEADER = ["timestamp", "agent_id", "capability", "decision", "reason"] as const;
const DECISION_COLUMN = HEADER.indexOf("decision");

/**
 * Prints the latest decisions that match.
 *
 * @throws AuditUnavailableError when the log cannot be read, AuditCorruptError when it is no audit log.
 */
export async function logs(options: LogsOptions, host: Host): Promise<ExitCode> {
  const latest = await readLatest(resolve(host.cwd, options.auditLog ?? defaultAuditLog(host.env)), options);
  if (options.json === true) {
    for (const { entry, seq, hash } of latest) host.stdout.write(jsonLine({ ...entry, seq, hash }));
    return EXIT.ok;
  }
  const colours = coloursFor(host);
  const rows = latest.map(({ entry }) => [
    formatTime(entry.ts),
    entry.actor,
    entry.capability,
    entry.decision,
    entry.reason,
  ]);
  host.stdout.write(
    table(HEADER, rows, (cell, column, text) => {
      if (column !== DECISION_COLUMN) return cell;
      if (text === "allow") return colours.green(cell);
      return text === "deny" ? colours.red(cell) : colours.yellow(cell);
    }),
  );
  return EXIT.ok;
}

/** The last `limit` decisions that match. The log is streamed; at most twice that many are held. */
async function readLatest(path: string, options: LogsOptions): Promise<readonly Shown[]> {
  const { limit } = options;
  const kept: Shown[] = [];
  for await (const { seq, hash, entry } of readEntries(path)) {
    if (entry.kind !== "decision" || !matches(entry, options)) continue;
    kept.push({ seq, hash, entry });
    if (kept.length >= 2 * limit) kept.splice(0, kept.length - limit);
  }
  return kept.slice(-limit);
}

function matches(entry: DecisionEntry, { agent, decision, since, until }: LogsOptions): boolean {
  if (agent !== undefined && entry.actor !== agent) return false;
  if (decision !== undefined && entry.decision !== decision) return false;
  const time = Date.parse(entry.ts);
  // Put so that an entry whose time cannot be read is shown rather than hidden.
  if (since !== undefined && time < since) return false;
  return !(until !== undefined && time >= until);
}
