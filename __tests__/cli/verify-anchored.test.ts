import { copyFileSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { Workplace, type Captured } from "./captured-host.ts";
import { appendSealing, record, WALKTHROUGH } from "./recorded-calls.ts";

const place = new Workplace();
afterAll(() => place[Symbol.dispose]());

/** Makes a checkpoint of a log with the key of `signer`, which is made if need be. Answers the verifying key. */
async function checkpoint(log: string, file: string, signer = "tester"): Promise<string> {
  await place.run(["keys", "generate", "--name", signer, "--out", `${signer}.key`]);
  writeFileSync(
    place.path(file),
    (await place.run(["checkpoint", "--audit-log", log, "--key", `${signer}.key`])).stdout,
  );
  return readFileSync(place.path(`${signer}.key.pub`), "utf8").trimEnd();
}

function verify(log: string, ...options: readonly string[]): Promise<Captured> {
  return place.run(["verify", "--audit-log", log, ...options]);
}

let vkey = "";
beforeAll(async () => {
  await record(place.path("audit.db"), WALKTHROUGH);
  vkey = await checkpoint("audit.db", "two");
  copyFileSync(place.path("audit.db"), place.path("short.db"));
  await record(place.path("audit.db"), [{ command: "date", ended: "finished" }]);
  await checkpoint("audit.db", "four");
  await checkpoint("audit.db", "foreign", "stranger");
  await record(place.path("other.db"), [...WALKTHROUGH, ...WALKTHROUGH]);
});

const LAST = "Last entry: 4 at 2026-01-15 10:23:01 UTC.";
const PAIRS = "1 decision without an outcome; 0 outcomes without an allowing decision.";

describe("an anchored log", () => {
  it.each([
    ["its last entry", ["four"], "Anchored to entry 4 by tester; 0 entries after it."],
    ["an earlier entry", ["two"], "Anchored to entry 2 by tester; 2 entries after it."],
    ["the latest of several", ["two", "four"], "Anchored to entry 4 by tester; 0 entries after it."],
    ["the latest of several, in any order", ["four", "two"], "Anchored to entry 4 by tester; 0 entries after it."],
  ])("is said to be anchored to %s", async (_, files, line) => {
    const options = files.flatMap((file) => ["--checkpoint", file]);
    expect(await verify("audit.db", ...options, "--vkey", vkey)).toEqual({
      code: 0,
      stdout: ["✓ Audit chain intact. 4 entries verified.", LAST, line, PAIRS, ""].join("\n"),
      stderr: "",
    });
  });

  it("is anchored in the singular too", async () => {
    await record(place.path("three.db"), [{ command: "ls" }]);
    const key = await checkpoint("three.db", "one");
    await record(place.path("three.db"), [{ command: "ls" }]);
    const { stdout } = await verify("three.db", "--checkpoint", "one", "--vkey", key);
    expect(stdout).toContain("\nAnchored to entry 1 by tester; 1 entry after it.\n");
    expect(stdout).toContain("\n2 decisions without an outcome; 0 outcomes without an allowing decision.\n");
  });

  it("may be checked with a key in a file, and with more keys than have signed", async () => {
    const stranger = readFileSync(place.path("stranger.key.pub"), "utf8").trimEnd();
    const options = ["--checkpoint", "two", "--vkey", stranger, "--vkey", "tester.key.pub", "--checkpoint", "foreign"];
    const { code, stdout } = await verify("audit.db", ...options);
    expect(code).toBe(0);
    expect(stdout).toContain("\nAnchored to entry 4 by stranger; 0 entries after it.\n");
  });

  it("says so in JSON", async () => {
    const { stdout } = await verify("audit.db", "--checkpoint", "two", "--vkey", vkey, "--json");
    expect(JSON.parse(stdout)).toMatchObject({ intact: true, anchor: { seq: 2, signedBy: ["tester"] }, problems: [] });
  });

  it.each([
    [["--min-size", "3"], 0],
    [["--min-size", "5"], 0],
    [["--min-size", "6"], 3],
    [["--min-size", "999999999999999"], 3],
    [["--min-size", "3", "--checkpoint", "two"], 0],
    [["--min-size", "4", "--checkpoint", "two"], 3],
    [["--min-size", "5", "--checkpoint", "two", "--checkpoint", "four"], 0],
  ])("with %j exits %d", async (options, expected) => {
    const keys = options.includes("--checkpoint") ? ["--vkey", vkey] : [];
    expect((await verify("audit.db", ...options, ...keys)).code).toBe(expected);
  });
});

describe("what a chain alone can't show, and a checkpoint can, exits 3:", () => {
  it.each([
    [
      "an end that was cut off",
      "short.db",
      "✗ Audit chain broken at entry 3: entries 3 to 4 are missing: a checkpoint covers them",
    ],
    ["another log in its place", "other.db", "✗ Audit chain broken: a checkpoint was made of another log"],
    [
      "a log that was made anew from some entry on",
      "anew.db",
      "✗ Audit chain broken at entry 4: it is not the entry that a checkpoint was made of: the log was made anew up to here",
    ],
  ])("%s", async (_, log, line) => {
    copyFileSync(place.path("short.db"), place.path("anew.db"));
    await record(place.path("anew.db"), WALKTHROUGH);
    expect((await verify(log)).code).toBe(0);
    expect(await verify(log, "--checkpoint", "four", "--vkey", vkey)).toEqual({
      code: 3,
      stdout: `${line}\n`,
      stderr: "",
    });
  });
});

describe("a checkpoint that proves nothing exits 3:", () => {
  it.each([
    ["one that none of the keys has signed", "foreign", "none of the given keys has signed it"],
    ["one that was changed", "changed", "the signature of tester is wrong"],
    ["one that was cut", "cut", "not a signed note"],
    ["a file that is no note", "tester.key.pub", "not a signed note"],
    ["a note that is no checkpoint", "\u{1b}[2J", "not a signed note"],
  ])("%s", async (_, file, reason) => {
    const note = readFileSync(place.path("four"), "utf8");
    writeFileSync(place.path("changed"), note.replace("\n5\n", "\n4\n"));
    writeFileSync(place.path("cut"), note.slice(0, 40));
    writeFileSync(place.path("\u{1b}[2J"), "");
    const options = ["--checkpoint", file, "--vkey", vkey];
    const { code, stdout, stderr } = await verify("audit.db", ...options);
    expect({ code, stdout: stdout.split("\n"), stderr }).toEqual({
      code: 3,
      stdout: [
        `✗ Not anchored: the checkpoint ${file.replace("\u{1b}", String.raw`\u{1b}`)} is no proof: ${reason}`,
        "The chain in itself is intact. 4 entries verified.",
        LAST,
        "",
      ],
      stderr: "",
    });
    const json = await verify("audit.db", ...options, "--json");
    expect(json.code).toBe(3);
    expect(JSON.parse(json.stdout)).toMatchObject({
      intact: false,
      problems: [{ what: `the checkpoint ${file} is no proof: ${reason}` }],
    });
  });

  it("also beside one that proves something, and in a log that is broken", async () => {
    const both = ["--checkpoint", "four", "--checkpoint", "foreign", "--vkey", vkey];
    expect((await verify("audit.db", ...both)).stdout).toMatch(/^✗ Not anchored: the checkpoint foreign is no proof: /);
    expect((await verify("short.db", ...both)).stdout.split("\n")).toEqual([
      "✗ Audit chain broken at entry 3: entries 3 to 4 are missing: a checkpoint covers them",
      "  the checkpoint foreign is no proof: none of the given keys has signed it",
      "",
    ]);
  });
});

describe("a log whose oldest part lies elsewhere", () => {
  let parts: readonly string[] = [];
  beforeAll(async () => {
    await appendSealing(place.path("parts.db"), ["a", "b"]);
    await checkpoint("parts.db", "early");
    await appendSealing(place.path("parts.db"), ["c"]);
    await appendSealing(place.path("parts.db"), ["d", "e"]);
    await checkpoint("parts.db", "late");
    parts = readdirSync(place.directory).filter((name) => /^parts\.db\.[0-9a-f]{8}\.\d+$/.test(name));
    mkdirSync(place.path("archive"));
    const [oldest = ""] = parts;
    renameSync(place.path(oldest), place.path(`archive/${oldest}`));
  });

  it("is verified from where it begins, and anchored by what covers that", async () => {
    const { code, stdout } = await verify("parts.db", "--checkpoint", "late", "--vkey", vkey);
    expect(code).toBe(0);
    expect(stdout.split("\n").slice(0, 5)).toEqual([
      "✓ Audit chain intact. 2 entries verified.",
      "Verified from entry 4; entries 1 to 3 are absent.",
      expect.stringMatching(/^Last entry: 6 at /),
      "Anchored to entry 6 by tester; 0 entries after it.",
      "2 decisions without an outcome; 0 outcomes without an allowing decision.",
    ]);
  });

  it("is not said to be anchored by a checkpoint of the absent part", async () => {
    const { code, stdout } = await verify("parts.db", "--checkpoint", "early", "--vkey", vkey);
    expect(code).toBe(3);
    expect(stdout).toMatch(
      /^✗ [^\n]*the checkpoints cover only entries that are absent, and vouch for nothing here\n$/,
    );
    const both = await verify("parts.db", "--checkpoint", "early", "--checkpoint", "late", "--vkey", vkey);
    expect(both.code).toBe(0);
  });

  it("is whole again when that is put back", async () => {
    const [oldest = ""] = parts;
    renameSync(place.path(`archive/${oldest}`), place.path(oldest));
    const { code, stdout } = await verify("parts.db", "--checkpoint", "early", "--vkey", vkey);
    expect(code).toBe(0);
    expect(stdout).not.toContain("absent");
    expect(stdout).toContain("\nAnchored to entry 2 by tester; 4 entries after it.\n");
  });
});

describe("verify refuses", () => {
  it.each([
    [["--checkpoint", "four"], "option '--checkpoint' means nothing without option '--vkey'"],
    [["--vkey", "tester.key.pub"], "option '--vkey' means nothing without option '--checkpoint'"],
    [
      ["--min-size", "0"],
      "option '--min-size <count>' argument '0' is invalid. It must be a whole number from 1 to 999999999999999.",
    ],
    [
      ["--checkpoint", "four", "--vkey", "PRIVATE+KEY+tester+01234567+AAAA"],
      "option '--vkey <key>' was given a private key itself, which is secret no longer",
    ],
  ])("%j, exit 2", async (options, message) => {
    expect(await verify("audit.db", ...options)).toEqual({ code: 2, stdout: "", stderr: `capfence: ${message}\n` });
  });

  it.each([
    ["a missing checkpoint", ["missing", "tester.key.pub"], "checkpoint <missing>: there is no such file or directory"],
    ["a directory as one", [".", "tester.key.pub"], "it is a directory"],
    [
      "a missing key file",
      ["four", "missing"],
      "verifying key <missing>: there is no such file or directory, and it is not a key itself",
    ],
    ["a private key's file as a key", ["four", "tester.key"], "<tester.key>: not a verifying key"],
    ["a key with a changed digit", ["four", "tester+00000000+AAAA"], "and it is not a key itself"],
  ])("%s, exit 1", async (_, [file = "", key = ""], message) => {
    const { code, stdout, stderr } = await verify("audit.db", "--checkpoint", file, "--vkey", key);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^capfence: [^\n]+\n$/);
    expect(stderr).toContain(message.replace(/<(.*)>/, (__, name: string) => place.path(name)));
    expect(stderr).not.toContain("PRIVATE+KEY+tester");
  });
});
