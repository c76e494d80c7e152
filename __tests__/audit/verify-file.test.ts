import { describe, expect, it, onTestFinished, vi } from "vitest";

import { ChainCheck } from "../../src/audit/checks/chain-check.ts";
import { copyLog } from "../../src/audit/copy.ts";
import { EntryDatabase } from "../../src/audit/file/database.ts";
import { SqliteFile } from "../../src/audit/file/sqlite.ts";
import { nodeFiles } from "../../src/audit/file/files.ts";
import { checkFiles } from "../../src/audit/file/verify-file.ts";
import { AuditLog } from "../../src/audit/log.ts";
import { readEntries } from "../../src/audit/read.ts";
import { verifyLog } from "../../src/audit/verify.ts";
import { AuditUnavailableError } from "../../src/errors.ts";
import { bytesOf, putLog, segmentedFiles, segmentsOf, without, type Files } from "./both-verifiers.ts";
import { decision, newLogPath, temporaryDirectory } from "./sample-log.ts";
import { altered } from "./tampering.ts";

function put(files: Files): string {
  return putLog(`${temporaryDirectory()}/log`, files);
}

it("a log gives back the memory of every database in its life", async () => {
  const made = [vi.spyOn(EntryDatabase, "open"), vi.spyOn(EntryDatabase, "create")];
  const closed = vi.spyOn(SqliteFile.prototype, "close");
  onTestFinished(() => void vi.restoreAllMocks());
  const path = newLogPath();
  for (let part = 0; part < 3; part += 1) {
    const log = new AuditLog(path, { files: nodeFiles, now: Date.now, segmentEntries: 4 });
    for (let n = 0; n < 3; n += 1) await log.append(decision());
    await log.propose(({ open }) => ({ entries: [], answer: open.requests.size }));
    await log.close();
  }
  for await (const _ of readEntries(path)) break;
  await copyLog(path, newLogPath());
  const count = made.reduce((sum, { mock }) => sum + mock.results.length, 0);
  expect(count).toBeGreaterThan(20);
  expect(closed).toHaveBeenCalledTimes(count);
});

describe("verification of files", () => {
  it("lets others run after every few rows", async () => {
    const path = newLogPath();
    const log = new AuditLog(path);
    await Promise.all(Array.from({ length: 199 }, () => log.append(decision())));
    await log.close();
    let pauses = 0;
    for await (const _ of checkFiles(path, new ChainCheck([]))) pauses += 1;
    expect(pauses).toBe(4);
  });

  it("gives back the memory of every part, the damaged ones too", async () => {
    const log = await segmentedFiles();
    const [first = "", second = ""] = segmentsOf(log);
    const damaged = { ...log, [first]: Buffer.alloc(4_096, "x"), [second]: new Uint8Array() };
    for (const files of [log, damaged]) {
      const opened = vi.spyOn(EntryDatabase, "open");
      const closed = vi.spyOn(EntryDatabase.prototype, "close");
      onTestFinished(() => void vi.restoreAllMocks());
      await verifyLog(put(files));
      expect(opened.mock.results.length).toBeGreaterThan(2);
      expect(closed).toHaveBeenCalledTimes(opened.mock.results.filter(({ type }) => type === "return").length);
      vi.restoreAllMocks();
    }
  });

  it("passes over a segment that is gone by the time it is read", async () => {
    const log = await segmentedFiles();
    const path = put(log);
    const absent = segmentsOf(log)[0]?.replace(/\d+$/, "99") ?? "";
    const list = nodeFiles.list.bind(nodeFiles);
    const spy = vi.spyOn(nodeFiles, "list").mockImplementation((directory) => [...list(directory), absent]);
    onTestFinished(() => spy.mockRestore());
    expect(await verifyLog(path)).toMatchObject({ intact: true, problems: [] });
    expect(spy).toHaveBeenCalled();
  });

  it("finds the segments by the first entry of the database that is sound", async () => {
    const log = without(await segmentedFiles(), "audit.db-tail");
    const bytes = altered(
      bytesOf(log, "audit.db"),
      "UPDATE entries SET hash = 'x' WHERE seq = (SELECT min(seq) FROM entries)",
    );
    const report = await verifyLog(put({ ...log, "audit.db": bytes }));
    expect(report.from).toBeUndefined();
    expect(report.problems[0]).toEqual({
      seq: Number(segmentsOf(log).at(-1)?.split(".").at(-1)) + 5,
      what: "its text and its hash do not agree",
    });
  });

  it.each(["its database", "a segment"])("has no verdict when %s is of a newer format", async (part) => {
    const log = await segmentedFiles();
    const name = part === "a segment" ? (segmentsOf(log)[1] ?? "") : "audit.db";
    const path = put({ ...log, [name]: altered(bytesOf(log, name), "PRAGMA user_version = 7") });
    await expect(verifyLog(path)).rejects.toSatisfy(
      (error) => AuditUnavailableError.isInstance(error) && error.message.includes("written in format 7"),
    );
  });
});
