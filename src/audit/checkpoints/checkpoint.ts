/**
 * Checkpoints: a signed statement of how long a log was and what its head was (the body of a C2SP tlog-checkpoint:
 * origin, size, hash). Kept elsewhere, it shows a tail that was cut and a log that was made anew. There is no Merkle
 * tree: the head of a chain commits to all of it.
 */

import { AuditCorruptError } from "../../errors.ts";
import type { Anchor } from "./anchor.ts";
import type { Head, StoredEntry } from "../format/entry.ts";
import { storeAt, type AuditLocation } from "../location.ts";
import type { AuditStore } from "../store.ts";
import { decodeBase64, openNote, signNote, type SignerKey, type VerifierKey } from "../../note.ts";

const ORIGIN = "capfence/";

/** The text of a checkpoint of a log whose head is `head`, signed. */
export function signCheckpoint(log: string, head: Head, signer: SignerKey): string {
  const hash = Buffer.from(head.hash, "hex").toString("base64");
  return signNote(`${ORIGIN}${log}\n${head.seq + 1}\n${hash}\n`, signer);
}

/**
 * Reads a checkpoint and verifies its signature. Only the keys given here count; a key found beside a log is no
 * evidence about that log.
 *
 * @throws TypeError when it is not a checkpoint, or none of the keys has signed it.
 */
export function openCheckpoint(note: string, keys: readonly VerifierKey[]): Anchor {
  const { text, signedBy } = openNote(note, keys);
  const [origin = "", size = "", encoded = ""] = text.split("\n");
  const hash = decodeBase64(encoded);
  if (!origin.startsWith(ORIGIN) || !/^[1-9]\d{0,14}$/.test(size) || hash?.length !== 32) {
    throw new TypeError("signed, but not a checkpoint of a CapFence log");
  }
  return { log: origin.slice(ORIGIN.length), size: Number(size), hash: hash.toString("hex"), signedBy };
}

/**
 * Makes a signed checkpoint of the log at `location` as it stands. What it states is flushed to the disk first, or a power
 * loss could make an honest log look cut.
 *
 * @throws AuditUnavailableError when there is no log or it can't be read.
 * @throws AuditCorruptError when its last entry is damaged.
 */
export async function makeCheckpoint(location: AuditLocation, signer: SignerKey): Promise<string> {
  const store = storeAt(location);
  for (;;) {
    const { log, head } = await lastOf(store);
    await store.flush();
    // Of a write that fails half-way the beginning can be read before it is taken back, and a checkpoint of that would accuse
    // the log for ever.
    const anchor = { log, size: head.seq + 1, hash: head.hash, signedBy: [] };
    if ((await contradictionOf(anchor, store.entries("latest first"))) === undefined) {
      return signCheckpoint(log, head, signer);
    }
  }
}

async function lastOf(store: AuditStore): Promise<{ readonly log: string; readonly head: Head }> {
  for await (const { seq, hash, entry } of store.entries("latest first"))
    return { log: entry.log, head: { seq, hash } };
  throw new AuditCorruptError(store.name, "it has no entries");
}

/** Why a log is not the one that a checkpoint was made of. */
export interface Contradiction {
  /** A predicate whose subject is the log. */
  readonly what: string;
  /** False when the entry lies elsewhere, so that the two can't be compared. */
  readonly isProven: boolean;
}

/**
 * Whether a log, whose entries are given latest first, still holds the entry that a checkpoint was made of; `undefined`
 * when it does. Reads no further back than to that entry.
 */
export async function contradictionOf(
  { log, size, hash }: Anchor,
  entries: AsyncIterable<StoredEntry>,
): Promise<Contradiction | undefined> {
  const covered = size - 1;
  for await (const { seq, hash: found, entry } of entries) {
    if (entry.log !== log) return { what: "is another log", isProven: true };
    if (seq < covered) return { what: `ends at entry ${seq}, and once had entry ${covered}`, isProven: true };
    if (seq > covered) continue;
    return found === hash ? undefined : { what: `was made anew: it had another entry ${covered}`, isProven: true };
  }
  return { what: `has its entry ${covered} elsewhere, so the two can't be compared`, isProven: false };
}
