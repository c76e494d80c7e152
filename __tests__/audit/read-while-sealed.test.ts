import { existsSync, linkSync, readFileSync, renameSync, writeFileSync } from "node:fs";

import { describe, expect, it, onTestFinished, vi } from "vitest";

import { nodeFiles } from "../../src/audit/file/files.ts";
import { segmentPath } from "../../src/audit/file/segments.ts";
import { verifyLog } from "../../src/audit/verify.ts";
import { newLogPath, writeSample } from "./sample-log.ts";

/** An open log. So many times when a reader lists its segments, it is folded, and the first time its database sealed. */
async function foldedWhenListed(times: number): Promise<string> {
  const path = newLogPath();
  const log = await writeSample(path);
  const [database, tail] = [readFileSync(path), readFileSync(`${path}-tail`)];
  await log.close();
  const folded = readFileSync(path);
  const segment = segmentPath(path, log.identity ?? "", 0);
  writeFileSync(path, database);
  writeFileSync(`${path}-tail`, tail);
  const list = nodeFiles.list.bind(nodeFiles);
  let calls = 0;
  const spy = vi.spyOn(nodeFiles, "list").mockImplementation((directory) => {
    calls += 1;
    if (calls <= times) {
      writeFileSync(`${path}-database.new`, folded);
      renameSync(`${path}-database.new`, path);
      if (!existsSync(segment)) linkSync(path, segment);
    }
    return list(directory);
  });
  onTestFinished(() => spy.mockRestore());
  return path;
}

describe("a log that is folded and sealed while it is read", () => {
  it.each([1, 5, Infinity])("(%d times) is not taken for one whose last rows were cut off", async (times) => {
    const path = await foldedWhenListed(times);
    expect(await verifyLog(path)).toMatchObject({ intact: true, entries: 4, problems: [] });
  });
});
