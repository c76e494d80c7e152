import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { readCheckpointFile, replaceCheckpointFile } from "../../src/audit/checkpoints/checkpoint-file.ts";
import { contradictionOf, makeCheckpoint, signCheckpoint } from "../../src/audit/checkpoints/checkpoint.ts";
import type { StoredEntry } from "../../src/audit/format/entry.ts";
import { generateKeys, parseSignerKey } from "../../src/note.ts";
import { placeLog, sampleFiles, temporaryDirectory } from "./sample-log.ts";
import { altered } from "./tampering.ts";

const LOG = "0123456789abcdef".repeat(2);
const OTHER_LOG = "f".repeat(32);
const { genesis } = await sampleFiles();
const signer = parseSignerKey(generateKeys("witness").signer);

function hashOf(seq: number): string {
  return String(seq).repeat(64);
}

function proven(what: string): unknown {
  return { what, isProven: true };
}

function file(): string {
  return join(temporaryDirectory(), "checkpoint");
}

describe("a file for a checkpoint", () => {
  it("gives back what was put there, and is put in the place of an older one", () => {
    const path = file();
    for (const seq of [1, 2]) {
      const former = readCheckpointFile(path, signer);
      const note = signCheckpoint(LOG, { seq, hash: hashOf(seq) }, signer);
      expect(replaceCheckpointFile(path, note, signer, former)).toBe(true);
      const read = readCheckpointFile(path, signer);
      expect(read).toEqual({ log: LOG, size: seq + 1, hash: hashOf(seq), signedBy: ["witness"] });
    }
    expect(readdirSync(join(path, ".."))).toEqual(["checkpoint"]);
  });

  it("can be read by others, as far as the user's mask allows", () => {
    const path = file();
    replaceCheckpointFile(path, "note", signer, undefined);
    expect(statSync(path).mode & 0o777).toBe(0o644 & ~process.umask());
  });

  it("holds none when it is absent or empty", () => {
    const path = file();
    expect(readCheckpointFile(path, signer)).toBeUndefined();
    writeFileSync(path, "");
    expect(readCheckpointFile(path, signer)).toBeUndefined();
  });

  it("that can't be read is not taken for an absent one", () => {
    const path = file();
    mkdirSync(path);
    expect(() => readCheckpointFile(path, signer)).toThrow(/EISDIR|not a regular file|directory/);
  });

  it.each([
    ["text", "somebody's notes"],
    [
      "a checkpoint of another key",
      signCheckpoint(LOG, { seq: 1, hash: hashOf(1) }, parseSignerKey(generateKeys("witness").signer)),
    ],
  ])("that holds %s is refused, with the reason behind it", (_name, text) => {
    const path = file();
    writeFileSync(path, text);
    const read = (): unknown => readCheckpointFile(path, signer);
    expect(read).toThrow(
      expect.objectContaining({
        message: `${path}: it is not a checkpoint that witness signed, and is not replaced. Name another file`,
        cause: expect.any(TypeError) as unknown,
      }),
    );
    expect(readFileSync(path, "utf8")).toBe(text);
  });

  it("leaves nothing beside it when it can't be written", () => {
    const path = file();
    mkdirSync(path);
    expect(() => replaceCheckpointFile(path, "note", signer, undefined)).toThrow(/EISDIR|not a regular file|directory/);
    expect(readdirSync(join(path, ".."))).toEqual(["checkpoint"]);
    const absent = join(path, "absent", "checkpoint");
    expect(() => replaceCheckpointFile(absent, "note", signer, undefined)).toThrow("ENOENT");
  });

  it.each<[string, () => string]>([
    ["another checkpoint", () => signCheckpoint(LOG, { seq: 2, hash: hashOf(2) }, signer)],
    ["none any more", () => ""],
  ])("stays as it is when it holds %s by now", (_name, note) => {
    const path = file();
    writeFileSync(path, signCheckpoint(LOG, { seq: 1, hash: hashOf(1) }, signer));
    const former = readCheckpointFile(path, signer);
    const now = note();
    writeFileSync(path, now);
    expect(replaceCheckpointFile(path, "note", signer, former)).toBe(false);
    expect(readFileSync(path, "utf8")).toBe(now);
    expect(readdirSync(join(path, ".."))).toEqual(["checkpoint"]);
  });
});

describe("a log, held against a checkpoint of its first three entries,", () => {
  const anchor = { log: LOG, size: 3, hash: hashOf(2), signedBy: ["witness"] };
  it.each<readonly [string, readonly (readonly [seq: number, hash?: string, log?: string])[], unknown]>([
    ["that ends there agrees", [[2], [1]], undefined],
    ["that goes on agrees", [[4], [3], [2]], undefined],
    ["that is another log", [[4, hashOf(4), OTHER_LOG], [3], [2]], proven("is another log")],
    ["that ended before", [[1], [0]], proven("ends at entry 1, and once had entry 2")],
    ["that was made anew", [[3], [2, hashOf(7)]], proven("was made anew: it had another entry 2")],
    [
      "whose first entries lie elsewhere",
      [[4], [3]],
      { what: "has its entry 2 elsewhere, so the two can't be compared", isProven: false },
    ],
  ])("%s", async (_name, entries, contradiction) => {
    const latestFirst = async function* (): AsyncGenerator<StoredEntry> {
      for (const [seq, hash = hashOf(seq), log = LOG] of entries) {
        yield { seq, hash, body: "", entry: { seq, log } as unknown as StoredEntry["entry"] };
      }
    };
    expect(await contradictionOf(anchor, latestFirst())).toEqual(contradiction);
  });
});

it("a log without entries has no checkpoint", async () => {
  const path = placeLog(altered(genesis, "DELETE FROM entries"));
  await expect(makeCheckpoint(path, signer)).rejects.toMatchObject({
    code: "ERR_AUDIT_CORRUPT",
    message: expect.stringContaining("it has no entries") as string,
  });
});
