/** Logs that somebody has changed, in tables: those that matter each by itself, and wide ones to draw from. */

import { createHash } from "node:crypto";

import * as fc from "fast-check";
import type { SqlValue } from "sql.js";

import { ENTRY_KINDS, parseEntry } from "../../src/audit/format/entry.ts";
import { derivedColumns } from "../../src/audit/format/schema.ts";
import {
  bytesOf,
  newSegmentedFiles,
  segmentedFiles,
  segmentsOf,
  without,
  type Files,
  type Tampered,
} from "./both-verifiers.ts";
import { placeLog, query, sampleFiles } from "./sample-log.ts";
import { altered, alteredLoosely, COLUMNS, encoded, flipped, line, rewritten, sha256 } from "./tampering.ts";

/** One way to tamper. */
export interface Table {
  readonly each: readonly Tampered[];
  /** Many that differ little. */
  readonly wide: readonly Tampered[];
}

/** Entries 0 to 4: closed, and open with all but the first in the tail. */
export const { closed, genesis, tail } = await sampleFiles();
const stranger = await sampleFiles();

/** The tail's lines, its first line among them. */
export const LINES: readonly string[] = tail
  .toString("utf8")
  .split("\n")
  .slice(0, -1)
  .map((each) => `${each}\n`);

/** An open log whose tail has these lines. */
export function openWith(...lines: readonly (string | undefined)[]): Files {
  return { "audit.db": genesis, "audit.db-tail": Buffer.from(lines.join("")) };
}

/** What an actor is called later. */
export function renamed(body: string): string {
  return body.replace('"actor":"', '"actor":"un');
}

const NESTED = `${"[".repeat(20_000)}${"]".repeat(20_000)}`;

/** What somebody might write for a member: JSON, or nearly. */
const VALUES: readonly string[] =
  `null true 0 -0 1.0 1e0 1.5 -1 4 9007199254740993 1e400 "" "x" "genesis" "segment" "outcome"
  "\\ud800" "a\\u0000b" "\u007f" [] {} {"id":7} {"id":"r"} {"a":1,"a":2} [1,] {"a":1,} NaN -Infinity 01 1. .5 +1 'x' "\\x41"
  "\\u12" \ufeff1 tru`
    .split(/[ \n]+/)
    .concat([`1${"0".repeat(5_000)}`, NESTED, `${NESTED}]`, '{"a" : 1 }', " 1", '"\t"', "\u00a01", "1 2"]);

/** What one reader of JSON or another takes for JSON. */
const NO_JSON = [
  "NaN",
  "-Infinity",
  "01",
  "1.",
  "'x'",
  "[1,]",
  "[,1]",
  "[1 2]",
  '{"a":1,}',
  '{"a"}',
  '{"a":}',
  "{1:2}",
  "[",
  "]",
  '"\t"',
  '"',
];

/** A value in more lists than a reader that calls itself can enter. */
function deep(value: string): string {
  return `${"[".repeat(5_000)}${value}${"]".repeat(5_000)}`;
}

/** A value as the name of a case has it. */
function short(value: string): string {
  return `${JSON.stringify(value.slice(0, 20))} (${value.length})`;
}

function database(work: string): () => Files {
  return () => ({ "audit.db": altered(closed, work) });
}

/** Every value of every row replaced. */
export function values(): Table {
  const replacements: readonly ((column: string) => string)[] = [
    (column) => (column === "decision_seq" ? "coalesce(decision_seq, 0) + 1" : `coalesce(${column}, '') || 'x'`),
    ...["NULL", "7", "7.5", "'7'", "' 7 '", "'7x'"].map((value) => () => value),
    (column) => `CAST(${column} AS BLOB)`,
    (column) => `char(65279) || ${column}`,
    (column) => `CAST(coalesce(${column}, '') || x'00' || 'more' AS TEXT)`,
    (column) => `CAST(x'c3' || CAST(${column} AS BLOB) AS TEXT)`,
  ];
  const works = COLUMNS.flatMap((column) =>
    replacements.flatMap((replacement) =>
      [0, 1, 2, 3, 4].map((seq) => `UPDATE entries SET ${column} = ${replacement(column)} WHERE seq = ${seq}`),
    ),
  );
  return {
    each: COLUMNS.flatMap((column) => {
      const value = column === "decision_seq" ? "0" : "'x'";
      const blob = `UPDATE entries SET ${column} = CAST(${column} AS BLOB) WHERE seq = 2 AND ${column} IS NOT NULL`;
      return [
        {
          name: `another ${column}`,
          broken: 2,
          files: database(`UPDATE entries SET ${column} = ${value} WHERE seq = 2`),
        },
        {
          name: `a byte order mark before ${column}`,
          files: database(`UPDATE entries SET ${column} = char(65279) || ${column} WHERE seq = 2`),
        },
        { name: `${column} as a blob`, files: () => ({ "audit.db": alteredLoosely(closed, blob) }) },
      ];
    }),
    wide: works.map((work) => ({ name: work, files: () => ({ "audit.db": alteredLoosely(closed, work) }) })),
  };
}

/** Rows deleted, exchanged, doubled and numbered anew; each also beside the tail that they came from. */
export function rows(): Table {
  const works: readonly (readonly [string, number | "somewhere" | undefined])[] = [
    ["DELETE FROM entries WHERE seq = 0", 0],
    ["DELETE FROM entries WHERE seq < 3", 2],
    ["DELETE FROM entries WHERE seq = 2", 2],
    ["DELETE FROM entries WHERE seq IN (2, 3)", 2],
    ["DELETE FROM entries WHERE seq = 4", undefined],
    ["DELETE FROM entries", "somewhere"],
    ["UPDATE entries SET seq = 99 WHERE seq = 2", 2],
    ["UPDATE entries SET seq = -seq - 1 WHERE seq = 3", -4],
    ["UPDATE entries SET seq = seq + 10", 10],
    ["UPDATE entries SET seq = 9223372036854775807 WHERE seq = 4", 4],
    ["UPDATE entries SET seq = 9223372036854775807 - seq", "somewhere"],
    ["UPDATE entries SET seq = -seq WHERE seq IN (1, 3); UPDATE entries SET seq = seq + 4 WHERE seq < 0", 1],
    ...[-1, 5, 7, 1e12].map(
      (as) =>
        [
          `INSERT INTO entries SELECT ${as}, ${COLUMNS.join(", ")} FROM entries WHERE seq = 2`,
          Math.min(as, 5),
        ] as const,
    ),
  ];
  return {
    each: works.map(([work, broken]) => ({ name: work, files: database(work), broken })),
    wide: works.map(([work]) => ({
      name: `${work}, beside the tail`,
      files: () => ({ ...database(work)(), "audit.db-tail": tail }),
    })),
  };
}

/** Other schemas, and files that are no log. */
export function files(): Table {
  const works = [
    "CREATE TABLE other (x)",
    "CREATE INDEX i ON entries (hash)",
    "CREATE TRIGGER t BEFORE INSERT ON entries BEGIN SELECT 1; END",
    "DROP VIEW decisions",
    "DROP TABLE entries",
    "ALTER TABLE entries ADD COLUMN note TEXT",
    "ANALYZE",
    "PRAGMA user_version = -1",
    "PRAGMA application_id = 1",
    "PRAGMA application_id = 1; PRAGMA user_version = 2",
    ...["sql = sql || ' '", "sql = CAST(sql || x'00' AS TEXT)", "sql = CAST(sql AS BLOB)", "tbl_name = 'x'"].flatMap(
      (edit) =>
        ["table", "view"].map(
          (type) => `PRAGMA writable_schema = ON; UPDATE sqlite_schema SET ${edit} WHERE type = '${type}'`,
        ),
    ),
  ];
  const broken = "somewhere";
  return {
    each: [
      ...works.map((name) => ({ name, broken, files: database(name) }) as const),
      { name: "pages that lead to the same rows again and again", broken, files: () => ({ "audit.db": maze(closed) }) },
      { name: "other pages", files: database("PRAGMA page_size = 512; VACUUM") },
      ...(["UTF-16le", "UTF-16be"] as const).map(
        (encoding) => ({ name: encoding, broken, files: () => ({ "audit.db": encoded(closed, encoding) }) }) as const,
      ),
      ...["", "hello", "SQLite format 3\0", "\0".repeat(8_192)].map(
        (text) =>
          ({ name: `the text ${short(text)}`, broken, files: () => ({ "audit.db": Buffer.from(text) }) }) as const,
      ),
      ...[1, 99, 100, 4_095, 4_096, 5_000, 8_191].map(
        (size) =>
          ({ name: `${size} bytes of it`, broken, files: () => ({ "audit.db": closed.subarray(0, size) }) }) as const,
      ),
      ...["-journal", "-wal"].map(
        (suffix) =>
          ({ name: suffix, broken, files: () => ({ "audit.db": closed, [`audit.db${suffix}`]: closed }) }) as const,
      ),
      { name: "a tail without its database", broken, files: () => ({ "audit.db-tail": tail }) },
    ],
    wide: [],
  };
}

/** Entries made anew with hashes that fit. */
export function entries(): Table {
  const bodies = query(placeLog(closed), "SELECT body FROM entries ORDER BY seq").map(([body]) => String(body));
  const [, , ended = "", , last = ""] = bodies;
  const members = ["v", "log", "seq", "prev", "ts", "kind", "actor", "rule", "decision", "authorized", "deep"];
  return {
    each: [
      {
        name: "one in the middle",
        broken: 3,
        files: () => ({ "audit.db": rewritten(closed, 3, (body) => body.replace("deny", "allow")) }),
      },
      { name: "one and all after it", files: () => ({ "audit.db": rewritten(closed, 3, renamed, "onwards") }) },
      ...[...ENTRY_KINDS, "note"].map((kind) => ({
        name: `the last becomes one of the kind ${kind}`,
        files: () => madeAnew(4, withMember(last, "kind", JSON.stringify(kind))),
      })),
      {
        name: "the last ends too early, after what is deep down",
        broken: 4,
        files: () => madeAnew(4, withMember(last, "deep", deep("1")).slice(0, -1)),
      },
      {
        name: "a number of many digits",
        files: () => madeAnew(4, withMember(last, "deep", `1${"0".repeat(5_000)}`)),
      },
      ...[
        ["v", "2", 4],
        ["log", `"${"0".repeat(32)}"`, 4],
        ["seq", "5", 4],
        ["kind", '"genesis"', 4],
        ["prev", '"another"', 3],
      ].map(([member, value, broken]) => ({
        name: `another ${String(member)} in the last`,
        broken: Number(broken),
        files: () => madeAnew(4, withMember(last, String(member), String(value))),
      })),
      ...["another", "0".repeat(31), "0".repeat(33), "A".repeat(32), `${"0".repeat(32)}\n`].map((identity) => ({
        name: `the log ${JSON.stringify(identity)} in all`,
        broken: 0,
        files: () => ofLog(identity),
      })),
      {
        name: "a genesis entry that follows something",
        broken: 0,
        files: () => {
          const body = withMember(bodies[0] ?? "", "prev", '"another"');
          const alone = altered(bytesOf(madeAnew(0, body), "audit.db"), "DELETE FROM entries WHERE seq > 0");
          return { "audit.db": alone };
        },
      },
      ...NO_JSON.flatMap((value) => [
        { name: `the last becomes ${short(value)}`, broken: 4, files: () => madeAnew(4, value) },
        {
          name: `the last has ${short(value)} in it`,
          broken: 4,
          files: () => madeAnew(4, withMember(last, "deep", value)),
        },
        {
          name: `the last has ${short(value)} in it, deep down`,
          broken: 4,
          files: () => madeAnew(4, withMember(last, "deep", deep(value))),
        },
      ]),
      {
        name: "the last has much in it, deep down",
        files: () =>
          madeAnew(4, withMember(last, "deep", deep('{"a" : [1.5e3, "\\u0041\\n", true, {}, []], "b":null }'))),
      },
      ...["null", "1.5", '"1"', NESTED].map((value) => ({
        name: `an outcome of ${short(value)}`,
        broken: 2,
        files: () => madeAnew(2, withMember(ended, "of", value)),
      })),
      ...["null", '"no"', "1", "[]"].map((value) => ({
        name: `a decision authorized by ${short(value)}`,
        broken: 4,
        files: () => madeAnew(4, withMember(last, "authorized", value)),
      })),
    ],
    wide: [
      ...members.flatMap((member) =>
        VALUES.map((value) => ({
          name: `${member} of 4 becomes ${short(value)}`,
          files: () => madeAnew(4, withMember(last, member, value)),
        })),
      ),
      ...VALUES.map((value) => ({ name: `4 becomes ${short(value)}`, broken: 4, files: () => madeAnew(4, value) })),
    ],
  };
}

/** Tails with their lines changed, cut and made anew. */
export function tails(): Table {
  const [header = "", one, two, three, four = ""] = LINES;
  const foreign = `${stranger.tail.toString("utf8").split("\n")[1] ?? ""}\n`;
  const half = four.slice(0, -1);
  const head = bodyOf(header);
  const start = tail.length - Buffer.byteLength(four);
  return {
    each: [
      { name: "one removed", broken: 2, files: () => openWith(header, one, three, four) },
      { name: "two exchanged", broken: 1, files: () => openWith(header, two, one, three, four) },
      { name: "one twice", broken: 2, files: () => openWith(header, one, one, two, three, four) },
      { name: "the last twice", broken: 5, files: () => openWith(header, one, two, three, four, four) },
      { name: "one of another log", broken: 1, files: () => openWith(header, foreign, two, three, four) },
      { name: "an empty line", broken: 2, files: () => openWith(header, one, "\n", two, three, four) },
      {
        name: "one made anew",
        broken: 2,
        files: () => openWith(header, one, hashed(renamed(bodyOf(two))), three, four),
      },
      { name: "all made anew from one on", broken: undefined, files: () => openWith(header, ...madeAnewFrom(2)) },
      { name: "bytes that are not UTF-8", broken: 4, files: () => notUtf8(header, one, two, three, four) },
      {
        name: "a changed line feed in the middle",
        broken: 2,
        files: () => openWith(header, one, two?.slice(0, -1), " ", three),
      },
      { name: "a changed line feed at the end", broken: 4, files: () => openWith(header, one, two, three, half, "x") },
      { name: "no line feed at the end", files: () => openWith(header, one, two, three, half) },
      ...[1, 15, 16, 512, 4_096].flatMap((size) => [
        {
          name: `${size} zeros in it`,
          broken: 2,
          files: () => openWith(header, one, "\0".repeat(size), two, three, four),
        },
        { name: `${size} zeros at its end`, files: () => openWith(...LINES, "\0".repeat(size)) },
        {
          name: `${size} zeros after half a line at its end`,
          files: () => openWith(header, one, two, three, half.slice(0, 99), "\0".repeat(size)),
        },
        {
          name: `${size} zeros after half a line in it`,
          broken: 2,
          files: () => openWith(header, one, two?.slice(0, 99), "\0".repeat(size), three, four),
        },
      ]),
      ...[
        ["words", "unfinished"],
        ["a blank", " "],
        ["zeros and more", `${"\0".repeat(16)}${half.slice(0, 9)}`],
        ["no hash", `${"g".repeat(64)} {"a`],
        ["a hash and no object", `${half.slice(0, 65)}7`],
        ["a carriage return in a text", `${half.slice(0, 99)}\r`],
        ["a whole line of another text", `${half.slice(0, 65)}${renamed(bodyOf(four))}`],
        ["a whole line and more", `${half} {`],
      ].map(([what, rest]) => ({
        name: `${String(what)} at its end`,
        broken: 4,
        files: () => openWith(header, one, two, three, rest),
      })),
      { name: "line ends of another system", broken: "somewhere", files: () => openWith(...LINES.map(toCrLf)) },
      { name: "no first line", broken: "somewhere", files: () => openWith(one, two, three, four) },
      { name: "half a first line", broken: "somewhere", files: () => openWith(header.slice(0, 90)) },
      { name: "nothing in it", broken: "somewhere", files: () => openWith() },
      {
        name: "the tail of another log",
        broken: "somewhere",
        files: () => ({ "audit.db": genesis, "audit.db-tail": stranger.tail }),
      },
      {
        name: "the tail of another log, folded",
        broken: "somewhere",
        files: () => ({ "audit.db": closed, "audit.db-tail": stranger.tail }),
      },
      {
        name: "nothing but a first line that follows another entry",
        broken: 4,
        files: () => afterClosed(withMember(withMember(head, "first", "5"), "prev", '"another"')),
      },
      ...["0", "-1", "1.5", '"1"', "1e400"].map(
        (value) =>
          ({
            name: `nothing but a first line that begins with ${value}`,
            broken: "somewhere",
            files: () => afterClosed(withMember(head, "first", value)),
          }) as const,
      ),
      {
        name: "nothing but a first line, beside a database without rows",
        broken: "somewhere",
        files: () => ({ "audit.db": altered(genesis, "DELETE FROM entries"), "audit.db-tail": Buffer.from(header) }),
      },
      {
        name: "beside a database without rows",
        broken: 0,
        files: () => ({ "audit.db": altered(genesis, "DELETE FROM entries"), "audit.db-tail": tail }),
      },
      {
        name: "a database made anew",
        broken: 3,
        files: () => ({ "audit.db": rewritten(closed, 3, renamed, "onwards"), "audit.db-tail": tail }),
      },
      ...["null", "[]", "{}", "x", ""].map(
        (text) =>
          ({
            name: `the first line ${short(text)}`,
            broken: "somewhere",
            files: () => openWith(hashed(text), one),
          }) as const,
      ),
    ],
    wide: [
      ...Array.from({ length: tail.length - start }, (_, size) => ({
        name: `cut ${size} bytes behind its last entry`,
        files: () => ({ "audit.db": genesis, "audit.db-tail": tail.subarray(0, start + size) }),
      })),
      ...["capfence", "first", "log", "prev", "v", "more"].flatMap((member) =>
        VALUES.flatMap((value) => [
          {
            name: `${member} becomes ${short(value)}`,
            files: () => openWith(hashed(withMember(head, member, value)), one, two),
          },
          {
            name: `${member} becomes ${short(value)}, and nothing follows`,
            files: () => afterClosed(withMember(head, member, value)),
          },
        ]),
      ),
    ],
  };
}

/** Segments removed, changed, exchanged, renamed and of other logs. */
export async function segments(): Promise<Table> {
  const log = await segmentedFiles();
  const foreign = await newSegmentedFiles();
  const names = segmentsOf(log);
  const [first = "", second = "", third = ""] = names;
  const identity = first.split(".")[2] ?? "";
  const inside = bytesOf(log, second);
  const beginning = bytesOf(log, first);
  const at = Number(second.split(".").at(-1));
  const cut = "DELETE FROM entries WHERE seq = (SELECT max(seq) FROM entries)";
  const foreigner = (index: number): Uint8Array => bytesOf(foreign, segmentsOf(foreign)[index] ?? "");
  const changes: readonly (readonly [string, () => Files])[] = [
    ["the last removed", () => without(log, names.at(-1) ?? "")],
    ["changed where nobody reads", () => ({ ...log, [second]: flipped(inside, 4_000, 1) })],
    ["made anew", () => ({ ...log, [second]: rewritten(inside, at + 1, renamed, "onwards") })],
    ["made anew from the beginning", () => ({ ...log, [first]: rewritten(beginning, 1, renamed, "onwards") })],
    ["without its last row", () => ({ ...log, [second]: altered(inside, cut) })],
    ["exchanged", () => ({ ...log, [first]: inside, [second]: beginning })],
    ["of another log", () => ({ ...log, [second]: foreigner(1) })],
    ["of another log, the first", () => ({ ...log, [first]: foreigner(0) })],
    ["empty", () => ({ ...log, [second]: new Uint8Array() })],
    ["longer", () => ({ ...log, [second]: Buffer.concat([inside, Buffer.alloc(4_096)]) })],
    ["in UTF-16", () => ({ ...log, [second]: encoded(inside, "UTF-16le") })],
    ["with a journal", () => ({ ...log, [`${second}-journal`]: inside })],
    ["beside a database of another log", () => ({ ...log, "audit.db": closed })],
    ["without a database", () => without(log, "audit.db")],
    ["beside a damaged database", () => ({ ...log, "audit.db": Buffer.from("x") })],
    ["beside a damaged database alone", () => ({ ...without(log, "audit.db-tail"), "audit.db": Buffer.from("x") })],
    ...[1, 3, 99, 999_999_999_999_999].map(
      (number) => [`there again as ${number}`, () => ({ ...log, [`audit.db.${identity}.${number}`]: inside })] as const,
    ),
  ];
  return {
    each: [
      { name: "one in the middle removed", broken: at, files: () => without(log, second) },
      { name: "all but the first removed", broken: at, files: () => without(log, ...names.slice(1)) },
      {
        name: "changed in a column",
        broken: at + 1,
        files: () => ({ ...log, [second]: altered(inside, `UPDATE entries SET agent_id = 'x' WHERE seq = ${at + 1}`) }),
      },
      ...changes.map(([name, made]) => ({ name, broken: "somewhere", files: made }) as const),
      { name: "not yet named", files: () => inBoth(closed) },
      {
        name: "not yet named, and the last rows are in the segment only",
        broken: 3,
        files: () => inBoth(altered(closed, "DELETE FROM entries WHERE seq > 2")),
      },
      {
        name: "not yet named, and some rows are in the segment only",
        broken: 2,
        files: () => inBoth(altered(closed, "DELETE FROM entries WHERE seq IN (2, 3)")),
      },
      {
        name: "not yet named, and the first rows are in the segment only",
        broken: 1,
        files: () => inBoth(altered(closed, "DELETE FROM entries WHERE seq < 2")),
      },
      {
        name: "not yet named, and all rows are in the segment only",
        broken: "somewhere",
        files: () => inBoth(altered(closed, "DELETE FROM entries")),
      },
      { name: "never named", broken: 0, files: neverNamed },
      ...COLUMNS.map((column) => {
        const value = column === "decision_seq" ? "7" : "'x'";
        const work = `UPDATE entries SET ${column} = ${value} WHERE seq = 2`;
        return {
          name: `not yet named, and ${column} of a row in both changed`,
          broken: 2,
          files: () => inBoth(altered(closed, work)),
        };
      }),
      ...["first", "last", "head", "digest"].map(
        (member) =>
          ({ name: `named with another ${member}`, broken: "somewhere", files: () => namedWith(log, member) }) as const,
      ),
      { name: "beside a database of the beginning", files: () => ({ ...log, "audit.db": beginning }) },
      { name: "beside a database that is a segment", files: () => ({ ...log, "audit.db": bytesOf(log, third) }) },
    ],
    wide: [
      ...["00", "-1", "1e1", "9999999999999999"].map((number) => ({
        name: `there again as ${number}, which is no name`,
        files: () => ({ ...log, [`audit.db.${identity}.${number}`]: inside }),
      })),
      ...names.flatMap((from) =>
        names.map((to) => ({
          name: `${from} in the place of ${to}`,
          files: () => ({ ...without(log, from), [to]: bytesOf(log, from) }),
        })),
      ),
      ...segmentEntries(log),
    ],
  };
}

function part(first: number, last: number): Uint8Array {
  return altered(closed, `DELETE FROM entries WHERE seq NOT BETWEEN ${first} AND ${last}`);
}

/** A sound chain in two segments and a database, and none of them is named. */
function neverNamed(): Files {
  const { log } = JSON.parse(bodyOf(LINES[0])) as { log: string };
  const name = `audit.db.${log.slice(0, 8)}`;
  return { [`${name}.0`]: part(0, 1), [`${name}.2`]: part(2, 3), "audit.db": part(4, 4) };
}

/** A log whose database was sealed, and the segment not yet named. */
function inBoth(changed: Uint8Array): Files {
  const { log } = JSON.parse(bodyOf(LINES[0])) as { log: string };
  return { "audit.db": changed, [`audit.db.${log.slice(0, 8)}.0`]: closed };
}

/** The log with a member changed in the last of its entries that names a segment, and nothing after it left. */
function namedWith(log: Files, member: string): Files {
  const name = "audit.db";
  const [[seq, body] = []] = query(
    placeLog(bytesOf(log, name)),
    "SELECT seq, body FROM entries WHERE kind = 'segment' ORDER BY seq DESC LIMIT 1",
  );
  const value = member === "first" ? "0" : member === "last" ? "1" : '"another"';
  const alone = altered(bytesOf(log, name), `DELETE FROM entries WHERE seq > ${Number(seq)}`);
  const changed = rewritten(alone, Number(seq), () => withMember(String(body), member, value));
  // A head is looked at only when the segment itself lies elsewhere.
  const cut = { ...without(log, "audit.db-tail"), [name]: changed };
  return member === "head" ? without(cut, ...segmentsOf(log)) : cut;
}

/** Each member of each segment entry changed and made anew onwards, with the first segment and without. */
function segmentEntries(log: Files): Tampered[] {
  const [first = ""] = segmentsOf(log);
  const databases = Object.keys(log).filter((name) => name !== "audit.db-tail");
  const places = databases.flatMap((name) =>
    query(placeLog(bytesOf(log, name)), "SELECT seq FROM entries WHERE kind = 'segment'").map(([seq]) => ({
      name,
      seq,
    })),
  );
  return places.flatMap(({ name, seq }) =>
    ["first", "last", "head", "digest"].flatMap((member) =>
      ["null", "0", "4", "-1", '"0"', "[]", "true"].flatMap((value) => {
        const change = (body: string): string => withMember(body, member, value);
        const changed = (): Files => ({
          ...log,
          [name]: rewritten(bytesOf(log, name), Number(seq), change, "onwards"),
        });
        const title = `${member} of ${String(seq)} in ${name} becomes ${value}`;
        return [
          { name: title, files: changed },
          { name: `${title}, and the first is gone`, files: () => without(changed(), first) },
        ];
      }),
    ),
  );
}

/** `count` logs with a few bytes changed at random, anywhere. */
export async function flips(count: number): Promise<Table> {
  const logs: Readonly<Record<string, Files>> = {
    closed: { "audit.db": closed },
    open: openWith(...LINES),
    segmented: await segmentedFiles(),
  };
  const change = fc.record({
    log: fc.constantFrom(...Object.keys(logs)),
    file: fc.nat(),
    places: fc.array(fc.nat(), { minLength: 1, maxLength: 3 }),
    mask: fc.oneof(fc.constantFrom(1, 2, 4, 8, 16, 32, 64, 128), fc.integer({ min: 1, max: 255 })),
  });
  return {
    each: fc.sample(change, count).map(({ log, file, places, mask }, index) => {
      const before = logs[log] ?? {};
      const names = Object.keys(before);
      const name = names[file % names.length] ?? "";
      const bytes = bytesOf(before, name);
      const offsets = places.map((place) => place % bytes.length);
      return {
        name: `${index}: ${log} ${name} at ${offsets.join(", ")} xor ${mask}`,
        files: () => ({
          ...before,
          [name]: offsets.reduce<Uint8Array>((changed, at) => flipped(changed, at, mask), bytes),
        }),
      };
    }),
    wide: [],
  };
}

/** A file of five pages in which five rows are met 680 ^ 3 times (SQLite file format, section 1.6). */
export function maze(bytes: Buffer): Buffer {
  const PAGE = 4096;
  const pages = [bytes.subarray(0, PAGE), branch(5), bytes.subarray(PAGE, 2 * PAGE), branch(3), branch(4)];
  const made = Buffer.concat(pages);
  made.writeUInt32BE(pages.length, 28);
  return made;

  function branch(child: number): Buffer {
    const page = Buffer.alloc(PAGE);
    const cell = PAGE - 5;
    page[0] = 5;
    page.writeUInt16BE(680, 3);
    page.writeUInt16BE(cell, 5);
    page.writeUInt32BE(child, 8);
    for (let index = 0; index < 680; index += 1) page.writeUInt16BE(cell, 12 + 2 * index);
    page.writeUInt32BE(child, cell);
    page[cell + 4] = 9;
    return page;
  }
}

function toCrLf(text: string): string {
  return text.replace("\n", "\r\n");
}

/** A closed log beside a tail that has a first line and nothing else. */
function afterClosed(first: string): Files {
  return { "audit.db": closed, "audit.db-tail": Buffer.from(hashed(first)) };
}

function hashed(body: string): string {
  return line({ hash: sha256(body), body });
}

function bodyOf(tailLine: string | undefined): string {
  return (tailLine ?? "").slice(65, -1);
}

/** The tail's entries, all from `seq` on made anew and chained again. */
function madeAnewFrom(seq: number): string[] {
  const lines: string[] = [];
  let previous: readonly [string, string] | undefined;
  for (const [index, each] of LINES.entries()) {
    if (index === 0) continue;
    let body = bodyOf(each);
    if (index === seq) body = renamed(body);
    if (previous !== undefined) body = body.replace(...previous);
    if (index >= seq) previous = [each.slice(0, 64), sha256(body)];
    lines.push(hashed(body));
  }
  return lines;
}

/** JSON text with `value`, as text, for one member. */
function withMember(body: string, name: string, value: string): string {
  const members = Object.entries(JSON.parse(body) as object).filter(([each]) => each !== name);
  const texts = members.map(([each, present]) => `${JSON.stringify(each)}:${JSON.stringify(present)}`);
  return `{${[...texts, `${JSON.stringify(name)}:${value}`].join(",")}}`;
}

/** The database with an entry made anew, its hash and columns to match as far as SQLite can hold them. */
function madeAnew(seq: number, body: string): Files {
  const entry = parseEntry(body);
  const columns = (entry === undefined ? [] : derivedColumns(entry)).map((value: unknown): SqlValue =>
    typeof value === "string" || typeof value === "number" ? value : null,
  );
  const changed = altered(closed, (opened) => {
    opened.run("UPDATE entries SET hash = ?, body = ? WHERE seq = ?", [sha256(body), body, seq]);
    if (columns.length === 0) return;
    const assignments = COLUMNS.slice(2).map((name) => `${name} = ?`);
    opened.run(`UPDATE entries SET ${assignments.join(", ")} WHERE seq = ?`, [...columns, seq]);
  });
  return { "audit.db": changed };
}

/** A log whose entries all name another one, each made anew. */
function ofLog(identity: string): Files {
  const [, named = ""] = /"log":("[0-9a-f]+")/.exec(bodyOf(LINES[0])) ?? [];
  const change = (body: string): string => body.replace(named, JSON.stringify(identity));
  const databases = [0, 1, 2, 3, 4].reduce<Uint8Array>(
    (bytes, seq) => rewritten(bytes, seq, change, "onwards"),
    closed,
  );
  return { "audit.db": databases };
}

/** An open log whose last line has a byte in it that begins no letter, under a hash that fits. */
function notUtf8(...lines: readonly (string | undefined)[]): Files {
  const body = Buffer.from(bodyOf(lines.at(-1)));
  const at = body.indexOf("agent-1");
  const text = Buffer.concat([body.subarray(0, at), Buffer.of(0xff), body.subarray(at)]);
  const hash = createHash("sha256").update(text).digest("hex");
  const last = Buffer.concat([Buffer.from(`${hash} `), text, Buffer.from("\n")]);
  return { "audit.db": genesis, "audit.db-tail": Buffer.concat([Buffer.from(lines.slice(0, -1).join("")), last]) };
}
