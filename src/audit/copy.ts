/** Copies a log from one place to another, entry by entry, and holds the two against each other. */

import { AuditCorruptError } from "../errors.ts";
import type { Head, StoredEntry } from "./format/entry.ts";
import { storeAt, type AuditLocation } from "./location.ts";
import { verifyLog } from "./verify.ts";

/** What was copied: entries, the genesis entry included, and the last one's place. */
export interface Copied {
  readonly entries: number;
  readonly head: Head;
}

/**
 * Copies the log at `from` to `to`, where there is none. Both are verified, and end in the same entry; what is appended
 * to `from` meanwhile may or may not be in the copy.
 *
 * @throws AuditUnavailableError when one can't be read or written, or there is a log at `to`.
 * @throws AuditCorruptError when one is not intact.
 */
export async function copyLog(from: AuditLocation, to: AuditLocation): Promise<Copied> {
  await expectIntact(from);
  let entries = 0;
  let head: Head | undefined;
  async function* counted(): AsyncGenerator<StoredEntry> {
    for await (const stored of storeAt(from).entries("oldest first")) {
      entries += 1;
      head = { seq: stored.seq, hash: stored.hash };
      yield stored;
    }
  }
  await storeAt(to).receive(counted());
  await expectIntact(to);
  for await (const { seq, hash } of storeAt(to).entries("latest first")) {
    if (head?.seq === seq && head.hash === hash) return { entries, head };
    break;
  }
  throw new AuditCorruptError(storeAt(to).name, "it does not end in the entry that was copied last");
}

async function expectIntact(location: AuditLocation): Promise<void> {
  const { intact, problems } = await verifyLog(location);
  if (intact) return;
  const [{ seq, what } = { what: "it is not intact" }] = problems;
  const { name } = storeAt(location);
  throw new AuditCorruptError(name, `${seq === undefined ? "" : `entry ${seq}: `}${what}. Run capfence verify`, {
    ...(seq !== undefined && { seq }),
  });
}
