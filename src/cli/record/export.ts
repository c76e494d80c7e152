/** `capfence export`: all of an audit log, as lines of JSON that can be verified and replayed, or as a table for people. */

import type { StoredEntry } from "../../audit/format/entry.ts";
import { exportEnd, exportHeader, exportLine } from "../../replay/export.ts";
import { readLog } from "../../replay/read-log.ts";
import { CommandFailure } from "../command-failure.ts";
import { csvHeader, csvLine } from "./csv.ts";
import { EXIT, type ExitCode, type Host } from "../host.ts";
import { auditLogPath } from "../log-path.ts";
import { ProgressBar } from "./progress.ts";
import { jsonLine } from "../terminal.ts";

/** The options of `capfence export`. */
export interface ExportOptions {
  readonly format: "jsonl" | "csv";
}

/** How a format writes an entry, and what comes before and after all of them. */
interface Format {
  readonly before: string;
  readonly entry: (stored: StoredEntry) => string;
  readonly after: (entries: number, lastHash: string) => string;
}

const WRITERS: Readonly<Record<ExportOptions["format"], Format>> = {
  jsonl: {
    before: jsonLine(exportHeader()),
    entry: (stored) => jsonLine(exportLine(stored)),
    after: (entries, lastHash) => jsonLine(exportEnd(entries, lastHash)),
  },
  csv: { before: csvHeader(), entry: csvLine, after: () => "" },
};

/**
 * Prints every entry. The log is verified on the way; of one that is broken the last line is not printed, and the command
 * fails.
 *
 * @throws AuditUnavailableError when there is no log, or it can't be read.
 * @throws CommandFailure when its chain is broken.
 */
export async function exportLog(log: string | undefined, options: ExportOptions, host: Host): Promise<ExitCode> {
  const path = auditLogPath(log, host);
  const { before, entry, after } = WRITERS[options.format];
  // A bar in the middle of what is printed on the same terminal would spoil both.
  const bar = host.stdout.isTTY === true ? undefined : new ProgressBar("exporting", host);
  const batches = readLog(path, bar !== undefined);
  let [count, lastHash] = [0, ""];
  // Once it is known that there is a log.
  let untold = before;
  for (;;) {
    const { done, value } = await batches.next();
    host.stdout.write(untold);
    untold = "";
    if (done === true) {
      bar?.end();
      if (!value.intact) {
        const [first] = value.problems;
        const place = first?.seq === undefined ? "" : ` at entry ${first.seq}`;
        const what = first?.what ?? "the reason is not known";
        throw new CommandFailure(EXIT.finding, `audit chain broken${place}: ${what}. What was printed is no evidence`);
      }
      host.stdout.write(after(count, lastHash));
      return EXIT.ok;
    }
    bar?.update(value.progress);
    count += value.entries.length;
    lastHash = value.entries.at(-1)?.hash ?? lastHash;
    if (value.entries.length > 0) host.stdout.write(value.entries.map(entry).join(""));
  }
}
