import { appendFileSync } from "node:fs";

import { describe, expect, it, onTestFinished } from "vitest";

import { nodeFiles, type AuditFiles } from "../../src/audit/file/files.ts";
import { fold } from "../../src/audit/file/fold.ts";
import type { FoldContext } from "../../src/audit/file/fold-context.ts";
import { doLater, doNow } from "../../src/audit/file/steps.ts";
import { LogWriter } from "../../src/audit/file/writer.ts";
import { verifyLog } from "../../src/audit/verify.ts";
import { appendTo, contextOf } from "./fold-context.ts";
import { prepared, request } from "./recorded-approvals.ts";
import { decision, expectOneChain, newLogPath } from "./sample-log.ts";

const noRoom = (): Error => Object.assign(new Error("on purpose"), { code: "ENOSPC" });

describe("a log whose fold is interrupted", () => {
  it("goes on behind what another process has appended, when its unfinished write could not be set apart at first", async () => {
    const path = newLogPath();
    let isFull = false;
    const files: AuditFiles = {
      ...nodeFiles,
      create(name, like) {
        if (isFull && name.includes("-torn.")) throw noRoom();
        return nodeFiles.create(name, like);
      },
    };
    const context: FoldContext = { ...(await contextOf(path, files)), files };
    await appendTo(context, decision());
    const other = await contextOf(path);
    await appendTo(other, decision());
    appendFileSync(`${path}-tail`, "ab12");
    isFull = true;
    await expect(doLater(fold(context))).rejects.toThrow("on purpose");
    isFull = false;
    await appendTo(context, decision());
    await doLater(fold(context));
    expect(expectOneChain(path)).toHaveLength(4);
    expect(await verifyLog(path)).toMatchObject({ intact: true, problems: [], entries: 3 });
  });

  it("is not accused when another process folds, seals and folds before its database is read", async () => {
    const path = newLogPath();
    let meanwhile: (() => void) | undefined;
    const interrupt = (): void => {
      const work = meanwhile;
      meanwhile = undefined;
      work?.();
    };
    const files: AuditFiles = {
      ...nodeFiles,
      readFile(name) {
        if (name === path) interrupt();
        return nodeFiles.readFile(name);
      },
      read(fd, start, end, space) {
        if (start === 0 && end > 4_096) interrupt();
        return nodeFiles.read(fd, start, end, space);
      },
    };
    const context = { ...(await contextOf(path, files)), segmentEntries: 10 };
    const other = { ...(await contextOf(path)), segmentEntries: 10 };
    for (let n = 0; n < 25; n += 1) await appendTo(context, decision());
    // The tail is read first, under the lock.
    meanwhile = () => {
      meanwhile = () => doNow(fold(other));
    };
    await doLater(fold(context));
    expect(meanwhile).toBeUndefined();
    expect(await verifyLog(path)).toMatchObject({ intact: true, problems: [] });
  });

  it("carries on what is open by its entries alone, when the entry that names a segment could not be written at first", async () => {
    const path = newLogPath();
    const clock = { ms: Date.parse("2026-01-15T10:00:00.000Z") };
    const timestamp = (): string => new Date(clock.ms).toISOString();
    const later = (seconds: number): string => new Date(clock.ms + seconds * 1000).toISOString();
    let isFull = false;
    const files: AuditFiles = {
      ...nodeFiles,
      append(fd, data) {
        if (isFull && data.length < 8_000 && Buffer.from(data).includes('"kind":"segment"')) throw noRoom();
        nodeFiles.append(fd, data);
      },
    };
    const context = { ...(await contextOf(path, files)), segmentEntries: 10, timestamp };
    await appendTo(context, prepared(request(0, "late", { expires: later(20) })));
    await appendTo(context, prepared(request(0, "early", { expires: later(10) })));
    for (let n = 0; n < 9; n += 1) await appendTo(context, decision());
    clock.ms += 15_000;
    isFull = true;
    await expect(doLater(fold(context))).rejects.toThrow("on purpose");
    isFull = false;
    clock.ms += 15_000;
    await doLater(fold(context));
    for (let n = 0; n < 9; n += 1) await appendTo(context, decision());
    await doLater(fold(context));
    expect(await verifyLog(path)).toMatchObject({ intact: true, problems: [] });
  });
});

it("a log that can't be opened leaves no file open", async () => {
  const path = newLogPath();
  const first = await LogWriter.open(path, { files: nodeFiles, now: Date.now });
  onTestFinished(async () => await first.close());
  await first.append(decision());
  const open = new Set<number>();
  const opened = (fd: number): number => {
    open.add(fd);
    return fd;
  };
  const files: AuditFiles = {
    ...nodeFiles,
    create: (name, like) => opened(nodeFiles.create(name, like)),
    openAppend: (name) => opened(nodeFiles.openAppend(name)),
    openRead: (name) => opened(nodeFiles.openRead(name)),
    close(fd) {
      expect(open.delete(fd)).toBe(true);
      nodeFiles.close(fd);
    },
    list() {
      throw noRoom();
    },
  };
  await expect(LogWriter.open(path, { files, now: Date.now })).rejects.toThrow("the disk is full");
  expect(open).toEqual(new Set());
});
