import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { openCheckpoint } from "../../src/audit/checkpoints/checkpoint.ts";
import { ENTRY_KINDS } from "../../src/audit/format/entry.ts";
import { verifyLog } from "../../src/audit/verify.ts";
import { generateKeys, parseSignerKey, parseVerifierKey } from "../../src/note.ts";
import {
  bothVerdicts,
  bytesOf,
  checkpointOf,
  DOCUMENT,
  expectAgreement,
  hasOpenssl,
  hasPython,
  ourVerdict,
  putLog,
  python,
  segmentedFiles,
  segmentsOf,
  theirVerdicts,
  TOOL,
  without,
  written,
  type Files,
  type Verdict,
} from "./both-verifiers.ts";
import { placeLog, query, sampleFiles, temporaryDirectory } from "./sample-log.ts";
import * as tampered from "./tampered-logs.ts";
import { closed, genesis, LINES, openWith, renamed, tail } from "./tampered-logs.ts";
import { altered, flipped, rewritten } from "./tampering.ts";

const other = await sampleFiles();

describe.skipIf(!hasPython)("the independent verifier (needs python3) agrees with ours", () => {
  it("on sound logs", async () => {
    const segmented = await segmentedFiles();
    const segments = segmentsOf(segmented);
    expect(segments.length).toBeGreaterThan(2);
    const [first = "", second = ""] = segments;
    const cases: [string, Files][] = [
      ["closed", { "audit.db": closed }],
      ["open", { "audit.db": genesis, "audit.db-tail": tail }],
      ["just begun", { "audit.db": genesis }],
      ["folded, and its tail still there", { "audit.db": closed, "audit.db-tail": tail }],
      ["with an unfinished write", openWith(...LINES, "0123")],
      ["with blocks that were not written", openWith(...LINES, "\0".repeat(4_096))],
      ["in segments", segmented],
      ["in segments, the first one elsewhere", without(segmented, first)],
      ["in segments, the first two elsewhere", without(segmented, first, second)],
      ["in segments, none here", without(segmented, ...segments)],
      ["beside a segment of another log", { ...segmented, "audit.db.00000000.0": other.closed }],
      ["beside files that are no part of it", { ...segmented, "audit.db-torn.1.2": tail, "audit.db-lock": tail }],
    ];
    const { ours, theirs } = await bothVerdicts(new Map(cases));
    expect(theirs).toEqual(ours);
    for (const [name] of cases) expect(ours[name], name).toHaveProperty("entries");
    expect(ours["with an unfinished write"]).toMatchObject({
      entries: 4,
      warnings: [expect.stringMatching(/^4 bytes/)],
    });
    expect(ours["in segments, the first one elsewhere"]).toHaveProperty("from", Number(second.split(".").at(-1)));
  });

  it("on what can't be judged", async () => {
    const newer = altered(closed, "PRAGMA user_version = 2");
    const segmented = await segmentedFiles();
    const [first = ""] = segmentsOf(segmented);
    const { ours, theirs } = await bothVerdicts(
      new Map([
        ["nothing", {}],
        ["segments alone", without(segmented, "audit.db", "audit.db-tail")],
        ["a newer format", { "audit.db": newer }],
        [
          "a segment in a newer format",
          { ...segmented, [first]: altered(bytesOf(segmented, first), "PRAGMA user_version = 9") },
        ],
      ]),
    );
    expect(theirs).toEqual(ours);
    expect(new Set(Object.values(ours))).toEqual(new Set(["no verdict"]));
  });

  it("on files that were made too long, which neither reads", async () => {
    const segmented = await segmentedFiles();
    const names = ["audit.db", "audit.db-tail", segmentsOf(segmented)[1] ?? ""];
    const paths = names.map((name) => {
      const path = putLog(join(temporaryDirectory(), "log"), segmented);
      truncateSync(join(path, "..", name), 2 ** 31);
      return path;
    });
    for (const path of paths) expect(await ourVerdict(path, [])).toBe("no verdict");
    expect(theirVerdicts(paths, [])).toEqual(paths.map(() => "no verdict"));
    await expect(verifyLog(paths[2] ?? "")).rejects.toThrow(`${names[2]}: it has 2 GiB or more`);
    expect(python(paths).stderr).toContain(`${names[2]}: it has 2 GiB or more`);
  });

  it("on names that lead nowhere", async () => {
    const links: readonly (readonly [name: string, target: string, files: Files, verdict: Verdict])[] = [
      ...["-journal", "-wal"].flatMap((suffix) =>
        ["nowhere", `audit.db${suffix}`, "audit.db/x"].map(
          (target) => [`audit.db${suffix}`, target, { "audit.db": closed }, { broken: undefined }] as const,
        ),
      ),
      ["audit.db", "nowhere", {}, "no verdict"],
      ["audit.db", "nowhere", { "audit.db-tail": tail }, { broken: undefined }],
      ["audit.db", "nowhere", { "nowhere-tail": tail }, "no verdict"],
      ["audit.db", "audit.db", { "audit.db-tail": tail }, "no verdict"],
    ];
    const paths = links.map(([name, target, files]) => {
      const path = putLog(join(temporaryDirectory(), "log"), files);
      symlinkSync(target, join(path, "..", name));
      return path;
    });
    const expected = links.map(([, , , verdict]) => verdict);
    expect(await Promise.all(paths.map((path) => ourVerdict(path, [])))).toEqual(expected);
    expect(theirVerdicts(paths, [])).toEqual(expected);
  });

  it.each([
    ["values replaced", tampered.values],
    ["rows deleted, exchanged, doubled and numbered anew", tampered.rows],
    ["other schemas and files that are no log", tampered.files],
    ["entries made anew with hashes that fit", tampered.entries],
    ["changed tails", tampered.tails],
    ["segments removed, changed, exchanged, renamed and of other logs", tampered.segments],
  ])("on %s", async (_name, table) => {
    const { each, wide } = await table();
    // Others each time; all of them in the slow test.
    await expectAgreement([...each, ...drawn(wide, 40)]);
  });

  it("on random bytes changed anywhere", async () => {
    await expectAgreement((await tampered.flips(250)).each);
  });
});

function drawn<T>(from: readonly T[], count: number): T[] {
  const length = Math.min(count, from.length);
  return fc.sample(fc.shuffledSubarray([...from], { minLength: length, maxLength: length }), 1).flat();
}

const keys = generateKeys("witness");
const signer = parseSignerKey(keys.signer);

describe.skipIf(!hasOpenssl)("with a checkpoint, the independent verifier (needs python3 and openssl 3)", () => {
  it("agrees on cut tails, on suffixes made anew, and on other logs", async () => {
    const logs = new Map<string, Files>([
      ["as it was", { "audit.db": closed }],
      ["open", { "audit.db": genesis, "audit.db-tail": tail }],
      ["another", { "audit.db": other.closed }],
      [
        "damaged where the checkpoint is",
        { "audit.db": altered(closed, "UPDATE entries SET hash = 'x' WHERE seq = 3") },
      ],
      ...[1, 2, 3, 4].map((kept): [string, Files] => [
        `cut behind ${kept}`,
        { "audit.db": altered(closed, `DELETE FROM entries WHERE seq > ${kept}`) },
      ]),
      ...[1, 2, 3, 4].map((kept): [string, Files] => [
        `tail cut behind ${kept}`,
        openWith(...LINES.slice(0, kept + 1)),
      ]),
      ...[1, 3].map((seq): [string, Files] => [
        `made anew from ${seq}`,
        { "audit.db": rewritten(closed, seq, renamed, "onwards") },
      ]),
    ]);
    for (const sizes of [[4], [5, 2]]) {
      const notes = sizes.map((size) => checkpointOf(placeLog(closed), size, signer));
      const anchors = notes.map((note) => openCheckpoint(note, [parseVerifierKey(keys.verifier)]));
      const options = ["--vkey", keys.verifier, ...notes.flatMap((note) => ["--checkpoint", written(note)])];
      const { ours, theirs } = await bothVerdicts(logs, anchors, options);
      expect(theirs).toEqual(ours);
      const size = Math.max(...sizes);
      expect(ours["as it was"]).toHaveProperty("anchor", { seq: size - 1, signedBy: ["witness"] });
      for (const kept of [1, 2]) expect(ours[`cut behind ${kept}`]).toEqual({ broken: kept + 1 });
      for (const name of ["made anew from 1", "another"]) expect(ours[name]).toHaveProperty("broken");
    }
  });

  it("agrees where the first segments lie elsewhere", async () => {
    const files = await segmentedFiles();
    const [first = "", second = ""] = segmentsOf(files);
    const path = putLog(join(temporaryDirectory(), "log"), files);
    const at = Number(second.split(".").at(-1));
    const logs = new Map<string, Files>([
      ["whole", files],
      ["without the first", without(files, first)],
    ]);
    for (const size of [2, at, at + 2]) {
      const note = checkpointOf(path, size, signer);
      const anchors = [openCheckpoint(note, [parseVerifierKey(keys.verifier)])];
      const options = ["--vkey", keys.verifier, "--checkpoint", written(note)];
      const { ours, theirs } = await bothVerdicts(logs, anchors, options);
      expect(theirs).toEqual(ours);
      expect(ours["whole"]).toHaveProperty("anchor.seq", size - 1);
      // What it covers is absent, so it vouches for nothing that is here.
      if (size <= at) expect(ours["without the first"]).toEqual({ broken: undefined });
      // The entry that names the absent segment lies behind this checkpoint, so anyone could have added it.
      else expect(ours["without the first"]).toEqual({ broken: at + 2 });
    }
  });
});

describe.skipIf(!hasPython)("the independent verifier (needs python3)", () => {
  it("changes nothing, and leaves nothing behind", async () => {
    const directory = temporaryDirectory();
    const logs: readonly Files[] = [
      await segmentedFiles(),
      openWith(...LINES, "0123"),
      { "audit.db": flipped(closed, 5_000, 1) },
      // A file in write-ahead mode, which SQLite would make two files for.
      { "audit.db": flipped(flipped(closed, 18, 3), 19, 3) },
    ];
    const paths = logs.map((files, index) => putLog(join(directory, String(index)), files));
    const state = (): object[] =>
      readdirSync(directory, { recursive: true, encoding: "utf8" })
        .toSorted()
        .map((name) => {
          const stat = statSync(join(directory, name), { bigint: true });
          const bytes = stat.isFile() ? readFileSync(join(directory, name)).toString("base64") : "";
          return { name, mtime: stat.mtimeNs, ctime: stat.ctimeNs, ino: stat.ino, size: stat.size, bytes };
        });
    const before = state();
    expect(theirVerdicts(paths, [])).toHaveLength(4);
    expect(state()).toEqual(before);
  });

  it("reads a log by a path that must be quoted in a URI, and through a link", async () => {
    const directory = join(temporaryDirectory(), "100% of it? #é 😀");
    mkdirSync(directory);
    const path = join(directory, "audit?mode=rw#.db");
    writeFileSync(path, genesis);
    writeFileSync(`${path}-tail`, tail);
    const link = join(temporaryDirectory(), "link.db");
    symlinkSync(path, link);
    const verdict = await ourVerdict(path, []);
    expect(verdict).toHaveProperty("entries", 4);
    expect(theirVerdicts([path, link], [])).toEqual([verdict, verdict]);
  });
});

describe("docs/audit-format.md", () => {
  it("has the schema and the numbers as they are, and so has the independent verifier", () => {
    const texts = query(placeLog(closed), "SELECT sql FROM sqlite_schema").map(([sql]) => String(sql));
    expect(texts).toHaveLength(2);
    for (const file of [DOCUMENT, TOOL]) {
      for (const text of texts) expect(readFileSync(file, "utf8")).toContain(text);
    }
    const [[application] = []] = query(placeLog(closed), "PRAGMA application_id");
    const document = readFileSync(DOCUMENT, "utf8");
    expect(document).toContain(`\`application_id\` ${String(application)} `);
    for (const kind of ENTRY_KINDS) expect(document).toContain(`- \`${kind}\`: `);
  });

  it("names every member of every kind of entry", () => {
    const source = readFileSync(new URL("../../src/audit/format/entry.ts", import.meta.url), "utf8");
    const interfaces = source.slice(source.indexOf("interface EntryFrame"), source.indexOf("export type Entry ="));
    const members = [...interfaces.matchAll(/readonly (\w+)\??:/g)].map(([, name = ""]) => name);
    expect(members.length).toBeGreaterThan(40);
    const document = readFileSync(DOCUMENT, "utf8");
    expect(members.filter((name) => !document.includes(`\`${name}\``))).toEqual([]);
  });
});
