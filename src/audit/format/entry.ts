/**
 * What an audit log is made of: entries, each canonical JSON (RFC 8785) naming the SHA-256 (FIPS 180-4) of the one
 * before it. The bytes are the truth; everything else that is stored is derived from them.
 */

import { hash } from "node:crypto";

import canonicalize from "canonicalize";

import type { ApprovalRecord, CarriedItems, GrantRecord } from "../../approval.ts";
import type { DecisionKind, Reason } from "../../event.ts";
import type { JsonObject } from "../../snapshot.ts";

/** The version of the entry format, `v` in every entry. */
export const FORMAT_VERSION = 1;

/** The `prev` of the genesis entry, which has nothing before it. */
export const NO_PREVIOUS: string = "0".repeat(64);

/** A digest of something that is not recorded itself: SHA-256 over the salt's 16 bytes, then the UTF-8 text. Hexadecimal. */
export interface SaltedDigest extends JsonObject {
  readonly salt: string;
  readonly sha256: string;
}

/** How a tool call ended. */
export type OutcomeStatus = "finished" | "failed" | "aborted";

/** The fields every entry has. */
interface EntryFrame {
  readonly v: number;
  /** The log's random identity, 32 hexadecimal digits, the same in all its entries. */
  readonly log: string;
  /** Position in the log; the genesis entry is 0. */
  readonly seq: number;
  /** SHA-256 of the entry before, hexadecimal. */
  readonly prev: string;
  /** When it was appended, RFC 3339 in UTC with milliseconds. A host's clock may step back. */
  readonly ts: string;
}

/** The first entry of a log. */
interface GenesisEntry extends EntryFrame {
  readonly kind: "genesis";
}

/** What was decided about one call, durable before the call runs. */
export interface DecisionEntry extends EntryFrame {
  readonly kind: "decision";
  /** The event's id. */
  readonly event: string;
  readonly actor: string;
  readonly action: string;
  readonly resource: string;
  readonly capability: string;
  readonly environment: string;
  readonly scope?: string;
  readonly risk?: string | number;
  readonly session?: string;
  /** What the host knew; absent when it said nothing. */
  readonly context?: JsonObject;
  /** Characters of the context's JSON, when it was too large to be recorded whole. */
  readonly contextCut?: number;
  /** Whether the event itself asked for approval; absent when not. */
  readonly requireApproval?: true;
  readonly decision: DecisionKind;
  /** Whether the call was let through. */
  readonly authorized: boolean;
  /** False when the runtime only observes: the call was let through whatever the decision. Absent otherwise. */
  readonly enforced?: false;
  readonly reason: Reason;
  readonly rule?: {
    readonly id: string;
    readonly section: DecisionKind;
    readonly index: number;
    readonly file: string;
    readonly line: number;
  };
  /** The id of the request that the call waits for, or was approved by, or of the grant that it used. */
  readonly approval?: string;
  /** The policy's digest, hexadecimal SHA-256. */
  readonly policy: string;
  /** The payload after redaction; absent when payloads are not recorded, or it was too large or could not be taken. */
  readonly payload?: JsonObject;
  /** The paths, and the formats of secrets, that something was redacted for; absent when nothing was. */
  readonly redacted?: readonly string[];
  /** Characters of the whole payload's JSON, when it was too large to be recorded whole. */
  readonly cut?: number;
  /** Commits to the full payload's canonical JSON. */
  readonly digest?: SaltedDigest;
  /** Why the payload could not be taken. */
  readonly problem?: string;
}

/** How an allowed call ended. */
export interface OutcomeEntry extends EntryFrame {
  readonly kind: "outcome";
  readonly event: string;
  readonly actor: string;
  readonly capability: string;
  readonly environment: string;
  /** The `seq` of the decision. */
  readonly of: number;
  readonly status: OutcomeStatus;
  /** Milliseconds the tool ran; absent when that was not measured. */
  readonly ms?: number;
  /** Commits to the output, when that was text or plain JSON. */
  readonly output?: SaltedDigest;
}

/** Names a part of the log that was sealed, and commits to its bytes. */
export interface SegmentEntry extends EntryFrame {
  readonly kind: "segment";
  /** Its first and last entry. */
  readonly first: number;
  readonly last: number;
  /** The last entry's hash, so that what follows can be verified when the segment has been archived elsewhere. */
  readonly head: string;
  /** SHA-256 of the file, hexadecimal. */
  readonly digest: string;
  /** What of approvals is open before this entry, so that nobody need look into the segment; absent when nothing is. */
  readonly open?: CarriedItems;
}

/** Asks a person to approve a call, answers that, or says how it ended. */
type ApprovalEntry = EntryFrame & ApprovalRecord;

/** Grants calls to come, or says that this was used or ended. */
type GrantEntry = EntryFrame & GrantRecord;

/** Says that a lock whose owner could not be judged was removed by a person. */
interface UnlockEntry extends EntryFrame {
  readonly kind: "unlock";
  /** The owner that its lock file named; absent when it named none. */
  readonly owner?: { readonly pid: number; readonly host: string };
  /** The operating-system user who did it. */
  readonly by: string;
}

/** Says that a runtime read its policy anew: that another one is in force, or that a broken one was not taken. */
interface PolicyEntry extends EntryFrame {
  readonly kind: "policy";
  /** The digest of the policy in force from here on. */
  readonly policy: string;
  /** The digest of the one before; absent when the policy did not change. */
  readonly previous?: string;
  /** Why what was read was not taken. */
  readonly problem?: string;
}

/** One entry of an audit log. */
export type Entry =
  | GenesisEntry
  | DecisionEntry
  | OutcomeEntry
  | ApprovalEntry
  | GrantEntry
  | SegmentEntry
  | UnlockEntry
  | PolicyEntry;

/** The kinds of entry this version knows. */
export const ENTRY_KINDS: ReadonlySet<string> = new Set<Entry["kind"]>([
  "genesis",
  "decision",
  "outcome",
  "approval",
  "grant",
  "segment",
  "unlock",
  "policy",
]);

/** Whether entries of this kind change what of approvals is open; others only let time pass. */
export function isAboutApprovals(kind: Entry["kind"]): kind is "approval" | "grant" {
  return kind === "approval" || kind === "grant";
}

/** What makes an entry its own: its members except `v`, `log`, `seq`, `prev` and `ts`, which the log adds. */
export type EntryContent<E extends Entry = Entry> = E extends Entry ? Omit<E, keyof EntryFrame> : never;

/** The same, where a member that is `undefined` is absent. */
export type EntryMembers<E extends Entry = Entry> = E extends Entry ? OrUndefined<EntryContent<E>> : never;

type OrUndefined<T> = {
  readonly [Name in keyof T]: object extends Pick<T, Name> ? T[Name] | undefined : T[Name];
};

/** An entry as it is stored: `hash` is the SHA-256 of `body`'s UTF-8 bytes, and `body` is the entry's canonical JSON. */
export interface StoredEntry {
  readonly seq: number;
  readonly hash: string;
  readonly body: string;
  readonly entry: Entry;
}

/** Where a chain stands: the last entry's position and hash. */
export interface Head {
  readonly seq: number;
  readonly hash: string;
}

/** The members that the log adds, in the order of RFC 8785 (section 3.2.3), and where those of the entry's own lie among them. */
const FRAME = ["log", "prev", "seq", "ts", "v"] as const;

/**
 * An entry made ready for appending. Its members are brought into canonical form before the log's lock is taken, so that
 * under the lock only the few members that depend on the chain are put between them.
 */
export class PreparedEntry {
  readonly kind: Entry["kind"];
  /** The entry's own members before each of {@link FRAME}, and behind the last: `"name":value,`. */
  readonly #between: readonly string[];

  constructor(content: EntryMembers) {
    this.kind = content.kind;
    const between: string[] = [];
    let members = "";
    // RFC 8785 sorts members by UTF-16 code units, and so does toSorted().
    for (const name of [...Object.keys(content), ...FRAME].toSorted()) {
      if (name === FRAME[between.length]) {
        between.push(members);
        members = "";
      } else {
        const value: unknown = content[name as keyof typeof content];
        // No name has a character that JSON escapes.
        if (value !== undefined) members += `"${name}":${canonical(value)},`;
      }
    }
    this.#between = [...between, members];
  }

  /** The stored form of this entry as the successor of `head` in the log `log`, at the time `ts`. */
  follow(head: Head, log: string, ts: string): Omit<StoredEntry, "entry"> {
    const seq = head.seq + 1;
    const body = this.#text(head.hash, String(seq), log, ts);
    return { seq, hash: sha256(body), body };
  }

  /** The text of this entry in the log `log`, at the time `ts`, with gaps where it depends on the entry before it. */
  template(log: string, ts: string): string {
    return this.#text(HASH_GAP, NUMBER_GAP, log, ts);
  }

  /** None of the four has a character that JSON escapes: hexadecimal digits, a number, a time, the gaps of a template. */
  #text(prev: string, seq: string, log: string, ts: string): string {
    const [beforeLog, beforePrev, beforeSeq, beforeTs, beforeV, last = ""] = this.#between;
    const behind = last === "" ? "" : `,${last.slice(0, -1)}`;
    return `{${beforeLog}"log":"${log}",${beforePrev}"prev":"${prev}",${beforeSeq}"seq":${seq},${beforeTs}"ts":"${ts}",${beforeV}"v":${FORMAT_VERSION}${behind}}`;
  }
}

// What stands for an entry's number and for the hash before it in a template: JSON text never holds them (RFC 8259, 7).
const NUMBER_GAP = "\u001E";
const HASH_GAP = "\u001F";

/** The stored form of the entry that a template was made of, as the successor of `head`. */
export function fillTemplate(template: string, head: Head): Omit<StoredEntry, "entry"> {
  const seq = head.seq + 1;
  const body = template.replaceAll(NUMBER_GAP, String(seq)).replaceAll(HASH_GAP, head.hash);
  return { seq, hash: sha256(body), body };
}

/** Hexadecimal SHA-256 of text (as UTF-8) or bytes. */
export function sha256(data: string | Uint8Array): string {
  return hash("sha256", data, "hex");
}

/** The RFC 8785 form of plain JSON. Whatever comes here has been through the payload snapshot or was made by us. */
export function canonical(value: unknown): string {
  // Section 3.2.2 takes over how ECMAScript writes strings and numbers. What is left is the order of the members.
  const text = isInOrder(value) ? JSON.stringify(value) : canonicalize(value);
  if (text === undefined) throw new TypeError("not JSON");
  return text;
}

/** Whether `JSON.stringify` writes the RFC 8785 form: the members are in its order already, at all levels. */
function isInOrder(value: unknown): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object") return typeof value === "boolean";
  if (value === null) return true;
  if (Array.isArray(value)) return value.every(isInOrder);
  let last = "";
  for (const [name, member] of Object.entries(value)) {
    if (name < last || !name.isWellFormed() || !isInOrder(member)) return false;
    last = name;
  }
  return true;
}

/** Reads an entry back from its text; `undefined` when it is not JSON or lacks the fields all entries have. */
export function parseEntry(body: string): Entry | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return undefined;
  }
  return isEntry(value) ? value : undefined;
}

/**
 * An entry as it was stored, read back; `undefined` when `digest` is not the hash of `body`, or `body` is no entry. What
 * is asked about may be of any type.
 */
export function soundEntry(digest: unknown, body: unknown): StoredEntry | undefined {
  if (typeof body !== "string" || sha256(body) !== digest) return undefined;
  const entry = parseEntry(body);
  return entry && { seq: entry.seq, hash: digest, body, entry };
}

/**
 * Whether it is the form of a log's identity. That becomes a line of checkpoints, part of the names of segments, and of the
 * text of entries to come, so it must hold nothing else.
 */
export function isLogIdentity(value: unknown): value is string {
  return typeof value === "string" && /^[0-9a-f]{32}$/.test(value);
}

function isEntry(value: unknown): value is Entry {
  if (typeof value !== "object" || value === null) return false;
  const { v, log, seq, prev, ts, kind } = value as Record<string, unknown>;
  return (
    typeof v === "number" &&
    isLogIdentity(log) &&
    Number.isSafeInteger(seq) &&
    typeof prev === "string" &&
    typeof ts === "string" &&
    typeof kind === "string"
  );
}

const COUNTED: ReadonlySet<string> = new Set<Entry["kind"]>(["decision", "outcome", "approval", "grant"]);

/** Whether an entry counts in "N entries verified": what users did, not what the log keeps for itself. */
export function isCounted(entry: Entry): boolean {
  return COUNTED.has(entry.kind);
}
