/** Reads what of approvals is open. Nothing is written. */

import { AuditCorruptError } from "../../errors.ts";
import type { StoredEntry } from "../format/entry.ts";
import { OpenItemsRebuild } from "./open-items-rebuild.ts";
import type { OpenItemsRegister } from "./open-items.ts";

/**
 * What of approvals is open in a log, and the log's identity, from its entries, latest first. Reads back to the last entry
 * that carries it on, and no further. `name` is how messages name the log.
 *
 * @throws AuditCorruptError when what is read contradicts itself; and whatever reading throws.
 */
export async function readOpenItems(
  latestFirst: AsyncIterable<StoredEntry>,
  name: string,
): Promise<{ readonly log: string; readonly open: OpenItemsRegister }> {
  const rebuild = new OpenItemsRebuild(name);
  for await (const stored of latestFirst) {
    if (rebuild.take(stored)) return { log: stored.entry.log, open: rebuild.register };
  }
  throw new AuditCorruptError(name, "it has no entries");
}
