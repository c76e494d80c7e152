import { readFileSync, writeFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { AuditLog } from "../../src/audit/log.ts";
import { verifyLog } from "../../src/audit/verify.ts";
import { AuditUnavailableError } from "../../src/errors.ts";
import { decision, newLogPath, placeLog, query, sampleFiles } from "./sample-log.ts";
import { expectCutsUnfinished, expectFlipsFound, expectFlipsOfTailFound } from "./flips.ts";
import { altered, alteredLoosely, COLUMNS, contentOf, encoded, line, rewritten, sha256 } from "./tampering.ts";

/** Entries 0 to 4: genesis, decision, its outcome, a denial, and a decision without its payload. */
const { closed, genesis, tail } = await sampleFiles();
const LAST = 4;
const SEQS = [0, 1, 2, 3, LAST];

/** What a value can be replaced with, as an SQL expression of its column. */
const REPLACEMENTS: readonly (readonly [string, (column: string) => string])[] = [
  [
    "edited",
    (column) => (column === "decision_seq" ? "coalesce(decision_seq, 0) + 1" : `coalesce(${column}, '') || 'x'`),
  ],
  ["shortened", (column) => `substr(${column}, 1, length(${column}) - 1)`],
  ["in capitals", (column) => `upper(${column})`],
  ["NULL", () => "NULL"],
  ["the empty text", () => "''"],
  ["an integer", () => "7"],
  ["a real number", () => "7.5"],
  ["the same as a real number", (column) => `CASE typeof(${column}) WHEN 'integer' THEN ${column} + 0.0 ELSE 1.0 END`],
  ["the same as text", (column) => `CAST(${column} AS TEXT)`],
  ["the same as a blob", (column) => `CAST(${column} AS BLOB)`],
  ["the same with NUL and more behind it", (column) => `CAST(coalesce(${column}, '') || x'00' || 'more' AS TEXT)`],
  [
    "the value of another row",
    (column) => `(SELECT ${column} FROM entries AS other WHERE other.seq = (entries.seq + 1) % 5)`,
  ],
];

/** Every value replaced in every way, where that changes anything: rows can agree in a column, and NULL is no text. */
const CHANGES = COLUMNS.flatMap((column) =>
  REPLACEMENTS.map(([becomes, replacement]) => {
    const rows = SEQS.map((seq) => ({ seq, bytes: replaced(seq, column, replacement(column)) }));
    return { column, becomes, rows: rows.filter(({ bytes }) => contentOf(bytes) !== contentOf(closed)) };
  }),
).filter(({ rows }) => rows.length > 0);

function replaced(seq: number, column: string, value: string): Uint8Array {
  return alteredLoosely(
    closed,
    `CREATE TEMP TABLE new AS SELECT ${value} AS value FROM entries WHERE seq = ${seq};
     UPDATE entries SET ${column} = (SELECT value FROM new) WHERE seq = ${seq}`,
  );
}

describe("a changed value", () => {
  it.each(CHANGES)("of $column that becomes $becomes is found in its entry", async ({ rows }) => {
    for (const { seq, bytes } of rows) {
      expect(await findings(bytes), `entry ${seq}`).toMatchObject({ intact: false, first: seq });
    }
  });

  it("can be any: the table above reaches every column of every row", () => {
    const reached = CHANGES.flatMap(({ column, rows }) => rows.map(({ seq }) => `${column} of ${seq}`));
    expect(new Set(reached).size).toBe(COLUMNS.length * SEQS.length);
  });

  it("is what the table above makes: a loosened table put back as it was is no change", async () => {
    const bytes = alteredLoosely(closed, "UPDATE entries SET rule = rule");
    expect(contentOf(bytes)).toBe(contentOf(closed));
    expect(await findings(bytes)).toEqual({ intact: true, first: undefined, entries: 4 });
  });

  it.each(["hash", "body", "capability"])("is found if it is a U+FEFF put before a %s", async (column) => {
    const bytes = altered(closed, `UPDATE entries SET ${column} = CAST(x'EFBBBF' || ${column} AS TEXT) WHERE seq = 2`);
    expect((await verifyLog(placeLog(bytes))).problems[0]?.seq).toBe(2);
  });

  it("is found in a text with U+FFFD if it is bytes that no text has", async () => {
    const path = newLogPath();
    const log = new AuditLog(path);
    await log.append(decision({ payload: { text: "before \uFFFD behind" } }));
    await log.close();
    const bytes = readFileSync(path);
    expect(await findings(bytes)).toMatchObject({ intact: true });
    // One that is cut off after three of its four bytes is shown as a single U+FFFD, which has three as well.
    for (const text of ["f09f98", "ff", "efbfbdff"]) {
      const [[body]] = query(path, "SELECT hex(body) FROM entries WHERE seq = 1") as [[string]];
      const changed = body.replace("EFBFBD", text);
      const work = `UPDATE entries SET body = CAST(x'${changed}' AS TEXT) WHERE seq = 1`;
      expect(await findings(altered(bytes, work)), text).toMatchObject({ intact: false, first: 1 });
    }
  });

  it("is found whatever the value's letters, where a decoder could take two texts for one", async () => {
    const path = newLogPath();
    const log = new AuditLog(path);
    await log.append(decision({ actor: "é" }));
    await log.append(decision({ actor: "e\u0301" }));
    await log.close();
    const bytes = readFileSync(path);
    for (const [seq, text] of [
      [1, "x'65cc81'"],
      [1, "x'c329'"],
      [1, "x'e9'"],
      [2, "x'c3a9'"],
    ] as const) {
      const changed = altered(bytes, `UPDATE entries SET agent_id = CAST(${text} AS TEXT) WHERE seq = ${seq}`);
      expect(await findings(changed), text).toMatchObject({ intact: false, first: seq });
    }
  });
});

describe("a changed schema", () => {
  it.each([
    ["a table added", "CREATE TABLE other (x)"],
    ["an index added", "CREATE INDEX agents ON entries (agent_id)"],
    ["a unique index added", "CREATE UNIQUE INDEX hashes ON entries (hash)"],
    ["a trigger added", "CREATE TRIGGER quiet BEFORE INSERT ON entries BEGIN SELECT raise(IGNORE); END"],
    ["a view added", "CREATE VIEW denials AS SELECT * FROM entries WHERE decision = 'deny'"],
    ["statistics added", "ANALYZE"],
    ["the view removed", "DROP VIEW decisions"],
    [
      "the view changed to show less",
      `DROP VIEW decisions;
       CREATE VIEW decisions (timestamp, agent_id, capability, decision, reason) AS
       SELECT ts, agent_id, capability, decision, reason FROM entries WHERE decision = 'allow'`,
    ],
    ["the view changed in its spaces only", editedSchema("view", "replace(sql, 'FROM entries', 'FROM  entries')")],
    ["the view's text with NUL and more behind it", editedSchema("view", "CAST(sql || x'00' || 'more' AS TEXT)")],
    ["the table's text with NUL and more behind it", editedSchema("table", "CAST(sql || x'00' || 'more' AS TEXT)")],
    ["the table's text changed in its case only", editedSchema("table", "replace(sql, 'body TEXT', 'body text')")],
    ["the table's constraints removed", editedSchema("table", "replace(sql, ' NOT NULL', '')")],
    ["a column added", "ALTER TABLE entries ADD COLUMN note TEXT"],
    ["a column renamed", "ALTER TABLE entries RENAME COLUMN reason TO why"],
    ["a column removed", "DROP VIEW decisions; ALTER TABLE entries DROP COLUMN rule"],
    ["the table renamed", "ALTER TABLE entries RENAME TO rows"],
    [
      "the table copied into one without types",
      "DROP VIEW decisions; CREATE TABLE x AS SELECT * FROM entries; DROP TABLE entries; ALTER TABLE x RENAME TO entries",
    ],
    ["the table removed", "DROP TABLE entries"],
    ["another application id", "PRAGMA application_id = 1"],
    ["no application id", "PRAGMA application_id = 0"],
    ["no version", "PRAGMA user_version = 0"],
    ["a version below ours", "PRAGMA user_version = -1"],
  ])("%s", async (_name, statement) => {
    const bytes = altered(closed, statement);
    expect(await findings(bytes)).toMatchObject({ intact: false, first: undefined });
  });

  it("with a newer version is not judged", async () => {
    const path = placeLog(altered(closed, "PRAGMA user_version = 2"));
    await expect(verifyLog(path)).rejects.toSatisfy(
      (error) => AuditUnavailableError.isInstance(error) && error.message.includes("format 2"),
    );
  });

  it.each(["UTF-16le", "UTF-16be"] as const)("in another text encoding is found (%s)", async (encoding) => {
    expect(await findings(encoded(closed, encoding))).toMatchObject({ intact: false, first: undefined });
  });
});

describe("a file beside the log", () => {
  it.each(["-journal", "-wal"])("that other readers would apply to it is found (%s)", async (suffix) => {
    const path = placeLog(closed);
    writeFileSync(`${path}${suffix}`, "");
    const report = await verifyLog(path);
    expect(report).toMatchObject({ intact: false, entries: 4 });
    expect(report.problems[0]?.what).toContain(suffix);
  });
});

describe("a changed tail", () => {
  const text = tail.toString("utf8");
  const [header = "", ...entries] = text
    .split("\n")
    .slice(0, -1)
    .map((each) => `${each}\n`);
  const withLines = (...lines: readonly (string | undefined)[]): Buffer => Buffer.from([header, ...lines].join(""));
  const [one, two, three, four] = entries;

  it("is no change if nothing is changed", async () => {
    expect(entries).toHaveLength(4);
    expect(await verifyLog(placeLog(genesis, withLines(...entries)))).toMatchObject({ intact: true, entries: 4 });
  });

  it.each<[string, Buffer, number | undefined]>([
    ["the first entry removed", withLines(two, three, four), 1],
    ["one removed", withLines(one, three, four), 2],
    ["two exchanged", withLines(one, three, two, four), 2],
    ["one there twice, side by side", withLines(one, two, two, three, four), 3],
    ["the last there twice", withLines(one, two, three, four, four), 5],
    ["an empty line", withLines(one, "\n", two, three, four), 2],
    ["line ends of another system", Buffer.from(text.replaceAll("\n", "\r\n")), undefined],
    ["one changed", withLines(one, two?.replace("finished", "finishes"), three, four), 2],
    ["one made anew with a hash that fits", withLines(one, madeAnew(two, "finished", "failed"), three, four), 2],
    ["the first line removed", Buffer.from(entries.join("")), undefined],
    ["the first line twice", withLines(header, ...entries), 1],
    ["another first line", Buffer.from([madeAnew(header, '"first":1', '"first":2'), ...entries].join("")), 1],
    ["nothing in it", Buffer.alloc(0), undefined],
    ["nothing but half a first line", Buffer.from(header.slice(0, 40)), undefined],
    ["zeros before it", Buffer.concat([Buffer.alloc(512), tail]), undefined],
    ["text that is not UTF-8", withLines(one, madeAnew(two, "finished", "\udc00"), three, four), 2],
  ])("%s", async (_name, changed, seq) => {
    expect(changed.equals(tail)).toBe(false);
    const report = await verifyLog(placeLog(genesis, changed));
    expect(report.intact).toBe(false);
    expect(report.problems[0]?.seq).toBe(seq);
  });

  it("of another log is found", async () => {
    const other = await sampleFiles();
    for (const report of [
      await verifyLog(placeLog(genesis, other.tail)),
      await verifyLog(placeLog(closed, other.tail)),
    ]) {
      expect(report.intact).toBe(false);
      expect(report.problems.some(({ what }) => what.includes("another log"))).toBe(true);
    }
  });

  it("cut at the end of an entry does not show, which is what checkpoints are for", async () => {
    expect(await verifyLog(placeLog(genesis, withLines(one, two)))).toMatchObject({
      intact: true,
      entries: 2,
      last: { seq: 2 },
      warnings: [],
    });
  });

  it("cut anywhere in its last entry is an unfinished write, and said to be one (every ninth byte)", async () => {
    await expectCutsUnfinished(genesis, tail, 9);
  });

  it("whose entries are in the database too counts them once", async () => {
    expect(await verifyLog(placeLog(closed, tail))).toMatchObject({ intact: true, entries: 4, last: { seq: LAST } });
    const [, second, third] = query(placeLog(closed), "SELECT hash, body FROM entries");
    expect(third).toBeDefined();
    const changed = rewritten(closed, 2, (body) => body.replace("finished", "aborted"), "onwards");
    const fitting = altered(changed, "UPDATE entries SET outcome = 'aborted' WHERE seq = 2");
    expect(await findings(fitting)).toMatchObject({ intact: true });
    const report = await verifyLog(placeLog(fitting, tail));
    expect(report.intact).toBe(false);
    expect(report.problems[0]?.seq).toBe(2);
    expect(second).toBeDefined();
  });

  it("flipped in a byte is found, in the entry where the byte is (every 13th byte)", async () => {
    await expectFlipsOfTailFound(genesis, tail, 13);
  });
});

describe("a flipped byte of the database", () => {
  it("never passes for what was recorded (every 23rd byte)", { timeout: 60_000 }, async () => {
    await expectFlipsFound(closed, 23);
  });
});

/** What verification says of a database file: `first` is the first entry that a problem names. */
async function findings(bytes: Uint8Array): Promise<{ intact: boolean; first: number | undefined; entries: number }> {
  const { intact, problems, entries } = await verifyLog(placeLog(bytes));
  return { intact, first: problems.find(({ seq }) => seq !== undefined)?.seq, entries };
}

function editedSchema(type: string, text: string): string {
  return `PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = ${text} WHERE type = '${type}'`;
}

function madeAnew(text: string | undefined, from: string, to: string): string {
  const body = (text ?? "").slice(65, -1).replace(from, to);
  return line({ hash: sha256(body), body });
}
