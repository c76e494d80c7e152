import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";

import type { SqlValue } from "sql.js";
import { describe, expect, it } from "vitest";

import { segmentPath } from "../../src/audit/file/segments.ts";
import { verifyLog } from "../../src/audit/verify.ts";
import { placeLog, query, sampleFiles } from "./sample-log.ts";
import { maze } from "./tampered-logs.ts";
import { altered, COLUMNS, line, rewritten, sha256 } from "./tampering.ts";

/** What somebody wrote who computes hashes as we do, and keeps to nothing else. */
const { closed, genesis, tail } = await sampleFiles();
const [header = "", ...entries] = tail
  .toString("utf8")
  .split("\n")
  .slice(0, -1)
  .map((each) => `${each}\n`);

function hashed(body: string): string {
  return line({ hash: sha256(body), body });
}

/** The tail's first line with `value`, as JSON text, for its member `name`. */
function headerWith(name: string, value: string): string {
  const members = Object.entries(JSON.parse(header.slice(65)) as object).filter(([other]) => other !== name);
  const others = members.map(([other, each]) => `${JSON.stringify(other)}:${JSON.stringify(each)}`);
  return hashed(`{${[...others, `"${name}":${value}`].join(",")}}`);
}

describe("a tail's first line, with a hash that fits,", () => {
  it.each([
    ["null", hashed("null")],
    ["a number", hashed("1")],
    ["text", hashed('"tail"')],
    ["a list", hashed("[]")],
    ["an empty object", hashed("{}")],
    ["nothing", hashed("")],
    ["no JSON", hashed("{first}")],
    ["half of itself", hashed(header.slice(65, -10))],
    ["an entry", entries[0] ?? ""],
    ["that of something else", headerWith("capfence", '"head"')],
    ["that of another format", headerWith("v", "2")],
    ["that of a format in text", headerWith("v", '"1"')],
    ["one without a log", headerWith("log", "null")],
    ["one that follows a number", headerWith("prev", "0")],
    ["one that begins with the genesis entry", headerWith("first", "0")],
    ["one that begins before all entries", headerWith("first", "-1")],
    ["one that begins between two entries", headerWith("first", "1.5")],
    ["one that begins behind all numbers", headerWith("first", "1e400")],
    ["one that begins beyond what a number says exactly", headerWith("first", "9007199254740993")],
    ["one that begins with text", headerWith("first", '"1"')],
  ])("%s, is a finding and no exception", async (_name, first) => {
    for (const database of [genesis, closed]) {
      for (const rest of ["", entries.join("")]) {
        const report = await verifyLog(placeLog(database, Buffer.from(first + rest)));
        expect(report.problems).toEqual([{ what: "the first line of the tail is damaged" }]);
      }
    }
  });
});

describe("a tail that begins behind the database's end", () => {
  it.each([
    ["with nothing but its first line", ""],
    ["with an unfinished write", "0123"],
  ])("and goes on %s, shows that entries are missing", async (_name, rest) => {
    const text = headerWith("first", "7") + rest;
    const report = await verifyLog(placeLog(closed, Buffer.from(text)));
    expect(report.problems).toEqual([{ seq: 5, what: "entries 5 to 6 are missing" }]);
  });
});

describe("a tail's line, with a hash that fits,", () => {
  it.each<[string, readonly number[]]>([
    ["a byte that begins nothing", [0xff]],
    ["half a letter", [0xc3]],
    ["a letter in too many bytes", [0xc1, 0x81]],
    ["a lone surrogate", [0xed, 0xa0, 0x80]],
    ["a letter beyond Unicode", [0xf4, 0x90, 0x80, 0x80]],
    ["a NUL", [0]],
  ])("with %s in it, is no entry", async (_name, bytes) => {
    const last = Buffer.from((entries.at(-1) ?? "").slice(65, -1));
    const at = last.indexOf("agent-1");
    const body = Buffer.concat([last.subarray(0, at), Buffer.from(bytes), last.subarray(at)]);
    const hash = createHash("sha256").update(body).digest("hex");
    const lines = [header, ...entries.slice(0, -1), `${hash} `, body, "\n"].map((each) => Buffer.from(each));
    const report = await verifyLog(placeLog(genesis, Buffer.concat(lines)));
    expect(report.problems).toEqual([{ seq: 4, what: "its text and its hash do not agree" }]);
  });
});

describe("a hash that is stored with more than it shows", () => {
  it.each([
    ["a byte order mark before it", "char(65279) || hash"],
    ["a NUL and more behind it", "hash || char(0) || 'more'"],
  ])("is found with %s", async (_name, value) => {
    for (const seq of [0, 2, 4]) {
      const changed = altered(closed, `UPDATE entries SET hash = ${value} WHERE seq = ${seq}`);
      const { problems } = await verifyLog(placeLog(changed));
      expect(problems[0]).toEqual({ seq, what: "its text and its hash do not agree" });
    }
  });
});

describe("a row that is in a segment too", () => {
  it.each(COLUMNS)("is found when its column %s is changed", async (column) => {
    const value = column === "decision_seq" ? "7" : "'x'";
    const path = placeLog(altered(closed, `UPDATE entries SET ${column} = ${value} WHERE seq = 2`));
    const { log } = JSON.parse(String(bodyOf(closed, 0))) as { log: string };
    // As a crash leaves it between sealing and naming.
    writeFileSync(segmentPath(path, log, 0), closed);
    const { problems } = await verifyLog(path);
    expect(problems[0]?.seq).toBe(2);
    writeFileSync(path, closed);
    expect(await verifyLog(path)).toMatchObject({ intact: true, entries: 4 });
  });
});

describe("an entry made anew with a hash that fits, the last of its log,", () => {
  it.each<[string, number, (body: string) => string]>([
    ["an outcome of nothing", 2, (body) => body.replace('"of":1,', "")],
    ["an outcome of null", 2, (body) => body.replace('"of":1', '"of":null')],
    ["an outcome of text", 2, (body) => body.replace('"of":1', '"of":"1"')],
    ["an outcome of half an entry", 2, (body) => body.replace('"of":1', '"of":1.5')],
    ["an outcome of lists in lists", 2, (body) => body.replace('"of":1', `"of":${nested(50_000)}`)],
    ["a decision that lets nothing through or not", 1, (body) => body.replace('"authorized":true,', "")],
    ["a decision that is authorized by text", 1, (body) => body.replace('"authorized":true', '"authorized":"no"')],
  ])("%s, is found", async (_name, seq, change) => {
    const end = altered(closed, `DELETE FROM entries WHERE seq > ${seq}`);
    const body = change(String(bodyOf(end, seq)));
    expect(body).not.toBe(bodyOf(end, seq));
    const { of = null } = JSON.parse(body) as { of?: SqlValue };
    const changed = altered(end, (database) =>
      database.run("UPDATE entries SET hash = ?, body = ?, decision_seq = ? WHERE seq = ?", [
        sha256(body),
        body,
        Array.isArray(of) ? null : of,
        seq,
      ]),
    );
    const { problems } = await verifyLog(placeLog(changed));
    expect(problems[0]?.seq).toBe(seq);
    expect(problems[0]?.what).toMatch(/^it (names no decision|does not say whether)/);
  });

  it("cannot be deep enough to end verification", async () => {
    const changed = rewritten(closed, 4, (body) => body.replace('"actor":', `"deep":${nested(100_000)},"actor":`));
    expect(await verifyLog(placeLog(changed))).toMatchObject({ intact: true, entries: 4 });
  });
});

describe("an entry before the genesis entry", () => {
  it("is found, though the genesis entry follows it", async () => {
    const genesisBody = String(bodyOf(closed, 0));
    const before = genesisBody.replace('"genesis"', '"decision","authorized":true').replace('"seq":0', '"seq":-1');
    const after = genesisBody.replace("0".repeat(64), sha256(before));
    const changed = altered(closed, (database) => {
      database.run("DELETE FROM entries");
      for (const [seq, body] of [before, after].entries()) {
        const { ts, kind } = JSON.parse(body) as { ts: string; kind: string };
        const row = [seq - 1, sha256(body), body, ts, kind];
        database.run("INSERT INTO entries (seq, hash, body, ts, kind) VALUES (?, ?, ?, ?, ?)", row);
      }
    });
    const { problems } = await verifyLog(placeLog(changed));
    expect(problems).toEqual([{ seq: -1, what: "a log begins with one genesis entry, and has no other" }]);
  });
});

describe("a database whose pages lead to the same rows again and again", () => {
  it("is read once", async () => {
    const report = await verifyLog(placeLog(maze(closed)));
    expect(report).toMatchObject({ intact: false, entries: 4 });
    expect(report.problems[0]?.what).toContain("structure");
    expect(report.problems.at(-1)?.what).toContain("not in order");
  });
});

function nested(depth: number): string {
  return "[".repeat(depth) + "]".repeat(depth);
}

function bodyOf(database: Uint8Array, seq: number): SqlValue | undefined {
  return query(placeLog(database), `SELECT body FROM entries WHERE seq = ${seq}`)[0]?.[0];
}
