import {
  appendFileSync,
  copyFileSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

import { describe, expect, it, onTestFinished, vi } from "vitest";

import type { Anchor } from "../../src/audit/checkpoints/anchor.ts";
import { makeCheckpoint, openCheckpoint, signCheckpoint } from "../../src/audit/checkpoints/checkpoint.ts";
import { nodeFiles } from "../../src/audit/file/files.ts";
import { LogLock } from "../../src/audit/file/lock.ts";
import { currentOwner, formatOwner } from "../../src/audit/file/owner.ts";
import { PreparedEntry } from "../../src/audit/format/entry.ts";
import { formatLine } from "../../src/audit/format/tail.ts";
import { AuditLog } from "../../src/audit/log.ts";
import { generateKeys, parseSignerKey, parseVerifierKey, signNote } from "../../src/note.ts";
import { listSegments } from "../../src/audit/file/segments.ts";
import { verifyLog } from "../../src/audit/verify.ts";
import { AuditCorruptError, AuditUnavailableError } from "../../src/errors.ts";
import { decision, newLogPath, placeLog, sampleFiles, storedEntries, temporaryDirectory } from "./sample-log.ts";
import { altered, line, rewritten, sha256 } from "./tampering.ts";

const { signer: signerText, verifier: verifierText } = generateKeys("witness");
const signer = parseSignerKey(signerText);
const verifier = parseVerifierKey(verifierText);

/** Entries 0 to 4. */
const { closed, genesis, tail } = await sampleFiles();

function anchorOf(note: string): Anchor {
  return openCheckpoint(note, [verifier]);
}

/** A checkpoint of the first `size` entries at `path`, as one made at that time would be. */
function anchorAt(path: string, size: number): Anchor {
  const { seq, hash, body } = storedEntries(path)[size - 1] ?? { seq: 0, hash: "", body: "{}" };
  const { log } = JSON.parse(body) as { log: string };
  return anchorOf(signCheckpoint(log, { seq, hash }, signer));
}

function renamed(body: string): string {
  return body.replace('"actor":"', '"actor":"un');
}

async function segmentedLog(): Promise<string> {
  const path = newLogPath();
  for (let part = 0; part < 4; part += 1) {
    const log = new AuditLog(path, { files: nodeFiles, now: Date.now, segmentEntries: 5 });
    for (let n = 0; n < 6; n += 1) await log.append(decision());
    await log.close();
  }
  return path;
}

describe("a checkpoint", () => {
  it("is three lines and a signature, and reads back as what it states", () => {
    const log = "0123456789abcdef".repeat(2);
    const note = signCheckpoint(log, { seq: 41, hash: "ff".repeat(32) }, signer);
    const lines = note.split("\n");
    expect(lines.slice(0, 4)).toEqual([`capfence/${log}`, "42", "//////////////////////////////////////////8=", ""]);
    expect(lines).toHaveLength(6);
    expect(anchorOf(note)).toEqual({ log, size: 42, hash: "ff".repeat(32), signedBy: ["witness"] });
  });

  const hash = Buffer.alloc(32, 7).toString("base64");
  it.each([
    ["of something else", `go.sum database tree\n42\n${hash}\n`],
    ["without an origin", `\n42\n${hash}\n`],
    ["of nothing", `capfence/x\n0\n${hash}\n`],
    ["of a number with a zero before it", `capfence/x\n042\n${hash}\n`],
    ["of a negative number", `capfence/x\n-1\n${hash}\n`],
    ["of a number that is too large", `capfence/x\n1234567890123456\n${hash}\n`],
    ["of a number with a space", `capfence/x\n42 \n${hash}\n`],
    ["without a number", `capfence/x\n${hash}\n`],
    ["without a hash", "capfence/x\n42\n"],
    ["with a shorter hash", `capfence/x\n42\n${hash.slice(0, 40)}\n`],
    ["with a longer hash", `capfence/x\n42\nAAAA${hash}\n`],
    ["with a hash in hexadecimal", `capfence/x\n42\n${"07".repeat(32)}\n`],
    ["with a hash without its end", `capfence/x\n42\n${hash.replace("=", "")}\n`],
    ["with a hash and more", `capfence/x\n42\n${hash} more\n`],
  ])("%s is refused, though it is signed", (_name, text) => {
    expect(() => anchorOf(signNote(text, signer))).toThrow(TypeError);
    expect(() => anchorOf(signNote(text, signer))).toThrow("not a checkpoint of a CapFence log");
  });

  it("may go on behind the third line, as C2SP's may", () => {
    const note = signNote(`capfence/x\n42\n${hash}\nanything\n`, signer);
    expect(anchorOf(note)).toMatchObject({ log: "x", size: 42, hash: "07".repeat(32) });
  });
});

describe("making a checkpoint", () => {
  it("states the last entry, of a log that is open and of one that is closed", async () => {
    const path = newLogPath();
    const log = new AuditLog(path);
    for (let n = 1; n <= 3; n += 1) {
      const { seq, hash } = await log.append(decision());
      expect(anchorOf(await makeCheckpoint(path, signer))).toMatchObject({ size: seq + 1, hash, log: log.identity });
    }
    await log.close();
    expect(anchorOf(await makeCheckpoint(path, signer))).toMatchObject({ size: 4 });
  });

  it("passes over an unfinished write", async () => {
    const path = placeLog(genesis, Buffer.concat([tail, Buffer.from("0123")]));
    expect(anchorOf(await makeCheckpoint(path, signer)).size).toBe(5);
  });

  it("is made of nothing that its writer takes back, whose write fails half-way", async () => {
    const path = newLogPath();
    const log = new AuditLog(path);
    const { seq, hash } = await log.append(decision());
    const { size } = statSync(`${path}-tail`);
    // As a writer leaves it that is stopped within the write, before it takes back what there was room for.
    writeFileSync(`${path}-lock`, formatOwner({ ...currentOwner(), host: "elsewhere" }));
    const next = new PreparedEntry({ kind: "policy", policy: "p", previous: "q" });
    appendFileSync(
      `${path}-tail`,
      formatLine(next.follow({ seq, hash }, log.identity ?? "", new Date().toISOString())),
    );
    expect(storedEntries(path)).toHaveLength(seq + 2);
    const looks = vi.spyOn(LogLock.prototype, "inspect");
    onTestFinished(() => looks.mockRestore());
    const making = makeCheckpoint(path, signer);
    await vi.waitFor(() => expect(looks).toHaveBeenCalled());
    truncateSync(`${path}-tail`, size);
    rmSync(`${path}-lock`);
    expect(anchorOf(await making)).toMatchObject({ size: seq + 1, hash });
    await log.close();
  });

  it("is refused where the log's identity would be lines of the checkpoint: it would be one of another log", async () => {
    const forged = JSON.stringify(`${"0".repeat(32)}\n9\n${Buffer.alloc(32).toString("base64")}`);
    const changed = rewritten(closed, 4, (body) => body.replace(/"log":"[0-9a-f]+"/, () => `"log":${forged}`));
    await expect(makeCheckpoint(placeLog(changed), signer)).rejects.toMatchObject({
      code: "ERR_AUDIT_CORRUPT",
      seq: 4,
    });
  });

  it("is refused where there is no log, or its last entry is damaged", async () => {
    await expect(makeCheckpoint(join(temporaryDirectory(), "absent.db"), signer)).rejects.toSatisfy((error) =>
      AuditUnavailableError.isInstance(error),
    );
    const damaged = altered(closed, "UPDATE entries SET hash = 'x' WHERE seq = 4");
    await expect(makeCheckpoint(placeLog(damaged), signer)).rejects.toSatisfy((error) =>
      AuditCorruptError.isInstance(error),
    );
  });
});

describe("a log held against checkpoints", () => {
  it("of each of its entries is anchored there, however long it has become", async () => {
    for (const [database, rest] of [
      [closed, undefined],
      [genesis, tail],
      [closed, tail],
    ] as const) {
      const path = placeLog(database, rest);
      for (let size = 1; size <= 5; size += 1) {
        const report = await verifyLog(path, { anchors: [anchorAt(path, size)] });
        expect(report).toMatchObject({ intact: true, anchor: { seq: size - 1, signedBy: ["witness"] } });
      }
    }
  });

  it("is anchored to the latest of several, in whatever order they are given", async () => {
    const path = placeLog(closed);
    for (const sizes of [
      [2, 4, 3],
      [4, 3, 2],
    ]) {
      const anchors = sizes.map((size) => anchorAt(path, size));
      expect(await verifyLog(path, { anchors })).toMatchObject({ intact: true, anchor: { seq: 3 } });
    }
  });

  it("shows every cut, of the database and of the tail, that the chain alone does not show", async () => {
    for (let kept = 1; kept <= 4; kept += 1) {
      const cutDatabase = altered(closed, `DELETE FROM entries WHERE seq >= ${kept}`);
      const lines = tail.toString("utf8").split("\n").slice(0, kept);
      const cutTail = kept === 1 ? undefined : Buffer.from(`${lines.join("\n")}\n`);
      for (const path of [placeLog(cutDatabase), placeLog(genesis, cutTail)]) {
        expect((await verifyLog(path)).intact).toBe(true);
        for (let size = 1; size <= 5; size += 1) {
          const { intact, problems } = await verifyLog(path, { anchors: [anchorAt(placeLog(closed, tail), size)] });
          expect(intact, `${kept} of ${size}`).toBe(size <= kept);
          if (size > kept) expect(problems).toHaveLength(1);
          if (size > kept) expect(problems[0]).toMatchObject({ seq: kept, what: expect.stringMatching(/are missing/) });
        }
      }
    }
  });

  it("shows a log that was put back as it was earlier", async () => {
    const path = newLogPath();
    const earlier = join(dirname(path), "earlier");
    for (let part = 0; part < 2; part += 1) {
      const log = new AuditLog(path);
      for (let n = 0; n < 3; n += 1) await log.append(decision());
      await log.close();
      if (part === 0) copyFileSync(path, earlier);
    }
    const anchor = anchorOf(await makeCheckpoint(path, signer));
    expect(await verifyLog(path, { anchors: [anchor] })).toMatchObject({ intact: true, anchor: { seq: 6 } });
    renameSync(earlier, path);
    expect(await verifyLog(path)).toMatchObject({ intact: true, entries: 3 });
    const { intact, problems } = await verifyLog(path, { anchors: [anchor] });
    expect(intact).toBe(false);
    expect(problems).toEqual([{ seq: 4, what: "entries 4 to 6 are missing: a checkpoint covers them" }]);
  });

  it("shows entries that were made anew with hashes that fit, from the changed one on, whatever follows", async () => {
    const original = placeLog(closed);
    for (const changed of [1, 3]) {
      const path = placeLog(rewritten(closed, changed, renamed, "onwards"));
      expect((await verifyLog(path)).intact).toBe(true);
      for (let size = 1; size <= 5; size += 1) {
        const { intact, problems } = await verifyLog(path, { anchors: [anchorAt(original, size)] });
        expect(intact).toBe(size <= changed);
        if (!intact) expect(problems).toMatchObject([{ seq: size - 1, what: expect.stringMatching(/made anew/) }]);
      }
    }
  });

  it("shows a log that was begun anew, or another one in its place", async () => {
    const { closed: other } = await sampleFiles();
    const path = placeLog(other);
    for (let size = 1; size <= 6; size += 1) {
      const anchor = { ...anchorAt(placeLog(closed), Math.min(size, 5)), size };
      const { intact, problems } = await verifyLog(path, { anchors: [anchor] });
      expect(intact).toBe(false);
      expect(problems).toEqual([{ what: "a checkpoint was made of another log" }]);
    }
  });

  it("shows entries of another log among its own", async () => {
    const { tail: other } = await sampleFiles();
    const foreign = other.toString("utf8").split("\n")[1] ?? "";
    const own = tail.toString("utf8").split("\n").slice(0, -1);
    const anchors = [anchorAt(placeLog(closed), 5)];
    const spliced = [...own.slice(0, 1), foreign, ...own.slice(2)].map((each) => `${each}\n`).join("");
    const { problems } = await verifyLog(placeLog(genesis, Buffer.from(spliced)), { anchors });
    expect(problems[0]).toEqual({ seq: 1, what: "it belongs to another log" });
  });

  it("is not anchored by an entry that is damaged", async () => {
    const path = placeLog(altered(closed, "UPDATE entries SET body = body || ' ' WHERE seq = 4"));
    const report = await verifyLog(path, { anchors: [anchorAt(placeLog(closed), 5)] });
    expect(report.problems[0]).toMatchObject({ seq: 4 });
    expect(report.anchor).toBeUndefined();
  });

  it.each([
    [0, undefined, true],
    [5, undefined, true],
    [6, undefined, false],
    [5, 5, true],
    [4, 3, false],
    [3, 3, true],
    [6, 5, false],
  ])("of which %d entries are asked for, under a checkpoint of %s, answers %s", async (minSize, size, intact) => {
    const path = placeLog(closed);
    const anchors = size === undefined ? [] : [anchorAt(path, size)];
    const report = await verifyLog(path, { anchors, minSize });
    expect(report.intact).toBe(intact);
    const who = size === undefined ? "it has 5" : `the checkpoints vouch for ${size}`;
    expect(report.problems).toEqual(intact ? [] : [{ what: `${who} entries, and ${minSize} are asked for` }]);
  });
});

describe("a log in segments", () => {
  it("is anchored in a segment, at its edges and behind it", async () => {
    const path = await segmentedLog();
    const second = listSegments(nodeFiles, path)[1]?.first ?? 0;
    for (const size of [1, second, second + 1, second + 2, storedEntries(path).length]) {
      expect(await verifyLog(path, { anchors: [anchorAt(path, size)] })).toMatchObject({
        intact: true,
        anchor: { seq: size - 1 },
      });
    }
  });

  it("is not anchored by a checkpoint of what lies elsewhere, and is again when that is put back", async () => {
    const path = await segmentedLog();
    const [first, second] = listSegments(nodeFiles, path);
    if (first === undefined || second === undefined) throw new Error("too few segments");
    const early = anchorAt(path, 3);
    const named = anchorAt(path, second.first + 1);
    const naming = anchorAt(path, storedEntries(path).findIndex(({ body }) => body.includes('"kind":"segment"')) + 1);
    const { last } = await verifyLog(path);
    const late = anchorAt(path, (last?.seq ?? 0) + 1);
    renameSync(first.path, join(dirname(path), "archived"));
    const report = await verifyLog(path, { anchors: [early] });
    expect(report).toMatchObject({ intact: false, from: second.first });
    expect(report.problems).toEqual([{ what: expect.stringContaining("only entries that are absent") as string }]);
    expect(report.anchor).toBeUndefined();
    expect((await verifyLog(path, { anchors: [early], minSize: 1 })).problems.at(-1)).toEqual({
      what: "the checkpoints vouch for 0 entries, and 1 are asked for",
    });
    // The entry that names the absent segment lies behind this checkpoint: anyone could have added it.
    expect((await verifyLog(path, { anchors: [named] })).problems).toEqual([
      { seq: expect.any(Number) as number, what: expect.stringContaining("excuses entries that are absent") as string },
    ]);
    expect(await verifyLog(path, { anchors: [naming] })).toMatchObject({
      intact: true,
      anchor: { seq: naming.size - 1 },
    });
    expect(await verifyLog(path, { anchors: [early, late] })).toMatchObject({
      intact: true,
      from: second.first,
      anchor: { seq: last?.seq },
    });
    renameSync(join(dirname(path), "archived"), first.path);
    expect(await verifyLog(path, { anchors: [early] })).toMatchObject({ intact: true, anchor: { seq: 2 } });
  });

  it("shows a segment whose entries were made anew", async () => {
    const path = await segmentedLog();
    const anchor = anchorAt(path, 3);
    const [first] = listSegments(nodeFiles, path);
    if (first === undefined) throw new Error("no segment");
    writeFileSync(first.path, rewritten(readFileSync(first.path), 1, renamed, "onwards"));
    const { problems } = await verifyLog(path, { anchors: [anchor] });
    expect(problems[0]).toMatchObject({ seq: 2, what: expect.stringMatching(/made anew/) });
  });
});

describe("a checkpoint of an entry that is in a tail", () => {
  it("holds when the same entry is in the database, and not when another is", async () => {
    const path = placeLog(genesis, tail);
    const anchor = anchorAt(path, 5);
    expect((await verifyLog(placeLog(closed), { anchors: [anchor] })).intact).toBe(true);
    const [last] = storedEntries(path).slice(-1);
    if (last === undefined) throw new Error("no entries");
    const body = renamed(last.body);
    const lines = tail.toString("utf8").split("\n").slice(0, 4).join("\n");
    const changed = Buffer.from(`${lines}\n${line({ hash: sha256(body), body })}`);
    expect((await verifyLog(placeLog(genesis, changed))).intact).toBe(true);
    const { problems } = await verifyLog(placeLog(genesis, changed), { anchors: [anchor] });
    expect(problems).toMatchObject([{ seq: 4, what: expect.stringMatching(/made anew/) }]);
  });
});
