import { linkSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";

import { afterEach, describe, expect, it, vi } from "vitest";

import { nodeFiles, type AuditFiles } from "../../src/audit/file/files.ts";
import { LockHeldError } from "../../src/audit/file/lock.ts";
import { currentOwner, formatOwner } from "../../src/audit/file/owner.ts";
import { LogWriter } from "../../src/audit/file/writer.ts";
import { AuditCorruptError, AuditUnavailableError } from "../../src/errors.ts";
import { FaultyFiles, type Fault } from "./faulty-files.ts";
import { nonceOf } from "./nonce.ts";
import { decision, expectOneChain, filesBeside, newLogPath, query } from "./sample-log.ts";
import { altered } from "./tampering.ts";

const IDLE_MS = 1_000;
/** By then at the latest. */
const LATEST_MS = 1_500;

async function open(path: string, files = nodeFiles): Promise<LogWriter> {
  return await LogWriter.open(path, { files, now: Date.now });
}

/** Entries that have reached the database file. */
function rowsIn(path: string): number {
  return Number(query(path, "SELECT count(*) FROM entries")[0]?.[0]);
}

/** Lets others run until this is so. */
async function until(isSo: () => boolean): Promise<void> {
  for (let turns = 0; !isSo(); turns += 1) {
    if (turns > 100_000) throw new Error("it never happened");
    await nextTurn();
  }
}

afterEach(() => {
  vi.useRealTimers();
});

describe("a writer folds the tail", () => {
  it("after a second without an append, which another append puts off", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const path = newLogPath();
    const writer = await open(path);
    await writer.append(decision());
    vi.advanceTimersByTime(IDLE_MS - 1);
    await writer.append(decision());
    await nextTurn();
    vi.advanceTimersByTime(IDLE_MS - 1);
    await nextTurn();
    expect(rowsIn(path)).toBe(1);
    vi.advanceTimersByTime(LATEST_MS - IDLE_MS + 1);
    await until(() => !filesBeside(path).includes("audit.db-tail"));
    expect(rowsIn(path)).toBe(3);
    // And again.
    await writer.append(decision());
    await nextTurn();
    vi.advanceTimersByTime(LATEST_MS);
    await until(() => rowsIn(path) === 4);
    await writer.close();
    expect(expectOneChain(path)).toHaveLength(4);
  });

  it("that it finds when it opens the log", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const path = newLogPath();
    const first = await open(path);
    await first.append(decision());
    const writer = await open(path);
    vi.advanceTimersByTime(LATEST_MS);
    await until(() => rowsIn(path) === 2);
    await writer.close();
    await first.close();
  });

  it("of eight mebibytes without waiting", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const path = newLogPath();
    const writer = await open(path);
    const text = "x".repeat(65_000);
    const append = async (times: number): Promise<unknown> =>
      await Promise.all(Array.from({ length: times }, (_, n) => writer.append(decision({ payload: { n, text } }))));
    await append(120);
    await nextTurn();
    expect(statSync(path).size).toBeLessThan(65_000);
    await append(10);
    await until(() => statSync(path).size > 8_000_000);
    await writer.close();
  });

  it("no more once it is closed", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const path = newLogPath();
    const writer = await open(path);
    const last = writer.append(decision());
    await writer.close();
    await last;
    expect(vi.getTimerCount()).toBe(0);
    expect(filesBeside(path)).toEqual(["audit.db"]);
  });
});

/** A writer with one entry in its tail, whose next idle moment is here, and who is done with that. */
async function folded(fault: Fault): Promise<readonly [string, LogWriter]> {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const path = newLogPath();
  const { files, struck } = new FaultyFiles(fault);
  const writer = await open(path, files);
  await writer.append(decision());
  await nextTurn();
  vi.advanceTimersByTime(LATEST_MS);
  await until(() => struck.length > 0);
  for (let turns = 0; turns < 10; turns += 1) await nextTurn();
  return [path, writer];
}

/** What is under way comes to its end. */
async function settled(): Promise<void> {
  for (let turns = 0; turns < 20; turns += 1) await nextTurn();
}

/** The real file system, where there is no room for a database in the making while it is full; counts the attempts. */
function fillingDisk(path: string): readonly [{ isFull: boolean; folds: number }, AuditFiles] {
  const disk = { isFull: false, folds: 0 };
  const create: AuditFiles["create"] = (name, like) => {
    if (!disk.isFull || !name.startsWith(`${path}-database.`)) return nodeFiles.create(name, like);
    disk.folds += 1;
    throw Object.assign(new Error("on purpose"), { code: "ENOSPC" });
  };
  return [disk, { ...nodeFiles, create }];
}

describe("a fold that fails in an idle moment", () => {
  it("for want of room leaves the tail to go on", async () => {
    // The owner file, the database, the tail; then a second database.
    const [path, writer] = await folded({ method: "create", call: 4, code: "ENOSPC", manner: "before" });
    expect(rowsIn(path)).toBe(1);
    expect(await writer.append(decision())).toMatchObject({ seq: 2 });
    expect(writer.failure).toBeUndefined();
    await nextTurn();
    vi.advanceTimersByTime(2 * LATEST_MS);
    await until(() => rowsIn(path) === 3);
    await writer.close();
  });

  it("is tried again after ever longer times, whatever is appended, and told once until it works", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const path = newLogPath();
    const told: string[] = [];
    const [disk, files] = fillingDisk(path);
    const writer = await LogWriter.open(path, { files, now: Date.now }, ({ message }) => told.push(message));
    await writer.append(decision());
    await nextTurn();
    disk.isFull = true;
    for (let failures = 0; failures < 4; failures += 1) {
      vi.advanceTimersByTime(IDLE_MS * 2 ** failures - 1);
      await writer.append(decision());
      if (failures === 1) {
        // Reason enough for a fold without an idle moment, at any other time.
        const text = "x".repeat(65_000);
        await Promise.all(Array.from({ length: 130 }, (_, n) => writer.append(decision({ payload: { n, text } }))));
      }
      await settled();
      expect(disk.folds).toBe(failures);
      // Before the first failure, that append has put it off.
      vi.advanceTimersByTime(LATEST_MS * 2 ** failures);
      await until(() => disk.folds === failures + 1);
      await settled();
    }
    expect(told).toEqual([
      `Audit log ${path}: its tail could not be folded into the database, and grows until it can be (the disk is full)`,
    ]);
    // However often that has failed.
    for (let failures = 4; failures < 12; failures += 1) {
      vi.advanceTimersByTime(300_000);
      await until(() => disk.folds === failures + 1);
      await settled();
    }
    disk.isFull = false;
    vi.advanceTimersByTime(300_000);
    await until(() => !filesBeside(path).includes("audit.db-tail"));
    await settled();
    expect(told).toHaveLength(1);
    disk.isFull = true;
    await writer.append(decision());
    await settled();
    vi.advanceTimersByTime(LATEST_MS);
    await until(() => disk.folds === 13);
    await settled();
    expect(told).toHaveLength(2);
    disk.isFull = false;
    await writer.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("since the tail can't be flushed stops the writer: what was written may be lost", async () => {
    const [path, writer] = await folded({ method: "sync", call: 4, code: "EIO", manner: "before" });
    await expect(writer.append(decision())).rejects.toMatchObject({ code: "ERR_AUDIT_UNAVAILABLE" });
    await expect(writer.close()).rejects.toBe(writer.failure);
    expect(expectOneChain(path)).toHaveLength(2);
  });

  it("since the database contradicts the tail stops the writer", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const path = newLogPath();
    const writer = await open(path);
    await writer.append(decision());
    await nextTurn();
    writeFileSync(path, altered(readFileSync(path), "UPDATE entries SET hash = 'x'"));
    vi.advanceTimersByTime(LATEST_MS);
    await until(() => writer.failure !== undefined);
    expect(AuditCorruptError.isInstance(writer.failure)).toBe(true);
    await expect(writer.append(decision())).rejects.toBe(writer.failure);
    await expect(writer.close()).rejects.toBe(writer.failure);
  });
});

describe("a writer that ends with its process", () => {
  it("folds the tail, and lets go of the log", async () => {
    const path = newLogPath();
    const writer = await open(path);
    await writer.append(decision());
    writer.closeNow();
    expect(filesBeside(path)).toEqual(["audit.db"]);
    expect(rowsIn(path)).toBe(2);
    await expect(writer.append(decision())).rejects.toThrow(new AuditUnavailableError(path, "it has been closed"));
  });

  it("leaves it in the tail when something has failed before, or fails then", async () => {
    const path = newLogPath();
    const writer = await open(path);
    await writer.append(decision());
    writer.fail(new AuditCorruptError(path, "on purpose"));
    writer.closeNow();
    expect(filesBeside(path)).toEqual(["audit.db", "audit.db-tail"]);
    const { files } = new FaultyFiles({ method: "rename", call: 1, code: "EIO", manner: "before" });
    const another = await open(path, files);
    another.closeNow();
    expect(filesBeside(path)).toEqual(["audit.db", "audit.db-tail"]);
    expect(expectOneChain(path)).toHaveLength(2);
  });
});

describe("a writer that has failed", () => {
  it("says why, first and last, to all who wait", async () => {
    const path = newLogPath();
    const writer = await open(path);
    expect(writer.failure).toBeUndefined();
    const waiting = [writer.append(decision()), writer.append(decision())];
    const first = new AuditCorruptError(path, "on purpose");
    writer.fail(first);
    writer.fail(new AuditCorruptError(path, "and again"));
    for (const each of waiting) await expect(each).rejects.toBe(first);
    expect(writer.failure).toBe(first);
    expect(writer.owe()).toBe(false);
    await expect(writer.close()).rejects.toBe(first);
    expect(filesBeside(path)).toEqual(["audit.db"]);
  });

  it("and one that could only not have the lock goes on", async () => {
    const path = newLogPath();
    const writer = await open(path);
    const other = { ...currentOwner(), pid: process.ppid, started: "", task: "", nonce: nonceOf("other") };
    writeFileSync(`${path}-owner.${other.nonce}`, formatOwner(other));
    linkSync(`${path}-owner.${other.nonce}`, `${path}-lock`);
    vi.useFakeTimers({ toFake: ["performance"] });
    const waiting = writer.append(decision());
    await nextTurn();
    vi.advanceTimersByTime(15_001);
    await expect(waiting).rejects.toBeInstanceOf(LockHeldError);
    vi.useRealTimers();
    for (const name of [`owner.${other.nonce}`, "lock"]) nodeFiles.unlink(`${path}-${name}`);
    expect(writer.failure).toBeUndefined();
    expect(await writer.append(decision())).toMatchObject({ seq: 1 });
    await writer.close();
  });
});
