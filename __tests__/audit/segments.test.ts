import { renameSync } from "node:fs";
import { dirname, join } from "node:path";

import { describe, expect, it } from "vitest";

import { nodeFiles } from "../../src/audit/file/files.ts";
import { AuditLog } from "../../src/audit/log.ts";
import { readEntries } from "../../src/audit/read.ts";
import { appending } from "../../src/audit/appending/proposal.ts";
import { listSegments } from "../../src/audit/file/segments.ts";
import { verifyLog } from "../../src/audit/verify.ts";
import { decision, filesBeside, newLogPath } from "./sample-log.ts";

/** A log of 200 decisions in segments of about 50. */
async function segmentedLog(): Promise<string> {
  const path = newLogPath();
  for (let part = 0; part < 8; part += 1) {
    const log = new AuditLog(path, { files: nodeFiles, now: Date.now, segmentEntries: 50 });
    await Promise.all(Array.from({ length: 25 }, () => log.append(decision())));
    await log.close();
  }
  return path;
}

async function sequence(path: string, order: "oldest first" | "latest first"): Promise<number[]> {
  const seqs: number[] = [];
  for await (const { seq } of readEntries(path, order)) seqs.push(seq);
  return seqs;
}

/** Puts a file of the log elsewhere, as an archive would. */
function archive(file: string): void {
  renameSync(file, join(dirname(file), `archived-${file.length}-${Math.random()}`));
}

describe("a log in segments", () => {
  it("is read as one, in both directions, and verifies", async () => {
    const path = await segmentedLog();
    expect(listSegments(nodeFiles, path).length).toBeGreaterThan(2);
    const seqs = await sequence(path, "oldest first");
    expect(seqs).toEqual(seqs.map((_, index) => index));
    expect(await sequence(path, "latest first")).toEqual(seqs.toReversed());
    expect(await verifyLog(path)).toMatchObject({ intact: true, entries: 200, problems: [] });
  });

  it("has only the log and its segments beside it when closed", async () => {
    const path = await segmentedLog();
    expect(filesBeside(path).filter((name) => !/^audit\.db(\.[0-9a-f]{8}\.\d+)?$/.test(name))).toEqual([]);
  });

  it("verifies from where it begins when its first segments lie elsewhere, and whole when they are put back", async () => {
    const path = await segmentedLog();
    const [first, second, third] = listSegments(nodeFiles, path);
    if (first === undefined || second === undefined || third === undefined) throw new Error("too few segments");
    for (const { path: file, name } of [first, second]) renameSync(file, join(dirname(path), `away-${name}`));
    const report = await verifyLog(path);
    expect(report).toMatchObject({ intact: true, from: third.first });
    expect(report.entries).toBeLessThan(200);
    for (const { path: file, name } of [first, second]) renameSync(join(dirname(path), `away-${name}`), file);
    const whole = await verifyLog(path);
    expect(whole).toMatchObject({ intact: true, entries: 200 });
    expect(whole.from).toBeUndefined();
  });

  it("is broken when a segment in the middle is gone", async () => {
    const path = await segmentedLog();
    const [, second, third] = listSegments(nodeFiles, path);
    if (second === undefined || third === undefined) throw new Error("too few segments");
    archive(second.path);
    const { intact, problems } = await verifyLog(path);
    expect(intact).toBe(false);
    expect(problems[0]).toEqual({
      seq: second.first,
      what: `entries ${second.first} to ${third.first - 1} are missing`,
    });
  });

  it("goes on with a writer that was open while another one sealed", async () => {
    const path = newLogPath();
    const surroundings = { files: nodeFiles, now: Date.now, segmentEntries: 20 };
    const log = new AuditLog(path, surroundings);
    await log.append(decision());
    await log.close();
    const { LogWriter } = await import("../../src/audit/file/writer.ts");
    const one = await LogWriter.open(path, surroundings);
    const other = await LogWriter.open(path, surroundings);
    await one.propose(appending(decision()));
    await Promise.all(Array.from({ length: 60 }, () => other.propose(appending(decision()))));
    await other.close();
    expect(listSegments(nodeFiles, path).length).toBeGreaterThan(0);
    await one.propose(appending(decision()));
    await one.close();
    expect(await verifyLog(path)).toMatchObject({ intact: true, entries: 63, problems: [] });
  });

  it("is not begun anew when its database is missing", async () => {
    const path = await segmentedLog();
    archive(path);
    const before = filesBeside(path);
    await expect(new AuditLog(path).append(decision())).rejects.toMatchObject({ code: "ERR_AUDIT_CORRUPT" });
    expect(filesBeside(path)).toEqual(before);
  });
});
