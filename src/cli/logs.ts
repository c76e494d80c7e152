/** `capfence logs`: the latest decisions, oldest first, and on request those that follow. */

import { isWanted, type DecisionFilter } from "../audit/decision-filter.ts";
import type { Head, OutcomeEntry, StoredEntry } from "../audit/format/entry.ts";
import { storeAt } from "../audit/location.ts";
import { readEntries } from "../audit/read.ts";
import { AuditCorruptError } from "../errors.ts";
import { entriesAfter } from "./follow.ts";
import { EXIT, type ExitCode, type Host } from "./host.ts";
import { auditLogPath } from "./log-path.ts";
import { EntryPrinter, type Shown } from "./shown-entries.ts";

/** The options of `capfence logs`. */
export interface LogsOptions extends DecisionFilter {
  readonly auditLog?: string;
  readonly limit: number;
  readonly follow?: true;
  readonly json?: true;
}

/** Decisions shown whose outcome is waited for, at most: one that was made without a tool never gets any. */
const MAX_AWAITED = 10_000;

/**
 * Prints the latest decisions that match, and with `follow` those that follow, until it is interrupted.
 *
 * @throws AuditUnavailableError when the log cannot be read, AuditCorruptError when what was read of it is damaged.
 */
export async function logs(options: LogsOptions, host: Host): Promise<ExitCode> {
  const path = auditLogPath(options.auditLog, host);
  const printer = new EntryPrinter(host, options.json === true);
  const interruption = options.follow === true ? host.interruption() : undefined;
  const { latest, head } = await readLatest(path, options);
  printer.print(latest);
  if (interruption === undefined) return EXIT.ok;
  const awaited = new Set<number>();
  for (const { seq, ended } of latest) if (ended === undefined) awaited.add(seq);
  for await (const entries of entriesAfter(path, head, host, interruption)) {
    const lines = newLines(entries, awaited, options);
    if (lines.length > 0) printer.print(lines);
  }
  return EXIT.ok;
}

/** The last `limit` decisions that match, and the log's last entry. Reads backwards, and no further than it must. */
async function readLatest(
  path: string,
  options: LogsOptions,
): Promise<{ readonly latest: readonly Shown[]; readonly head: Head }> {
  const latest: Shown[] = [];
  const outcomes = new Map<number, OutcomeEntry>();
  let head: Head | undefined;
  for await (const { seq, hash, entry } of readEntries(path, "latest first")) {
    head ??= { seq, hash };
    if (entry.kind === "outcome") outcomes.set(entry.of, entry);
    if (entry.kind !== "decision") continue;
    const ended = outcomes.get(seq);
    outcomes.delete(seq);
    if (!isWanted(entry, options)) continue;
    latest.push({ seq, hash, entry, ...(ended !== undefined && { ended }) });
    // Nothing else ends it early: a host's clock may have stepped back, so an earlier entry may be a later moment's.
    if (latest.length >= options.limit) break;
  }
  if (head === undefined) throw new AuditCorruptError(storeAt(path).name, "it has no entries");
  return { latest: latest.toReversed(), head };
}

/**
 * What of `entries` is to be printed. An outcome that comes together with its decision is shown in the decision's line;
 * one that comes later gets a line of its own. `awaited` are the decisions that were printed without an outcome.
 */
function newLines(entries: readonly StoredEntry[], awaited: Set<number>, filter: DecisionFilter): Shown[] {
  const lines = new Map<number, Shown>();
  for (const { seq, hash, entry } of entries) {
    if (isWanted(entry, filter)) {
      lines.set(seq, { seq, hash, entry });
      awaited.add(seq);
    } else if (entry.kind === "outcome" && awaited.delete(entry.of)) {
      const decided = lines.get(entry.of);
      if (decided === undefined) lines.set(seq, { seq, hash, entry, ended: entry });
      else lines.set(entry.of, { ...decided, ended: entry });
    }
  }
  for (const seq of awaited) {
    if (awaited.size <= MAX_AWAITED) break;
    awaited.delete(seq);
  }
  return [...lines.values()];
}
