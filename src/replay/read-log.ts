/** Reads an audit log and verifies it on the way. */

import { readEntries } from "../audit/read.ts";
import type { StoredEntry } from "../audit/format/entry.ts";
import type { AuditLocation } from "../audit/location.ts";
import { verifyEntries, type VerifyReport } from "../audit/verify.ts";
import { AuditCorruptError } from "../errors.ts";

/** Entries that were read, and how much of the record has been, from 0 to 1. */
export interface ReadEntries {
  readonly entries: readonly StoredEntry[];
  readonly progress: number;
}

/**
 * The entries of a log, some at a time; returns what verification has found. None can be relied on before the end.
 *
 * @throws AuditUnavailableError when there is no log, or it can't be read.
 */
export async function* readLog(
  location: AuditLocation,
  tellsProgress: boolean,
): AsyncGenerator<ReadEntries, VerifyReport, void> {
  const last = tellsProgress ? await lastNumber(location) : undefined;
  const entries = verifyEntries(location);
  for (;;) {
    const { done, value } = await entries.next();
    if (done === true) return value;
    yield { entries: value, progress: last === undefined ? 0 : Math.min(1, (value.at(-1)?.seq ?? 0) / last) };
  }
}

/** The number of the last entry; `undefined` when it is damaged, which verification will say. */
async function lastNumber(location: AuditLocation): Promise<number | undefined> {
  try {
    for await (const { seq } of readEntries(location, "latest first")) return seq;
  } catch (error) {
    if (!AuditCorruptError.isInstance(error)) throw error;
  }
  return undefined;
}
