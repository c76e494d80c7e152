/**
 * The tail: an append-only text file beside the database that new entries go to first. Each line is a SHA-256 in
 * hexadecimal, a space, the JSON text it is the hash of, and a line feed, which JSON text never contains. The first
 * line says which log this is and where in the chain the tail begins; every further line is an entry.
 */

import { isUtf8 } from "node:buffer";

import { canonical, FORMAT_VERSION, isLogIdentity, sha256, soundEntry, type Head, type StoredEntry } from "./entry.ts";

/** Where a tail begins: it follows `head` in the log `log`. */
export interface TailHeader {
  readonly log: string;
  readonly head: Head;
}

const HASH_LENGTH = 64;
const SPACE = 0x20;
const LINE_FEED = 0x0a;

/** A tail's first line. */
export function formatTailHeader({ log, head }: TailHeader): string {
  const text = canonical({ capfence: "tail", first: head.seq + 1, log, prev: head.hash, v: FORMAT_VERSION });
  return formatLine({ hash: sha256(text), body: text });
}

/** An entry's line. */
export function formatLine({ hash, body }: Pick<StoredEntry, "hash" | "body">): string {
  return `${hash} ${body}\n`;
}

/** Complete lines, without their line feeds, and what follows the last of them: an unfinished write, or nothing. */
export interface TailLines {
  readonly lines: readonly Buffer[];
  readonly rest: Buffer;
}

/** Splits what was read from a tail. */
export function splitTail(bytes: Buffer): TailLines {
  const lines: Buffer[] = [];
  let start = 0;
  for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, start)) {
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return { lines, rest: bytes.subarray(start) };
}

/** Reads a tail's first line; `undefined` when it is damaged or of another format. */
export function parseTailHeader(line: Buffer | undefined): TailHeader | undefined {
  const text = line && textOf(line);
  const header = text !== undefined && sha256(text.body) === text.hash ? parseJson(text.body) : undefined;
  if (typeof header !== "object" || header === null) return undefined;
  const { capfence, first, log, prev, v } = header as Record<string, unknown>;
  if (capfence !== "tail" || v !== FORMAT_VERSION) return undefined;
  if (!isEntryNumber(first) || !isLogIdentity(log) || typeof prev !== "string") return undefined;
  return { log, head: { seq: first - 1, hash: prev } };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The genesis entry is never in a tail. */
function isEntryNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 1;
}

/** Reads an entry's line; `undefined` when its hash is not the hash of its text, or its text is no entry. */
export function parseTailLine(line: Buffer): StoredEntry | undefined {
  const text = textOf(line);
  return text && soundEntry(text.hash, text.body);
}

/** A line's two parts, the hash not yet compared; `undefined` when it has another form, or bytes that are not UTF-8. */
function textOf(line: Buffer): { readonly hash: string; readonly body: string } | undefined {
  const body = line.subarray(HASH_LENGTH + 1);
  // Bytes that are not UTF-8 would be another text, with another hash, once they are in the database.
  if (line[HASH_LENGTH] !== SPACE || !isUtf8(body)) return undefined;
  return { hash: line.toString("latin1", 0, HASH_LENGTH), body: body.toString("utf8") };
}
