/** Entries about approvals, each with its hash, as a register of open items is given them. */

import { PreparedEntry, type Entry, type EntryContent } from "../../src/audit/format/entry.ts";
import type { OpenItemsRegister } from "../../src/audit/open-items/open-items.ts";

/** Hours, one after the other. Entries are recorded at the first, unless they say otherwise, and what is open ends at the second. */
const T0 = "2026-01-15T10:00:00.000Z";
export const T1 = "2026-01-15T11:00:00.000Z";
export const T2 = "2026-01-15T12:00:00.000Z";

/** What an entry says. */
export type Members = Readonly<Record<string, unknown>>;

/** An entry with its hash, which a register takes on trust. */
export interface Recorded {
  readonly hash: string;
  readonly entry: Members;
}

/** An entry at `seq`, of whatever kind. */
export function recorded(seq: number, members: Members, ts = T0): Recorded {
  return { hash: `hash ${seq}`, entry: { v: 1, log: "log", prev: "prev", seq, ts, ...members } };
}

/** A request that can be kept, unless `members` say otherwise. */
export function request(seq: number, id: string, members: Members = {}): Recorded {
  const texts = { event: "e", actor: "a", action: "b", resource: "r", capability: "c", environment: "t", policy: "p" };
  const asked = { kind: "approval", status: "requested", id, ...texts, digest: "d", shown: "s", expires: T1 };
  return recorded(seq, { ...asked, ...members });
}

/** A grant that can be kept, unless `members` say otherwise. */
export function grant(seq: number, id: string, members: Members = {}): Recorded {
  const whom = { actor: "*", capability: "c", environment: "*", by: "alice", user: "root" };
  return recorded(seq, { kind: "grant", status: "granted", id, ...whom, expires: T1, ...members });
}

/** Something that is said about the request at `of`. */
export function about(seq: number, status: string, id: unknown, of: number, members: Members = {}): Recorded {
  const named = { of, request: `hash ${of}`, by: "bob", user: "root" };
  return recorded(seq, { kind: "approval", status, id, ...named, ...members });
}

/** What such an entry says, ready for appending to a log. */
export function prepared({ entry }: Recorded): PreparedEntry {
  const { v: _, log: __, prev: ___, seq: ____, ts: _____, ...content } = entry;
  return new PreparedEntry(content as unknown as EntryContent);
}

/** Gives a register its next entry; answers what that answers. */
export function apply(register: OpenItemsRegister, { hash, entry }: Recorded): string | undefined {
  return register.apply(hash, entry as unknown as Entry);
}

/** An object nested so many levels deep, the innermost value the last. */
export function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 1; level < levels; level += 1) value = { in: value };
  return value;
}
