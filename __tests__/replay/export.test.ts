import { readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { canonical, sha256 } from "../../src/audit/format/entry.ts";
import { Policy } from "../../src/policy/policy.ts";
import { EXIT } from "../../src/cli/host.ts";
import { Workplace } from "../cli/captured-host.ts";
import { appendSealing } from "../cli/recorded-calls.ts";
import { changes, Records, replayAll } from "./recorded-logs.ts";

const records = new Records();
const place = new Workplace();
afterAll(() => {
  records[Symbol.dispose]();
  place[Symbol.dispose]();
});

const POLICY = Policy.parse("deny: [{ capability: shell, contains: rm }]\nallow: [shell]\n");
const EVERYTHING = Policy.parse("allow: ['*']\n");

/** The export of a log with a few calls, one of them hostile; its lines without their line breaks. */
let lines: readonly string[] = [];

async function exported(log: string): Promise<string> {
  const { code, stdout } = await place.run(["export", log]);
  expect(code).toBe(EXIT.ok);
  return stdout;
}

beforeAll(async () => {
  const log = await records.write(POLICY, [
    { payload: { command: "ls" }, ms: 4 },
    { payload: { command: "rm \u202e\u0007 x", number: 1e21, small: 1e-7 } },
    { actor: "=1+1", payload: { text: "é\u2028" } },
  ]);
  lines = (await exported(log)).split("\n").slice(0, -1);
});

/** Writes a file of lines; answers its path. */
function written(name: string, given: readonly string[], end = "\n"): string {
  const path = records.path(`${name}.jsonl`);
  writeFileSync(path, given.join("\n") + end);
  return path;
}

describe("an export", () => {
  it("replays as the log itself", async () => {
    const { calls, end } = await replayAll(written("whole", lines), EVERYTHING);
    expect(changes(calls)).toEqual([
      "entry 1 none allow→allow",
      "entry 3 decision deny→allow",
      "entry 4 none allow→allow",
    ]);
    expect(calls[1]?.payload).toEqual({ command: "rm \u202e\u0007 x", number: 1e21, small: 1e-7 });
    expect(end.verified).toMatchObject({ intact: true, entries: 4, last: { seq: 4 } });
  });

  it("has nothing that a terminal would obey", () => {
    expect(lines.join("")).not.toMatch(/[\p{Cc}\p{Cf}\u2028]/u);
  });

  it("may have been written anew by another program, as long as it says the same", async () => {
    const turned = lines.map((line) =>
      JSON.stringify(
        Object.fromEntries(Object.entries(JSON.parse(line) as object).toReversed()),
        undefined,
        " ",
      ).replaceAll("\n", ""),
    );
    expect(turned[1]).not.toBe(lines[1]);
    const { calls } = await replayAll(written("turned", turned), EVERYTHING);
    expect(calls).toHaveLength(3);
  });

  it.each([
    ["without the last line break", (all: readonly string[]) => [all, ""] as const],
    ["with line breaks of Windows", (all: readonly string[]) => [all.map((line) => `${line}\r`), "\n"] as const],
    [
      "with a byte order mark",
      ([first = "", ...rest]: readonly string[]) => [[`\uFEFF${first}`, ...rest], "\n"] as const,
    ],
  ])("is read %s", async (name, change) => {
    const [changed, end] = change(lines);
    expect((await replayAll(written(name, changed, end), EVERYTHING)).calls).toHaveLength(3);
  });

  it("begins where the log does, when older parts of it lie elsewhere", async () => {
    const log = records.path("sealed.db");
    await appendSealing(log, ["a", "b", "c", "d"]);
    await appendSealing(log, ["e", "f", "g"]);
    const [segment = ""] = segmentsOf(log);
    renameSync(segment, `${segment}.elsewhere`);
    const text = await exported(log);
    const { end } = await replayAll(written("sealed", text.split("\n").slice(0, -1)), EVERYTHING);
    expect(end.verified).toMatchObject({ intact: true, from: expect.any(Number) });
  });
});

function segmentsOf(log: string): readonly string[] {
  return readdirSync(dirname(log))
    .filter((name) => name.startsWith(`${basename(log)}.`))
    .map((name) => join(dirname(log), name))
    .toSorted();
}

/** An entry's line with something else in the entry, and the hash that this has. */
function forged(line: string, change: (entry: Record<string, unknown>) => object): string {
  const { entry } = JSON.parse(line) as { entry: Record<string, unknown> };
  const text = canonical(change(entry));
  return `{"hash":"${sha256(text)}","entry":${text}}`;
}

type Change = (all: readonly string[]) => readonly string[];
const without =
  (index: number): Change =>
  (all) =>
    all.toSpliced(index, 1);
const replaced =
  (index: number, by: (line: string) => string): Change =>
  (all) =>
    all.with(index, by(all[index] ?? ""));

describe("an export that is not what was exported", () => {
  it.each<readonly [string, Change, number, RegExp]>([
    ["cut off before its last line", (all) => all.slice(0, -1), 7, /the last line of the export is missing/],
    ["cut off earlier", (all) => all.slice(0, 3), 4, /the last line of the export is missing/],
    ["cut off in a line", (all) => [...all.slice(0, 3), "{"], 4, /it is not JSON/],
    ["without an entry", without(3), 4, /missing/],
    ["without its last entry", without(5), 6, /it says that there are 5 entries/],
    ["with an entry twice", (all) => all.toSpliced(3, 0, all[2] ?? ""), 4, /entry 1 is there twice/],
    ["in another order", (all) => all.with(3, all[4] ?? "").with(4, all[3] ?? ""), 4, /missing/],
    ["with a changed entry", replaced(2, (line) => line.replace('"ls"', '"la"')), 3, /do not agree/],
    ["with a changed hash", replaced(2, (line) => line.replace(/"hash":"./, '"hash":"x')), 3, /do not agree/],
    [
      "with an entry made anew",
      replaced(2, (line) => forged(line, (entry) => ({ ...entry, actor: "x" }))),
      4,
      /entry 1/,
    ],
    [
      "with an entry of another log",
      replaced(3, (line) => forged(line, (entry) => ({ ...entry, log: "x" }))),
      4,
      /another log/,
    ],
    [
      "with an entry of a newer format",
      replaced(3, (line) => forged(line, (entry) => ({ ...entry, v: 9 }))),
      4,
      /format, 9/,
    ],
    ["with an entry that is none", replaced(2, (line) => forged(line, () => ({ v: 1 }))), 3, /do not agree/],
    ["with a line after the last", (all) => [...all, all[1] ?? ""], 8, /comes after the last line/],
    [
      "with a last line that says less",
      replaced(6, (line) => line.replace('"entries":5', '"entries":4')),
      7,
      /says that/,
    ],
    ["with a last line that says nothing", replaced(6, () => '{"capfence_export_end":null}'), 7, /says that/],
    [
      "of a newer version",
      replaced(0, () => '{"capfence_export":2}'),
      1,
      /format 2, .* reads format 1\. Use a newer one/,
    ],
    ["of no version", replaced(0, () => '{"capfence_export":"1"}'), 1, /not the first line/],
    ["without its first line", without(0), 1, /first line of neither an export nor a trace/],
    ["with text in between", replaced(2, () => "text"), 3, /it is not JSON/],
    ["with a list in between", replaced(2, () => "[]"), 3, /it is not a JSON object/],
    ["with an empty line in between", replaced(2, () => ""), 3, /it is not JSON/],
    ["with a huge line", replaced(2, () => `{"hash":"${"x".repeat(5_000_000)}"}`), 3, /longer than 4194304 bytes/],
    [
      "with a huge line without end",
      (all) => [...all.slice(0, 2), "x".repeat(9_000_000)],
      3,
      /longer than 4194304 bytes/,
    ],
  ])("%s", async (name, change, line, message) => {
    const path = written(name, change(lines));
    const error: unknown = await replayAll(path, EVERYTHING).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "ERR_TRACE_INVALID", path, line, message: expect.stringMatching(message) });
  });

  it("in the middle of a line without end", async () => {
    const path = written("torn", lines.slice(0, 3), '\n{"hash":"ab');
    await expect(replayAll(path, EVERYTHING)).rejects.toMatchObject({
      line: 4,
      message: expect.stringContaining("the file ends in the middle of this line"),
    });
  });

  it("with bytes that are no text", async () => {
    const path = written("bytes", lines);
    const bytes = readFileSync(path);
    bytes[bytes.indexOf('"ls"') + 1] = 0xff;
    writeFileSync(path, bytes);
    await expect(replayAll(path, EVERYTHING)).rejects.toMatchObject({
      line: 3,
      message: expect.stringContaining("UTF-8"),
    });
  });

  it("nothing of which is shown as a result", async () => {
    writeFileSync(place.path("policy.yaml"), "allow: ['*']\n");
    const { code, stdout, stderr } = await place.run([
      "replay",
      written("cut", lines.slice(0, -1)),
      "--policy",
      "policy.yaml",
    ]);
    expect({ code, stdout }).toEqual({ code: EXIT.finding, stdout: "" });
    expect(stderr).toMatch(/^capfence: .*cut\.jsonl:7: the last line of the export is missing/);
  });
});
