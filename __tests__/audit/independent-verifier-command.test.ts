import { mkdirSync, writeFileSync } from "node:fs";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { signCheckpoint } from "../../src/audit/checkpoints/checkpoint.ts";
import { generateKeys, parseSignerKey, signNote } from "../../src/note.ts";
import { Workplace } from "../cli/captured-host.ts";
import { checkpointOf, hasOpenssl, python, pythonForEach, type Answer } from "./both-verifiers.ts";
import { sampleFiles } from "./sample-log.ts";
import { altered } from "./tampering.ts";

const place = new Workplace();
afterAll(() => place[Symbol.dispose]());

const keys = generateKeys("witness");
const [former, stranger] = [generateKeys("witness"), generateKeys("stranger")];
const signer = parseSignerKey(keys.signer);

beforeAll(async () => {
  const { closed } = await sampleFiles();
  put("audit.db", closed);
  put("broken.db", altered(closed, "UPDATE entries SET decision = 'deny' WHERE seq = 1"));
  put("empty.db", "");
  mkdirSync(place.path("directory"));
  put("hello", "hello");
  const good = checkpointOf(place.path("audit.db"), 5, signer);
  put("good", good);
  put("earlier", checkpointOf(place.path("audit.db"), 3, signer));
  put("changed", good.replace("\n5\n", "\n4\n"));
  put("by the former key", checkpointOf(place.path("audit.db"), 3, parseSignerKey(former.signer)));
  const [text = "", signature = ""] = good.split("\n\n");
  put("a malformed line more", `${text}\n\n${signature}— witness\n`);
  const other = signNote(`${text}\n`.replace("capfence/", "other/"), signer);
  put("of something else", other);
  put("without a hash", signNote(`${text.split("\n").slice(0, 2).join("\n")}\n`, signer));
  put("of another log", signCheckpoint("ab".repeat(16), { seq: 2, hash: "cd".repeat(32) }, signer));
  put("key file", `${keys.verifier}\n`);
});

function put(name: string, content: Uint8Array | string): void {
  writeFileSync(place.path(name), content);
}

const GOOD = ["--checkpoint", "good"];
const VKEY = ["--vkey", keys.verifier];
const FORMER = ["--vkey", former.verifier];

const LINES: readonly (readonly [name: string, line: readonly string[], code: number])[] = [
  ["an intact log", ["audit.db"], 0],
  ["a log of which enough is there", ["audit.db", "--min-size", "5"], 0],
  ["a log of which too little is there", ["audit.db", "--min-size", "6"], 3],
  ["a broken log", ["broken.db"], 3],
  ["an empty file", ["empty.db"], 3],
  ["no log", ["absent.db"], 1],
  ["a directory", ["directory"], 1],
  ["an anchored log", ["audit.db", ...GOOD, ...VKEY], 0],
  [
    "an anchored log of which more is asked for",
    ["audit.db", "--checkpoint", "earlier", ...VKEY, "--min-size", "4"],
    3,
  ],
  ["a key in a file", ["audit.db", ...GOOD, "--vkey", "key file"], 0],
  ["several keys", ["audit.db", ...GOOD, ...VKEY, ...FORMER], 0],
  ["a former key of the same name", ["audit.db", "--checkpoint", "by the former key", ...VKEY, ...FORMER], 0],
  ["the wrong key", ["audit.db", ...GOOD, "--vkey", stranger.verifier], 3],
  ["a former key only", ["audit.db", ...GOOD, ...FORMER], 3],
  ["a changed checkpoint", ["audit.db", "--checkpoint", "changed", ...VKEY], 3],
  ["no checkpoint in the file", ["audit.db", "--checkpoint", "hello", ...VKEY], 3],
  ["a broken log under no checkpoint", ["broken.db", "--checkpoint", "hello", ...VKEY], 3],
  ["a malformed line beside a good one", ["audit.db", "--checkpoint", "a malformed line more", ...VKEY], 3],
  ["a signed note of something else", ["audit.db", "--checkpoint", "of something else", ...VKEY], 3],
  ["a signed note without a hash", ["audit.db", "--checkpoint", "without a hash", ...VKEY], 3],
  ["a checkpoint of another log too", ["audit.db", ...GOOD, "--checkpoint", "of another log", ...VKEY], 3],
  ["a key with another id", ["audit.db", ...GOOD, "--vkey", keys.verifier.replace(/\+[0-9a-f]{8}\+/, "+00000000+")], 1],
  ["a good and a bad checkpoint", ["audit.db", ...GOOD, "--checkpoint", "changed", ...VKEY], 3],
  ["a checkpoint that is not there", ["audit.db", "--checkpoint", "absent", ...VKEY], 1],
  ["a checkpoint that is a directory", ["audit.db", "--checkpoint", "directory", ...VKEY], 1],
  ["a key that is none", ["audit.db", ...GOOD, "--vkey", "hello"], 1],
  ["a key that is not there", ["audit.db", ...GOOD, "--vkey", "absent"], 1],
  ["a checkpoint without a key", ["audit.db", ...GOOD], 2],
  ["a key without a checkpoint", ["audit.db", ...VKEY], 2],
  ["a private key", ["audit.db", ...GOOD, "--vkey", keys.signer], 2],
  ["an option that is not known", ["audit.db", "--fix"], 2],
  ["a size that is no number", ["audit.db", "--min-size", "x"], 2],
];

describe.skipIf(!hasOpenssl)("the command tools/verify_audit.py (needs python3 and openssl 3)", () => {
  let answers: readonly Answer[] = [];
  beforeAll(() => {
    answers = pythonForEach(
      LINES.map(([, line]) => line),
      place.directory,
    );
  });

  it.each(LINES.map((line, index) => [...line, index] as const))(
    "answers %s as capfence verify does",
    async (_name, [log = "", ...options], code, index) => {
      const theirs = answers[index];
      const ours = await place.run(["verify", "--audit-log", log, ...options]);
      expect(theirs?.stderr).not.toContain(keys.signer);
      expect([theirs?.code, ours.code]).toEqual([code, code]);
      expect(headline(theirs?.stdout)).toBe(headline(ours.stdout));
      expect(theirs?.stderr === "").toBe(code === 0 || code === 3);
    },
  );

  it("says what an intact log is anchored to", () => {
    const anchored = ["audit.db", "--checkpoint", "earlier", ...VKEY];
    const [{ stdout } = NOTHING, plain = NOTHING] = pythonForEach([anchored, ["audit.db"]], place.directory);
    expect(stdout).toMatch(/^✓ Audit chain intact\. 4 entries verified\.\nLast entry: 4 at .* UTC\.\n/);
    expect(stdout).toContain("\nAnchored to entry 2 by witness; 2 entries after it.\n");
    expect(plain.stdout).toContain("\nUnanchored: a cut tail");
  });

  it("answers several logs in a line of JSON each, with the worst exit code", () => {
    const { code, stdout } = python(["--json", "audit.db", "absent.db", "broken.db"], place.directory);
    const reports = stdout
      .split("\n")
      .slice(0, -1)
      .map((each) => JSON.parse(each) as { readonly path: string; readonly intact?: boolean });
    expect(reports.map(({ path, intact }) => [path, intact])).toEqual([
      ["audit.db", true],
      ["absent.db", undefined],
      ["broken.db", false],
    ]);
    expect(code).toBe(3);
    expect(pythonForEach([["--json", "audit.db", "absent.db"]], place.directory)[0]?.code).toBe(1);
  });

  it("shows what a terminal would obey", () => {
    const { stdout, stderr } = python(["evil\u001b[2J\u202e.db"], place.directory);
    expect(stdout).toBe("");
    expect(stderr).toContain(String.raw`evil\u{1b}[2J\u{202e}.db: there is no such file`);
  });
});

const NOTHING: Answer = { code: null, stdout: "", stderr: "" };

function headline(text: string | undefined): string | undefined {
  return text?.split("\n")[0];
}
