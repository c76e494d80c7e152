import { readFileSync, writeFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { nodeFiles, type AuditFiles } from "../../src/audit/file/files.ts";
import { fold } from "../../src/audit/file/fold.ts";
import { doLater } from "../../src/audit/file/steps.ts";
import { LogWriter } from "../../src/audit/file/writer.ts";
import { formatTailHeader } from "../../src/audit/format/tail.ts";
import { verifyLog } from "../../src/audit/verify.ts";
import { AuditCorruptError } from "../../src/errors.ts";
import { appendTo, contextOf } from "./fold-context.ts";
import { decision, expectOneChain, filesBeside, newLogPath } from "./sample-log.ts";
import { rewritten } from "./tampering.ts";

async function open(path: string, files: AuditFiles = nodeFiles, segmentEntries = 1_000): Promise<LogWriter> {
  return await LogWriter.open(path, { files, now: Date.now, segmentEntries });
}

/** Another writer comes, appends so many entries, folds and goes. */
async function passBy(path: string, entries: number): Promise<void> {
  const writer = await open(path);
  for (let n = 0; n < entries; n += 1) await writer.append(decision());
  await writer.close();
}

/** The real file system; while a fold flushes what it has made, the next of these happens. */
class Interrupted {
  readonly interruptions: (() => Promise<void>)[] = [];
  readonly files: AuditFiles = {
    ...nodeFiles,
    syncLater: async (fd) => {
      await this.interruptions.shift()?.();
      await nodeFiles.syncLater(fd);
    },
  };
}

async function expectWhole(path: string, decisions: number): Promise<void> {
  expect(expectOneChain(path).filter(({ body }) => body.includes('"kind":"decision"'))).toHaveLength(decisions);
  expect(await verifyLog(path)).toMatchObject({ intact: true, problems: [] });
  expect(filesBeside(path).filter((name) => name.includes("-database."))).toEqual([]);
}

function renamed(body: string): string {
  return body.replace('"actor":"', '"actor":"un');
}

describe("a fold that another writer overtakes", () => {
  it("is begun anew, and loses nothing of what came meanwhile", async () => {
    const path = newLogPath();
    const { files, interruptions } = new Interrupted();
    const writer = await open(path, files);
    for (let n = 0; n < 3; n += 1) await writer.append(decision());
    const others: LogWriter[] = [];
    interruptions.push(async () => {
      await passBy(path, 1);
      const other = await open(path);
      others.push(other);
      await other.append(decision());
    });
    await writer.close();
    expect(interruptions).toEqual([]);
    expect(filesBeside(path)).not.toContain("audit.db-tail");
    await expectWhole(path, 5);
    for (const other of others) await other.close();
    await expectWhole(path, 5);
  });

  it("is left to the others after ten times", async () => {
    const path = newLogPath();
    const { files, interruptions } = new Interrupted();
    const writer = await open(path, files);
    await writer.append(decision());
    const others: LogWriter[] = [];
    const overtake = async (): Promise<void> => {
      await passBy(path, 0);
      const other = await open(path);
      others.push(other);
      await other.append(decision());
    };
    for (let times = 0; times < 12; times += 1) interruptions.push(overtake);
    await writer.close();
    expect(interruptions).toHaveLength(2);
    expect(filesBeside(path)).toContain("audit.db-tail");
    await expectWhole(path, 11);
    for (const other of others) await other.close();
  });

  it("keeps in the tail what others have appended meanwhile", async () => {
    const path = newLogPath();
    const { files, interruptions } = new Interrupted();
    const writer = await open(path, files);
    const other = await open(path);
    await writer.append(decision());
    interruptions.push(async () => void (await other.append(decision())));
    await writer.close();
    await expectWhole(path, 2);
    await other.close();
    await expectWhole(path, 2);
  });
});

describe("a fold of a tail that holds no entry", () => {
  it.each([
    ["removes it", 0],
    ["keeps what others have appended meanwhile", 1],
  ])("%s", async (_, meanwhile) => {
    const path = newLogPath();
    await passBy(path, 2);
    const [head] = expectOneChain(path).slice(-1);
    if (head === undefined) throw new Error("no entries");
    const { log } = JSON.parse(head.body) as { readonly log: string };
    writeFileSync(`${path}-tail`, formatTailHeader({ log, head }));
    expect(await verifyLog(path)).toMatchObject({ intact: true, problems: [] });
    const { files, interruptions } = new Interrupted();
    const context = await contextOf(path, files);
    for (let n = 0; n < meanwhile; n += 1) {
      interruptions.push(async () => await appendTo(context, decision()));
    }
    await doLater(fold(context));
    await expectWhole(path, 2 + meanwhile);
    expect(filesBeside(path).includes("audit.db-tail")).toBe(meanwhile > 0);
    await passBy(path, 1);
    await expectWhole(path, 3 + meanwhile);
  });
});

describe("a fold that fails", () => {
  it.each<readonly [string, "append" | "sync" | "rename"]>([
    ["written", "append"],
    ["flushed", "sync"],
    ["put in place", "rename"],
  ])("since its new tail can't be %s leaves nothing behind, and the next one works", async (_, method) => {
    const path = newLogPath();
    const { files, interruptions } = new Interrupted();
    let tail: number | undefined;
    let toFail: string | undefined;
    const failOnce = (called: typeof method, isTail: boolean): void => {
      if (called !== toFail || !isTail) return;
      toFail = undefined;
      throw Object.assign(new Error("on purpose"), { code: "ENOSPC" });
    };
    const isMade = (name: string): boolean => name.startsWith(`${path}-tail.`);
    const context = await contextOf(path, {
      ...files,
      create(name, like) {
        const fd = nodeFiles.create(name, like);
        tail = isMade(name) ? fd : undefined;
        return fd;
      },
      append(fd, data) {
        failOnce("append", fd === tail);
        nodeFiles.append(fd, data);
      },
      sync(fd) {
        failOnce("sync", fd === tail);
        nodeFiles.sync(fd);
      },
      rename(from, to) {
        failOnce("rename", isMade(from));
        nodeFiles.rename(from, to);
      },
    });
    await appendTo(context, decision());
    // The old tail is flushed before the new one is made, and appended to.
    tail = undefined;
    toFail = method;
    interruptions.push(async () => await appendTo(context, decision()));
    await expect(doLater(fold(context))).rejects.toMatchObject({ code: "ENOSPC" });
    expect(filesBeside(path).filter((name) => /-(?:tail|database)\./.test(name))).toEqual([]);
    interruptions.push(async () => await appendTo(context, decision()));
    await doLater(fold(context));
    await expectWhole(path, 3);
    expect(filesBeside(path)).toContain("audit.db-tail");
  });
});

describe("a fold refuses", () => {
  it.each<readonly [string, (path: string, early: Uint8Array, late: Uint8Array) => void, string, number | undefined]>([
    [
      "what is in tail and database, and differs",
      (path, _, late) => {
        writeFileSync(path, rewritten(late, 2, renamed, "onwards"));
      },
      "entry 2 is in the tail and in the database, and differs",
      2,
    ],
    [
      "a database that was put back",
      (path, early) => writeFileSync(path, early),
      "its database no longer holds entry 1",
      1,
    ],
    [
      "a tail that was changed where it was read already",
      (path) => {
        const text = readFileSync(`${path}-tail`, "utf8");
        writeFileSync(`${path}-tail`, text.replace(/"actor":"agent-1"/, '"actor":"agent-2"'));
      },
      "line 2 of <log>-tail is damaged",
      undefined,
    ],
  ])("%s", async (_name, change, what, seq) => {
    const path = newLogPath();
    await passBy(path, 0);
    const early = readFileSync(path);
    await passBy(path, 1);
    const writer = await open(path);
    await writer.append(decision());
    await writer.append(decision());
    // The same log, folded elsewhere.
    const copy = newLogPath();
    writeFileSync(copy, readFileSync(path));
    writeFileSync(`${copy}-tail`, readFileSync(`${path}-tail`));
    await passBy(copy, 0);
    change(path, early, readFileSync(copy));
    const tail = readFileSync(`${path}-tail`);
    const error: unknown = await writer.close().catch((caught: unknown) => caught);
    if (!AuditCorruptError.isInstance(error)) throw error;
    expect(error.message.replace(`${path}-tail`, "<log>-tail")).toContain(what);
    expect(error.seq).toBe(seq);
    expect(readFileSync(`${path}-tail`).equals(tail)).toBe(true);
    expect(filesBeside(path)).toEqual(["audit.db", "audit.db-tail"]);
  });

  it("what does not follow the last entry of a database that was written into since it was opened", async () => {
    const path = newLogPath();
    await passBy(path, 0);
    const early = readFileSync(path);
    await passBy(path, 1);
    let isFolding = false;
    const openRead = (name: string): number => {
      const fd = nodeFiles.openRead(name);
      if (isFolding && name === path) writeFileSync(path, early);
      return fd;
    };
    const writer = await open(path, { ...nodeFiles, openRead });
    await writer.append(decision());
    isFolding = true;
    await expect(writer.close()).rejects.toThrow("entry 2: it says of itself that it is entry 2");
  });
});

describe("a fold into segments", () => {
  it.each([2, 3, 4, 7])("of %d entries names each part once, from its first entry to its last", async (size) => {
    const path = newLogPath();
    const writer = await open(path, nodeFiles, size);
    for (let n = 0; n < 10; n += 1) await writer.append(decision());
    await writer.close();
    await expectWhole(path, 10);
    const named = expectOneChain(path)
      .map(({ body }) => JSON.parse(body) as { kind: string; first: number; last: number })
      .filter(({ kind }) => kind === "segment");
    expect(named.length).toBeGreaterThan(0);
    let next = 0;
    for (const { first, last } of named) {
      expect(first).toBe(next);
      expect(last - first + 1).toBe(size);
      next = last + 1;
    }
  });
});
