import { mkdirSync, writeFileSync } from "node:fs";

import { describe, expect, it, onTestFinished, vi } from "vitest";

import { nodeFiles, type AuditFiles } from "../../src/audit/file/files.ts";
import { receiveInFile } from "../../src/audit/file/receive-file.ts";
import { readEntries } from "../../src/audit/read.ts";
import { verifyLog } from "../../src/audit/verify.ts";
import { AuditCorruptError, AuditUnavailableError } from "../../src/errors.ts";
import { putLog, segmentedFiles, segmentsOf } from "./both-verifiers.ts";
import { FaultyFiles } from "./faulty-files.ts";
import { filesBeside, newLogPath, placeLog, sampleFiles, storedEntries, temporaryDirectory } from "./sample-log.ts";

const { closed, genesis, tail } = await sampleFiles();
const other = await sampleFiles();

async function numbersOf(path: string, order: "oldest first" | "latest first"): Promise<number[]> {
  const numbers: number[] = [];
  for await (const { seq } of readEntries(path, order)) numbers.push(seq);
  return numbers;
}

/** Until the test is over, this call fails so for names like that. */
function failing(method: "readFile" | "openRead" | "identify", name: RegExp, code: string): void {
  const error = Object.assign(new Error("on purpose"), { code });
  const real = nodeFiles[method].bind(nodeFiles) as (path: string) => never;
  const spy = vi.spyOn(nodeFiles, method).mockImplementation((path) => {
    if (name.test(path)) throw error;
    return real(path);
  });
  onTestFinished(() => spy.mockRestore());
}

describe("reading a log in files", () => {
  it.each([
    ["in the tail", genesis, tail],
    ["in the database", closed, undefined],
    ["in both, as a crash leaves them", closed, tail],
  ])("gives each entry once, whether it lies %s", async (_name, database, rest) => {
    const path = placeLog(database, rest);
    expect(await numbersOf(path, "oldest first")).toEqual([0, 1, 2, 3, 4]);
    expect(await numbersOf(path, "latest first")).toEqual([4, 3, 2, 1, 0]);
  });

  it("passes over the segments of other logs", async () => {
    const path = placeLog(closed);
    writeFileSync(`${path}.ffffffff.0`, other.closed);
    expect((await numbersOf(path, "oldest first")).length).toBe(5);
  });

  it("passes over a segment that is gone by the time it is read", async () => {
    const log = await segmentedFiles();
    const path = putLog(`${temporaryDirectory()}/log`, log);
    const before = (await numbersOf(path, "oldest first")).length;
    const list = nodeFiles.list.bind(nodeFiles);
    const absent = segmentsOf(log)[0]?.replace(/\d+$/, "99") ?? "";
    const spy = vi.spyOn(nodeFiles, "list").mockImplementation((directory) => [...list(directory), absent]);
    onTestFinished(() => spy.mockRestore());
    expect((await numbersOf(path, "oldest first")).length).toBe(before);
  });

  it.each(["oldest first", "latest first"] as const)("stops at a damaged line of the tail, %s", async (order) => {
    const path = placeLog(genesis, Buffer.from(tail.toString("utf8").replace("finished", "finishes")));
    await expect(numbersOf(path, order)).rejects.toThrow(
      new AuditCorruptError(path, `${path}-tail is damaged. Run capfence verify`),
    );
  });

  it.each([
    [
      "readFile",
      "EACCES",
      "this user may not do that. Let this user read and write it and its directory, or name another path",
    ],
    ["readFile", "EIO", "on purpose"],
    ["readFile", "ENOENT", "there is no such file"],
    [
      "identify",
      "EACCES",
      "this user may not do that. Let this user read and write it and its directory, or name another path",
    ],
  ] as const)("says why it can't when %s answers %s", async (method, code, what) => {
    const path = placeLog(closed);
    failing(method, /audit\.db$/, code);
    const error: unknown = await numbersOf(path, "oldest first").catch((caught: unknown) => caught);
    expect(error).toEqual(new AuditUnavailableError(path, what));
    if (code !== "ENOENT") expect(error).toMatchObject({ cause: { code } });
  });

  it("is refused where a segment is no file", async () => {
    const path = placeLog(closed);
    const { log } = JSON.parse(storedEntries(path)[0]?.body ?? "") as { log: string };
    const segment = `${path}.${log.slice(0, 8)}.7`;
    mkdirSync(segment);
    const refusal = new AuditUnavailableError(segment, "it is not an ordinary file");
    await expect(numbersOf(path, "oldest first")).rejects.toThrow(refusal);
    await expect(verifyLog(path)).rejects.toThrow(refusal);
  });

  it.each(["EACCES", "ENOENT"])("is verified as far as a segment can be read: %s", async (code) => {
    const log = await segmentedFiles();
    const path = putLog(`${temporaryDirectory()}/log`, log);
    failing("openRead", new RegExp(`${segmentsOf(log)[1]}$`), code);
    if (code === "ENOENT") expect(await verifyLog(path)).toMatchObject({ intact: false });
    else await expect(verifyLog(path)).rejects.toMatchObject({ code: "ERR_AUDIT_UNAVAILABLE", cause: { code } });
  });
});

async function receive(path: string, files: AuditFiles = nodeFiles): Promise<void> {
  await receiveInFile(files, path, readEntries(placeLog(closed)));
}

describe("receiving a log in files", () => {
  it("puts it where nothing is", async () => {
    const path = newLogPath();
    await receive(path);
    expect(storedEntries(path)).toEqual(storedEntries(placeLog(closed)));
    expect(filesBeside(path)).toEqual(["audit.db"]);
    await expect(receive(path)).rejects.toThrow(new AuditUnavailableError(path, "something is there already"));
  });

  it("says why it can't, and leaves nothing", async () => {
    const path = newLogPath();
    const { files } = new FaultyFiles({ method: "append", call: 1, code: "ENOSPC", manner: "half-way" });
    const error: unknown = await receive(path, files).catch((caught: unknown) => caught);
    expect(error).toEqual(new AuditUnavailableError(path, "the disk is full. Make room, then start again"));
    expect(error).toMatchObject({ cause: { code: "ENOSPC" } });
    expect(filesBeside(path)).toEqual([]);
    writeFileSync(`${path}-tail`, "");
    await expect(receive(path)).rejects.toThrow(
      new AuditCorruptError(path, `the file is missing, but ${path}-tail is there. Put it back`),
    );
  });
});
