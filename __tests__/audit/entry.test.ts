import canonicalize from "canonicalize";
import { describe, expect, it } from "vitest";

import {
  canonical,
  ENTRY_KINDS,
  fillTemplate,
  isCounted,
  parseEntry,
  PreparedEntry,
  soundEntry,
  type Entry,
  type EntryContent,
} from "../../src/audit/format/entry.ts";
import { sha256 } from "./tampering.ts";

const LOG = "0123456789abcdef".repeat(2);
const TS = "2026-01-15T10:00:00.000Z";
const HEAD = { seq: 41, hash: "ab".repeat(32) };

function prepared(members: object): PreparedEntry {
  return new PreparedEntry({ kind: "decision", ...members } as unknown as EntryContent);
}

const CONTENTS: readonly (readonly [string, object])[] = [
  ["nothing but its kind", {}],
  ["names before all that the log adds", { actor: "a", b: 1 }],
  ["names between those that the log adds", { m: 1, logs: 2, prez: 3, q: 4, sf: 5, tt: 6, u: 7 }],
  ["names behind all that the log adds", { vv: 1, w: 2, z: 3 }],
  ["names all over, in another order", { zebra: 1, b: 2, m: 3, r: 4, t: 5, u: 6, v0: 7, a: 8 }],
  ["names that are not ASCII", { é: 1, "\u{1F600}": 2, "\uFFFD": 3, "": 4 }],
  ["members that are not there", { actor: undefined, z: undefined, m: 1 }],
  ["text that JSON escapes", { actor: '"\\\n\u001E\u001F\u0000', z: "\u001F" }],
  ["numbers and nesting", { n: [1e21, 0.1, -0, { b: 1, a: [null, true] }] }],
];

describe("an entry's text", () => {
  it.each(CONTENTS)("is its canonical JSON, with %s", (_name, members) => {
    const { seq, hash, body } = prepared(members).follow(HEAD, LOG, TS);
    expect(seq).toBe(42);
    expect(hash).toBe(sha256(body));
    const kept = Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
    expect(body).toBe(canonicalize({ kind: "decision", v: 1, log: LOG, seq: 42, prev: HEAD.hash, ts: TS, ...kept }));
  });

  it.each(CONTENTS)("is the same by way of a template, with %s", (_name, members) => {
    const entry = prepared(members);
    expect(fillTemplate(entry.template(LOG, TS), HEAD)).toEqual(entry.follow(HEAD, LOG, TS));
  });

  it.each(["", 'a"\\\u0000\u007F\u2028é\u{1F600}', "</script>"])("holds %j as JSON does", (text) => {
    expect(canonical(text)).toBe(JSON.stringify(text));
  });

  it("holds nothing that is no JSON", () => {
    expect(() => canonical(undefined)).toThrow(new TypeError("not JSON"));
    expect(() => canonical("\uD800")).toThrow();
  });
});

describe("reading an entry back", () => {
  const FRAME = { v: 1, log: LOG, seq: 3, prev: HEAD.hash, ts: TS, kind: "decision" };

  it("gives what it says, under its hash and no other", () => {
    const body = JSON.stringify({ ...FRAME, more: [1] });
    expect(parseEntry(body)).toEqual({ ...FRAME, more: [1] });
    expect(soundEntry(sha256(body), body)).toEqual({ seq: 3, hash: sha256(body), body, entry: parseEntry(body) });
    expect(soundEntry(sha256(`${body} `), body)).toBeUndefined();
    expect(soundEntry(undefined, body)).toBeUndefined();
    expect(soundEntry(sha256("7"), 7)).toBeUndefined();
    expect(soundEntry(sha256("7"), "7")).toBeUndefined();
  });

  it.each(["", "{", "null", "7", '"text"', "[]", "{}"])("gives nothing for the text %j", (body) => {
    expect(parseEntry(body)).toBeUndefined();
  });

  it.each(
    Object.entries<readonly unknown[]>({
      v: ["1", null, undefined],
      log: [7, undefined],
      seq: ["3", 1.5, 2 ** 53, null, undefined],
      prev: [7, undefined],
      ts: [7, undefined],
      kind: [7, null, undefined],
    }).flatMap(([name, values]) => values.map((value) => [name, value] as const)),
  )("gives nothing where %s is %j", (name, value) => {
    expect(parseEntry(JSON.stringify({ ...FRAME, [name]: value }))).toBeUndefined();
  });

  it("counts what users did, and not what the log keeps for itself", () => {
    const counted = [...ENTRY_KINDS].filter((kind) => isCounted({ kind } as Entry));
    expect(counted.toSorted()).toEqual(["approval", "decision", "grant", "outcome"]);
    expect([...ENTRY_KINDS].toSorted()).toEqual([
      "approval",
      "decision",
      "genesis",
      "grant",
      "outcome",
      "policy",
      "segment",
      "unlock",
    ]);
  });
});
