import { spawnSync } from "node:child_process";
import { existsSync, linkSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";

import { describe, expect, it, onTestFinished, vi } from "vitest";

import { nodeFiles } from "../../src/audit/file/files.ts";
import { segmentPath } from "../../src/audit/file/segments.ts";
import { verifyLog } from "../../src/audit/verify.ts";
import { hasPython, TOOL } from "./both-verifiers.ts";
import { newLogPath, writeSample } from "./sample-log.ts";

/** An open log, what its database becomes when it is folded, and the segment that this is sealed as. */
async function openLog(): Promise<{ readonly path: string; readonly folded: Buffer; readonly segment: string }> {
  const path = newLogPath();
  const log = await writeSample(path);
  const [database, tail] = [readFileSync(path), readFileSync(`${path}-tail`)];
  await log.close();
  const folded = readFileSync(path);
  writeFileSync(path, database);
  writeFileSync(`${path}-tail`, tail);
  return { path, folded, segment: segmentPath(path, log.identity ?? "", 0) };
}

/** An open log. So many times when a reader lists its segments, it is folded, and the first time its database sealed. */
async function foldedWhenListed(times: number): Promise<string> {
  const { path, folded, segment } = await openLog();
  const list = nodeFiles.list.bind(nodeFiles);
  let calls = 0;
  const spy = vi.spyOn(nodeFiles, "list").mockImplementation((directory) => {
    calls += 1;
    if (calls <= times) {
      const before = changeOf(path);
      // Two folds take longer than the clock of a file system needs to move on.
      do {
        writeFileSync(`${path}-database.new`, folded);
        renameSync(`${path}-database.new`, path);
      } while (changeOf(path) === before);
      if (!existsSync(segment)) linkSync(path, segment);
    }
    return list(directory);
  });
  onTestFinished(() => spy.mockRestore());
  return path;
}

function changeOf(path: string): bigint | undefined {
  return statSync(path, { bigint: true }).ctimeNs;
}

/** Until the test is over, every file has the same number, as a new one may get that of one that has just gone. */
function numbersAreGivenOutAgain(): void {
  const identify = nodeFiles.identify.bind(nodeFiles);
  const spy = vi.spyOn(nodeFiles, "identify").mockImplementation((path) => {
    const found = identify(path);
    return found && { ...found, ino: 1n };
  });
  onTestFinished(() => spy.mockRestore());
}

/** Runs the independent verifier, on a file system that does what {@link foldedWhenListed} and the above do to ours. */
const IN_PYTHON = `
import os, runpy, sys, types
tool, path, folded, segment = sys.argv[1:]
real_stat, real_list = os.stat, os.listdir
def stat(*named, **options):
    found = real_stat(*named, **options)
    return types.SimpleNamespace(**{name: getattr(found, name) for name in dir(found) if name.startswith("st_")} | {"st_ino": 1})
def listdir(*named):
    os.listdir = real_list
    before = real_stat(path).st_ctime_ns
    while real_stat(path).st_ctime_ns == before:
        with open(path + "-database.new", "wb") as file, open(folded, "rb") as bytes:
            file.write(bytes.read())
        os.replace(path + "-database.new", path)
    os.link(path, segment)
    return real_list(*named)
os.stat, os.listdir = stat, listdir
sys.argv = [tool, path]
runpy.run_path(tool, run_name="__main__")
`;

describe("a log that is folded and sealed while it is read", () => {
  it.each([1, 5, Infinity])("(%d times) is not taken for one whose last rows were cut off", async (times) => {
    const path = await foldedWhenListed(times);
    expect(await verifyLog(path)).toMatchObject({ intact: true, entries: 4, problems: [] });
  });

  it("is not, either, where the new database has the number of the old one", async () => {
    const path = await foldedWhenListed(1);
    numbersAreGivenOutAgain();
    expect(await verifyLog(path)).toMatchObject({ intact: true, entries: 4, problems: [] });
  });

  it.skipIf(!hasPython)("is not by the independent verifier, where that is so", async () => {
    const { path, folded, segment } = await openLog();
    writeFileSync(`${path}-folded`, folded);
    const { status, stdout, stderr } = spawnSync("python3", ["-c", IN_PYTHON, TOOL, path, `${path}-folded`, segment], {
      encoding: "utf8",
    });
    expect({ status, stderr }, stdout).toEqual({ status: 0, stderr: "" });
    expect(existsSync(segment)).toBe(true);
  });
});
