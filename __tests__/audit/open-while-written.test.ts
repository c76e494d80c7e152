import { appendFileSync, readFileSync, renameSync, truncateSync, writeFileSync } from "node:fs";

import { describe, expect, it, onTestFinished } from "vitest";

import { nodeFiles, type AuditFiles } from "../../src/audit/file/files.ts";
import { LogWriter } from "../../src/audit/file/writer.ts";
import { PreparedEntry } from "../../src/audit/format/entry.ts";
import { formatLine } from "../../src/audit/format/tail.ts";
import { verifyLog } from "../../src/audit/verify.ts";
import { AuditCorruptError } from "../../src/errors.ts";
import { watchedLock } from "./read-under-lock.ts";
import { decision, expectOneChain, filesBeside, newLogPath } from "./sample-log.ts";

async function open(path: string, files: AuditFiles = nodeFiles): Promise<LogWriter> {
  const writer = await LogWriter.open(path, { files, now: Date.now });
  onTestFinished(async () => await writer.close().catch(() => {}));
  return writer;
}

/** The real file system; once, when a writer is about to take the log's lock, something else happens first. */
function interrupted(path: string, meanwhile: () => void): AuditFiles {
  let isOver = false;
  return {
    ...nodeFiles,
    link(existing, created) {
      if (created === `${path}-lock` && !isOver) {
        isOver = true;
        meanwhile();
      }
      nodeFiles.link(existing, created);
    },
  };
}

/** A log of some entries in its database and more in its tail, and its files at several times. */
async function longLog() {
  const path = newLogPath();
  const first = await open(path);
  for (let n = 0; n < 5; n += 1) await first.append(decision());
  await first.close();
  const second = await open(path);
  await second.append(decision());
  const files = () => ({ tail: readFileSync(`${path}-tail`), database: readFileSync(path) });
  const early = files();
  for (let n = 0; n < 5; n += 1) await second.append(decision());
  const late = files();
  await second.close();
  return { path, early, late, folded: readFileSync(path) };
}

function put(path: string, bytes: Uint8Array): void {
  writeFileSync(`${path}.new`, bytes);
  renameSync(`${path}.new`, path);
}

describe("a log that is opened while others write to it", () => {
  it("is read before its lock is taken", async () => {
    const { path, late } = await longLog();
    put(`${path}-tail`, late.tail);
    const { files, readUnderLock } = watchedLock(path, 1_000);
    const writer = await LogWriter.open(path, { files, now: Date.now });
    expect(readUnderLock).toEqual([]);
    await writer.append(decision());
    await writer.close();
    expect(await verifyLog(path)).toMatchObject({ intact: true, entries: 12 });
  });

  it.each<readonly [string, number, (path: string, log: Awaited<ReturnType<typeof longLog>>) => void]>([
    ["entries are appended", 12, (path, { late }) => writeFileSync(`${path}-tail`, late.tail)],
    [
      "everything is folded",
      12,
      (path, { folded }) => {
        put(path, folded);
        renameSync(`${path}-tail`, `${path}.gone`);
      },
    ],
    [
      "a fold is cut short",
      12,
      (path, { folded, late }) => {
        put(`${path}-tail`, late.tail);
        put(path, folded);
      },
    ],
  ])("is read on with what has come before the lock was had: %s", async (_, entries, meanwhile) => {
    const log = await longLog();
    const { path, early } = log;
    put(path, early.database);
    put(`${path}-tail`, early.tail);
    const writer = await open(
      path,
      interrupted(path, () => meanwhile(path, log)),
    );
    await writer.append(decision());
    await writer.close();
    expect(await verifyLog(path)).toMatchObject({ intact: true, problems: [], entries });
    expectOneChain(path);
  });

  it("is made by the other when both are first", async () => {
    const { folded } = await longLog();
    const path = newLogPath();
    const writer = await open(
      path,
      interrupted(path, () => put(path, folded)),
    );
    await writer.append(decision());
    await writer.close();
    expect(await verifyLog(path)).toMatchObject({ intact: true, entries: 12 });
  });

  it("is read anew when what was read last has been taken back, and something as long stands there", async () => {
    const { path, late, early } = await longLog();
    put(path, early.database);
    put(`${path}-tail`, late.tail);
    const lines = late.tail.toString("utf8").trimEnd().split("\n");
    const { log } = JSON.parse(lines[0]?.slice(65) ?? "") as { readonly log: string };
    const head = { seq: 10, hash: lines.at(-2)?.slice(0, 64) ?? "" };
    const [one, other] = ["1", "2"].map((policy) => {
      const entry = new PreparedEntry({ kind: "policy", policy, previous: "0" });
      return formatLine(entry.follow(head, log, new Date().toISOString()));
    }) as [string, string];
    expect(one.length).toBe(other.length);
    const before = late.tail.length - (lines.at(-1)?.length ?? 0) - 1;
    truncateSync(`${path}-tail`, before);
    appendFileSync(`${path}-tail`, one);
    const writer = await open(
      path,
      interrupted(path, () => {
        truncateSync(`${path}-tail`, before);
        appendFileSync(`${path}-tail`, other);
      }),
    );
    await writer.append(decision());
    await writer.close();
    expect(await verifyLog(path)).toMatchObject({ intact: true, problems: [], entries: 11 });
    expect(expectOneChain(path)).toHaveLength(13);
  });

  it("is refused when it was damaged before the lock was had", async () => {
    const { path, early, late } = await longLog();
    put(path, early.database);
    put(`${path}-tail`, late.tail);
    const damage = (): void => appendFileSync(`${path}-tail`, "else\n");
    await expect(open(path, interrupted(path, damage))).rejects.toThrow(AuditCorruptError);
    expect(filesBeside(path).filter((name) => name.includes("-owner."))).toEqual([]);
  });

  it("leaves an unfinished write to whoever has the lock", async () => {
    const { path, early, late } = await longLog();
    put(path, early.database);
    const cut = late.tail.length - 20;
    put(`${path}-tail`, late.tail.subarray(0, cut));
    // The other one's write, of which the half was seen, is done by then.
    const finish = (): void => appendFileSync(`${path}-tail`, late.tail.subarray(cut));
    const writer = await open(path, interrupted(path, finish));
    await writer.append(decision());
    await writer.close();
    expect(filesBeside(path)).toEqual(["audit.db"]);
    expect(await verifyLog(path)).toMatchObject({ intact: true, problems: [], entries: 12 });
  });
});
