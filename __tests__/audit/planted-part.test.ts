import { copyFileSync, readFileSync, writeFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { verifyLog } from "../../src/audit/verify.ts";
import { AuditLog } from "../../src/audit/log.ts";
import { decision, newLogPath, storedEntries, withDatabase } from "./sample-log.ts";

/** A log of 20 decisions with a copy of its database beside it under the name of a segment. */
async function logWithPlantedSegment(): Promise<string> {
  const path = newLogPath();
  const log = new AuditLog(path);
  await Promise.all(Array.from({ length: 20 }, () => log.append(decision())));
  await log.close();
  const { log: identity } = JSON.parse(storedEntries(path)[0]?.body ?? "") as { log: string };
  copyFileSync(path, `${path}.${identity.slice(0, 8)}.0`);
  return path;
}

describe("a copy of the database that passes for a segment", () => {
  it.each([
    [
      "hashes and columns are rewritten",
      "UPDATE entries SET hash = '0', decision = 'deny' WHERE seq BETWEEN 1 AND 19",
      1,
    ],
    ["only columns are rewritten", "UPDATE entries SET agent_id = 'nobody' WHERE seq = 7", 7],
    ["rows are taken out", "DELETE FROM entries WHERE seq = 5", 5],
    ["the first rows are taken out", "DELETE FROM entries WHERE seq < 5", 0],
    ["the last rows are taken out", "DELETE FROM entries WHERE seq > 10", 11],
  ])("excuses nothing in the database: %s", async (_name, statement, seq) => {
    const path = await logWithPlantedSegment();
    const changed = withDatabase(readFileSync(path), (database) => {
      database.run(statement);
      return database.export();
    });
    writeFileSync(path, changed);
    const { intact, problems } = await verifyLog(path);
    expect(intact).toBe(false);
    expect(problems.some((problem) => problem.seq === seq || problem.seq === seq + 4)).toBe(true);
  });
});
