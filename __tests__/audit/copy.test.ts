import { linkSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { copyLog } from "../../src/audit/copy.ts";
import { nodeFiles } from "../../src/audit/file/files.ts";
import { AuditLog } from "../../src/audit/log.ts";
import { listSegments, segmentPath } from "../../src/audit/file/segments.ts";
import { verifyLog } from "../../src/audit/verify.ts";
import { AuditCorruptError, AuditUnavailableError } from "../../src/errors.ts";
import { Workplace } from "../cli/captured-host.ts";
import { hasPython, ourVerdict, theirVerdicts } from "./both-verifiers.ts";
import { decision, newLogPath, placeLog, sampleFiles, writeSample } from "./sample-log.ts";
import { logDatabase, newPostgresLog, stores } from "./stores.ts";
import { altered } from "./tampering.ts";

const database = await logDatabase();

const unavailable =
  (text: string) =>
  (error: unknown): boolean =>
    AuditUnavailableError.isInstance(error) && error.message.includes(text);

const [files, postgres] = stores;

describe.each([
  ["from a file to a file", files, files],
  ["from a file to PostgreSQL", files, postgres],
  ["from PostgreSQL to a file", postgres, files],
  ["from PostgreSQL to PostgreSQL", postgres, postgres],
])("copying %s", (_name, source, target) => {
  const isThere = (source === files && target === files) || database !== undefined;

  it.skipIf(!isThere)("changes nothing, and the copy goes on as a log of its own", async () => {
    const [from, to] = [source.newLog(), target.newLog()];
    await (await writeSample(from)).close();
    const before = await source.stored(from);
    // A database knows each log by its identity once, or two copies could go on in two ways.
    if (source === postgres && target === postgres) {
      await expect(copyLog(from, to)).rejects.toSatisfy(unavailable("there already"));
      return;
    }
    expect(await copyLog(from, to)).toEqual({ entries: 5, head: { seq: 4, hash: before[4]?.hash } });
    expect(await target.stored(to)).toEqual(before);
    expect(await source.stored(from)).toEqual(before);
    const log = new AuditLog(to);
    expect(await log.append(decision())).toMatchObject({ seq: 5 });
    await log.close();
    expect(await verifyLog(to)).toMatchObject({ intact: true, entries: 5 });
  });

  it.skipIf(!isThere)("is refused where there is a log", async () => {
    const [from, to] = [source.newLog(), target.newLog()];
    for (const each of [from, to]) await (await writeSample(each)).close();
    const there = await target.stored(to);
    await expect(copyLog(from, to)).rejects.toSatisfy(unavailable("there already"));
    expect(await target.stored(to)).toEqual(there);
  });

  it.skipIf(!isThere)("is refused of a log that is not intact, and leaves nothing", async () => {
    const [from, to] = [source.newLog(), target.newLog()];
    await (await writeSample(from)).close();
    await source.replace(from, (await source.stored(from)).toSpliced(2, 1));
    await expect(copyLog(from, to)).rejects.toSatisfy(
      (error) => AuditCorruptError.isInstance(error) && error.seq === 2,
    );
    await expect(verifyLog(to)).rejects.toSatisfy(unavailable(""));
  });
});

describe("copying a log that is not intact", () => {
  it.each([
    ["an entry", "UPDATE entries SET hash = 'x' WHERE seq = 3", "entry 3: its text and its hash do not agree", 3],
    ["all of it", "DELETE FROM entries", "it has no entries", undefined],
  ])("names what is wrong with %s", async (_name, work, what, seq) => {
    const { closed } = await sampleFiles();
    const path = placeLog(altered(closed, work));
    const copying = copyLog(path, newLogPath());
    const detail = seq === undefined ? {} : { seq };
    await expect(copying).rejects.toThrow(new AuditCorruptError(path, `${what}. Run capfence verify`, detail));
  });
});

const SMALL = { files: nodeFiles, now: Date.now, segmentEntries: 4 };

/** Appends to the log at `path`, in small segments. */
async function extend(path: string, entries: number): Promise<void> {
  const log = new AuditLog(path, SMALL);
  for (let n = 0; n < entries; n += 1) await log.append(decision());
  await log.close();
}

/** A log with segments. */
async function segmented(): Promise<string> {
  const path = newLogPath();
  await extend(path, 10);
  expect(listSegments(nodeFiles, path).length).toBeGreaterThan(1);
  return path;
}

/** Both verifiers say that all of a log is there. */
async function expectWhole(path: string, entries: number): Promise<void> {
  const verdict = await ourVerdict(path, []);
  expect(verdict).toMatchObject({ entries, from: undefined });
  if (hasPython) expect(theirVerdicts([path], [])).toEqual([verdict]);
}

describe("copying a log with sealed segments", () => {
  it.skipIf(database === undefined)("into PostgreSQL and back takes all of it", async () => {
    const [from, to, back] = [await segmented(), newPostgresLog(database), newLogPath()];
    const { entries } = await copyLog(from, to);
    expect(await postgres.stored(to)).toEqual(await files.stored(from));
    expect(await verifyLog(to)).toMatchObject({ intact: true, entries: 10, last: { seq: entries - 1 } });
    await copyLog(to, back);
    expect(await files.stored(back)).toEqual(await files.stored(from));
    await expectWhole(back, 10);
  });

  it("into a file makes one whole file, which goes on and is sealed like any other", async () => {
    const [from, to] = [await segmented(), newLogPath()];
    await copyLog(from, to);
    const copied = await files.stored(from);
    expect(await files.stored(to)).toEqual(copied);
    expect(listSegments(nodeFiles, to)).toEqual([]);
    for (const entries of [11, 12, 17, 30]) {
      await extend(to, entries - (await verifyLog(to)).entries);
      await expectWhole(to, entries);
      expect((await files.stored(to)).slice(0, copied.length)).toEqual(copied);
    }
    expect(listSegments(nodeFiles, to).length).toBeGreaterThan(3);
  });

  it("into a file that a crash stops while it is sealed, loses nothing", async () => {
    const path = newLogPath();
    // One segment: the name in its entry is the one that the whole copy gets when it is sealed.
    await extend(path, 5);
    const to = newLogPath();
    await copyLog(path, to);
    const { log } = JSON.parse((await files.stored(to))[0]?.body ?? "") as { readonly log: string };
    linkSync(to, segmentPath(to, log, 0));
    await expectWhole(to, 5);
    await extend(to, 7);
    await expectWhole(to, 12);
  });

  it("does not excuse a segment that was changed", async () => {
    const to = newLogPath();
    await copyLog(await segmented(), to);
    await extend(to, 10);
    const [first, second] = listSegments(nodeFiles, to);
    const sealed = first?.path ?? "";
    const bytes = readFileSync(sealed);
    // The counter of changes, which is nothing that SQLite would show (its file format, 1.3.7).
    bytes[27] = (bytes[27] ?? 0) ^ 1;
    writeFileSync(sealed, bytes);
    expect(await verifyLog(to)).toMatchObject({
      intact: false,
      problems: [{ what: expect.stringContaining("is not the file") as string }],
    });
    unlinkSync(sealed);
    expect(await verifyLog(to)).toMatchObject({ intact: true, from: second?.first });
  });

  it("whose first ones lie elsewhere takes what is there", async () => {
    const from = await segmented();
    unlinkSync(listSegments(nodeFiles, from)[0]?.path ?? "");
    const to = newLogPath();
    await copyLog(from, to);
    expect(await files.stored(to)).toEqual(await files.stored(from));
    const before = await verifyLog(from);
    expect(before.from).toBe(4);
    expect(await verifyLog(to)).toEqual(before);
    await extend(to, 9);
    expect(await verifyLog(to)).toMatchObject({ intact: true, from: 4, entries: before.entries + 9 });
  });
});

describe("capfence copy", () => {
  it("says what it copied, and refuses what it can't", async () => {
    using place = new Workplace();
    await (await writeSample(place.path("audit.db"))).close();
    expect(await place.run(["copy", "audit.db", "copy.db"])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Copied and verified 5 entries. The last is 4, [0-9a-f]{64}.\n$/) as string,
    });
    expect(await place.run(["verify", "--audit-log", "copy.db"])).toMatchObject({ code: 0 });
    expect(await place.run(["copy", "audit.db", "copy.db"])).toMatchObject({ code: 1, stdout: "" });
    expect(await place.run(["copy", "none.db", "other.db"])).toMatchObject({ code: 1 });
    expect(await place.run(["copy", "audit.db"])).toMatchObject({ code: 2 });
  });
});
