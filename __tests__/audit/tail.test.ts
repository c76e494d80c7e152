import { describe, expect, it } from "vitest";

import { PreparedEntry, type Entry, type EntryContent } from "../../src/audit/format/entry.ts";
import { misfit, successorProblem } from "../../src/audit/format/successor.ts";
import {
  formatLine,
  formatTailHeader,
  parseTailHeader,
  parseTailLine,
  splitTail,
} from "../../src/audit/format/tail.ts";
import { unfinishedProblem } from "../../src/audit/format/unfinished.ts";
import { sha256 } from "./tampering.ts";

const LOG = "0123456789abcdef".repeat(2);
const HEAD = { seq: 6, hash: "ab".repeat(32) };
const TS = "2026-01-15T10:00:00.000Z";

/** The line of an entry whose text is full of what JSON texts are made of, without its line feed. */
const LINE = formatLine(
  new PreparedEntry({ kind: "decision", actor: '}"{\\', context: { a: { b: "}" } } } as unknown as EntryContent).follow(
    HEAD,
    LOG,
    TS,
  ),
).slice(0, -1);

const CHANGED = "the end of its line in the tail was changed";
const NO_BEGINNING = "what follows its last line in the tail is not the beginning of one";

function hashed(body: string): string {
  return `${sha256(body)} ${body}`;
}

/** The entry that comes behind {@link HEAD}. */
function entry(members: object): Entry {
  return { v: 1, log: LOG, seq: 7, prev: HEAD.hash, ts: TS, kind: "grant", ...members } as unknown as Entry;
}

describe("a tail", () => {
  it.each<readonly [string, readonly string[], string]>([
    ["", [], ""],
    ["\n", [""], ""],
    ["a", [], "a"],
    ["\na", [""], "a"],
    ["a\nb", ["a"], "b"],
    ["a\n\nb\n", ["a", "", "b"], ""],
  ])("of %j is split at its line feeds", (text, lines, rest) => {
    const split = splitTail(Buffer.from(text));
    expect(split.lines.map((each) => each.toString())).toEqual(lines);
    expect(split.rest.toString()).toBe(rest);
  });

  it("begins with a line that says where", () => {
    const header = formatTailHeader({ log: LOG, head: HEAD });
    expect(header.endsWith("\n")).toBe(true);
    expect(parseTailHeader(Buffer.from(header.slice(0, -1)))).toEqual({ log: LOG, head: HEAD });
  });

  it.each<readonly [string, string | undefined]>([
    ["nothing", undefined],
    ["another hash", `${"0".repeat(64)} {}`],
    ["what is no JSON", hashed("{")],
    ["null", hashed("null")],
    ["a number", hashed("7")],
    ...Object.entries({
      capfence: ["head", undefined],
      v: [2, "1"],
      first: [0, 1.5, "7", null],
      log: [7, undefined],
      prev: [7, undefined],
    }).flatMap(([name, values]) =>
      values.map((value) => {
        const text = JSON.stringify({ capfence: "tail", first: 7, log: LOG, prev: HEAD.hash, v: 1, [name]: value });
        return [`${name} ${JSON.stringify(value)}`, hashed(text)] as const;
      }),
    ),
  ])("does not begin with %s", (_name, line) => {
    expect(parseTailHeader(line === undefined ? undefined : Buffer.from(line))).toBeUndefined();
  });

  it("goes on with entries, each under its hash, behind a space, in UTF-8", () => {
    expect(parseTailLine(Buffer.from(LINE))).toMatchObject({ seq: 7, hash: LINE.slice(0, 64), body: LINE.slice(65) });
    expect(parseTailLine(Buffer.from(LINE.replace(" ", "\t")))).toBeUndefined();
    expect(parseTailLine(Buffer.from(hashed("{}")))).toBeUndefined();
    const [before, behind] = LINE.slice(65).split("decision");
    const shown = `${before}\uFFFD${behind}`;
    const bytes = Buffer.concat([
      Buffer.from(`${sha256(shown)} ${before}`),
      Buffer.of(0xff),
      Buffer.from(behind ?? ""),
    ]);
    expect(parseTailLine(Buffer.from(hashed(shown)))).toBeDefined();
    expect(parseTailLine(bytes)).toBeUndefined();
  });
});

describe("what follows the last line of a tail", () => {
  it.each<readonly [string, string, string | undefined]>([
    ["nothing", "", undefined],
    ["zeros", "\0\0\0\0", undefined],
    ["half a hash", "0123abcd", undefined],
    ["half a hash and zeros", "0123abcd\0\0", undefined],
    ["zeros and more", "\0\x001", NO_BEGINNING],
    ["a hash in capitals", "ABCD", NO_BEGINNING],
    ["a hash that is too long", "a".repeat(65), NO_BEGINNING],
    ["half a hash and a space", "0123 ", NO_BEGINNING],
    ["a hash and a space", LINE.slice(0, 65), undefined],
    ["a hash and no object", `${LINE.slice(0, 65)}[`, NO_BEGINNING],
    ["a hash and the beginning of an object", LINE.slice(0, 66), undefined],
    ["a control character in an object", `${LINE.slice(0, 90)}\x1F`, NO_BEGINNING],
    ["all but a line's end", LINE.slice(0, -1), undefined],
    ["all of a line but the line feed", LINE, undefined],
    ["all of a line and a zero in the place of the line feed", `${LINE}\0`, CHANGED],
    ["all of a line and two zeros", `${LINE}\0\0`, undefined],
    ["all of a line and more", `${LINE} `, CHANGED],
    ["all of a line and something else", `${LINE}x`, CHANGED],
    ["a whole object of another text", `${LINE.slice(0, 65)}{"a":"}"}`, CHANGED],
    ["a whole object and more, under a hash that fits", hashed(`${LINE.slice(65)} `), CHANGED],
    ["a brace in a text", `${LINE.slice(0, 65)}{"a":"}`, undefined],
    ["an escaped quote in a text", `${LINE.slice(0, 65)}{"a":"\\"}`, undefined],
    ["an escaped backslash at the end of a text", `${LINE.slice(0, 65)}{"a":"\\\\"}`, CHANGED],
    ["an object in an object", `${LINE.slice(0, 65)}{"a":{"b":1}`, undefined],
  ])("may be the beginning of a line, as %s", (_name, text, problem) => {
    expect(unfinishedProblem(Buffer.from(text))).toBe(problem);
  });

  it("may be any beginning of a line", () => {
    for (let size = 0; size <= LINE.length; size += 1) {
      expect(unfinishedProblem(Buffer.from(LINE.slice(0, size))), String(size)).toBeUndefined();
      expect(unfinishedProblem(Buffer.from(`${LINE.slice(0, size)}\0\0\0`)), String(size)).toBeUndefined();
    }
  });
});

describe("an entry in a place of a chain", () => {
  const ONE_GENESIS = "a log begins with one genesis entry, and has no other";

  it.each<readonly [string, Entry, number, string | undefined]>([
    ["fits", entry({}), 7, undefined],
    ["is of another format", entry({ v: 2 }), 7, "its format, 2, is not known"],
    ["is of another kind", entry({ kind: "note" }), 7, "its kind is not known"],
    ["says another place", entry({ seq: 8 }), 7, "it says of itself that it is entry 8"],
    ["is of another log", entry({ log: "other" }), 7, "it belongs to another log"],
    ["is a genesis entry", entry({ kind: "genesis", seq: 0 }), 0, undefined],
    ["is a second genesis entry", entry({ kind: "genesis" }), 7, ONE_GENESIS],
    ["begins a log, and is none", entry({ seq: 0 }), 0, ONE_GENESIS],
    ["comes before all others", entry({ kind: "genesis", seq: -1 }), -1, ONE_GENESIS],
    ["ends no decision", entry({ kind: "outcome", of: "3" }), 7, "it names no decision"],
    ["ends half a decision", entry({ kind: "outcome", of: 1.5 }), 7, "it names no decision"],
    ["ends a decision", entry({ kind: "outcome", of: 3 }), 7, undefined],
    ["decides", entry({ kind: "decision", authorized: false }), 7, undefined],
    ["decides nothing", entry({ kind: "decision" }), 7, "it does not say whether the call was let through"],
  ])("%s", (_name, candidate, seq, problem) => {
    expect(misfit(candidate, seq, LOG)).toBe(problem);
    expect(successorProblem(candidate, { ...HEAD, seq: seq - 1 }, LOG)).toBe(problem);
  });

  it("may be of any log where none is known yet", () => {
    expect(misfit(entry({ log: "other" }), 7, undefined)).toBeUndefined();
  });

  it("must name the hash of the one before", () => {
    expect(successorProblem(entry({}), { seq: 6, hash: "other" }, LOG)).toBe(
      "it does not follow entry 6 as that stands",
    );
  });
});
