/** The calls that two policies are compared by. */

import { readEntries } from "../../audit/read.ts";
import type { NamedCall } from "../../replay/compared-call.ts";
import { recordedCall } from "../../replay/recorded-call.ts";
import { CommandFailure } from "../command-failure.ts";
import { EXIT, type Host } from "../host.ts";
import { auditLogPath } from "../log-path.ts";
import { isSuiteName, trySuite } from "./files.ts";
import { callFromJson } from "./given-event.ts";
import { readGivenText } from "./given-text.ts";
import { problemLines } from "./problems.ts";

/**
 * The calls of a file or an audit log. Those of a log are read as they are asked for, since there may be many.
 *
 * @throws CommandFailure when a file can't be read, or at its first line that is no event.
 */
export function casesOf(
  { cases, auditLog }: { readonly cases?: string; readonly auditLog?: string },
  host: Host,
): Iterable<NamedCall> | AsyncIterable<NamedCall> {
  if (cases === undefined) return recordedCases(auditLogPath(auditLog, host));
  return /\.ya?ml$/i.test(cases) || isSuiteName(cases) ? suiteCases(cases, host) : lineCases(cases, host);
}

async function* recordedCases(path: string): AsyncGenerator<NamedCall> {
  for await (const { seq, entry } of readEntries(path)) {
    if (entry.kind === "decision") yield { name: `entry ${seq}`, call: recordedCall(entry) };
  }
}

function suiteCases(file: string, host: Host): readonly NamedCall[] {
  const loaded = trySuite(file, host);
  if ("value" in loaded) return loaded.value.cases.map(({ name, event }) => ({ name, call: { event, unknown: [] } }));
  const details = loaded.errors.flatMap((issue) => problemLines(issue));
  throw new CommandFailure(EXIT.failed, `${file} is not a valid suite`, { details });
}

function lineCases(file: string, host: Host): readonly NamedCall[] {
  return readGivenText(file, host)
    .split(/\r?\n/)
    .flatMap((line, index) => {
      if (line.trim() === "") return [];
      const name = `line ${index + 1}`;
      try {
        return [{ name, call: callFromJson(line, host) }];
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        throw new CommandFailure(EXIT.failed, `${file}:${index + 1}: ${error.message}`, { cause: error });
      }
    });
}
