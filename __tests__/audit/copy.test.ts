import { describe, expect, it } from "vitest";

import { copyLog } from "../../src/audit/copy.ts";
import { nodeFiles } from "../../src/audit/files.ts";
import { AuditLog } from "../../src/audit/log.ts";
import { verifyLog } from "../../src/audit/verify.ts";
import { AuditCorruptError, AuditUnavailableError } from "../../src/errors.ts";
import { Workplace } from "../cli/captured-host.ts";
import { decision, newLogPath, writeSample } from "./sample-log.ts";
import { database, newPostgresLog, stores } from "./stores.ts";

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

/** A log with two segments. */
async function segmented(): Promise<string> {
  const path = newLogPath();
  const log = new AuditLog(path, { files: nodeFiles, now: Date.now, segmentEntries: 4 });
  for (let n = 0; n < 10; n += 1) await log.append(decision());
  await log.close();
  return path;
}

describe("copying a log with sealed segments", () => {
  it.skipIf(database === undefined)("into PostgreSQL takes all of it", async () => {
    const [from, to] = [await segmented(), newPostgresLog(database)];
    const { entries } = await copyLog(from, to);
    expect(await postgres.stored(to)).toEqual(await files.stored(from));
    expect(await verifyLog(to)).toMatchObject({ intact: true, entries: 10, last: { seq: entries - 1 } });
  });

  it("into a file is refused: the segments it names would not be there", async () => {
    const to = newLogPath();
    await expect(copyLog(await segmented(), to)).rejects.toSatisfy(unavailable("segment"));
    await expect(verifyLog(to)).rejects.toSatisfy(unavailable("no such file"));
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
