import { mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";

import { describe, expect, it } from "vitest";

import { AuditLog } from "../../src/audit/log.ts";
import { verifyEntries, verifyLog } from "../../src/audit/verify.ts";
import { AuditUnavailableError } from "../../src/errors.ts";
import { expectHonestHistoriesIntact } from "./histories.ts";
import {
  decision,
  filesBeside,
  newLogPath,
  outcome,
  placeLog,
  sampleFiles,
  storedEntries,
  temporaryDirectory,
} from "./sample-log.ts";
import { altered, contentOf } from "./tampering.ts";

const { closed, genesis, tail } = await sampleFiles();
const HALF_AN_ENTRY = Buffer.from(`${"0".repeat(64)} {"action":`);

describe("verification of a sound log", () => {
  it.each<[string, Uint8Array, Uint8Array | undefined, { entries: number; seq: number; warnings: number }]>([
    ["that is closed", closed, undefined, { entries: 4, seq: 4, warnings: 0 }],
    ["that is open", genesis, tail, { entries: 4, seq: 4, warnings: 0 }],
    ["that was just begun", genesis, undefined, { entries: 0, seq: 0, warnings: 0 }],
    ["that was folded, and its tail not yet removed", closed, tail, { entries: 4, seq: 4, warnings: 0 }],
    ["with an unfinished write", genesis, Buffer.concat([tail, HALF_AN_ENTRY]), { entries: 4, seq: 4, warnings: 1 }],
    [
      "with a byte of an unfinished write",
      genesis,
      Buffer.concat([tail, Buffer.from("a")]),
      { entries: 4, seq: 4, warnings: 1 },
    ],
    [
      "with blocks that a power loss left unwritten",
      genesis,
      Buffer.concat([tail, Buffer.alloc(4_096)]),
      { entries: 4, seq: 4, warnings: 1 },
    ],
  ])("%s counts decisions and outcomes, and names the last entry", async (_name, database, rest, expected) => {
    const report = await verifyLog(placeLog(database, rest));
    expect(report).toMatchObject({ intact: true, entries: expected.entries, problems: [] });
    expect(report.last?.seq).toBe(expected.seq);
    expect(report.last?.ts).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(report.warnings).toHaveLength(expected.warnings);
  });

  it("says how many bytes an unfinished write has", async () => {
    const { warnings } = await verifyLog(placeLog(genesis, Buffer.concat([tail, HALF_AN_ENTRY])));
    expect(warnings).toEqual([
      `${HALF_AN_ENTRY.length} bytes at the end of the tail are an unfinished write, and no entry`,
    ]);
  });

  it("counts allowed decisions without an outcome, and outcomes without an allowed decision", async () => {
    const path = newLogPath();
    const log = new AuditLog(path);
    const first = await log.append(decision());
    await log.append(decision());
    const denied = await log.append(decision({}, { verdict: { decision: "deny", reason: "policy_deny" } }));
    await log.append(outcome(first));
    await log.append(outcome(first));
    await log.append(outcome(denied));
    await log.close();
    expect(await verifyLog(path)).toMatchObject({ intact: true, entries: 6, withoutOutcome: 1, withoutDecision: 2 });
  });

  it("says nothing of what there is not", async () => {
    const report = await verifyLog(placeLog(closed));
    for (const name of ["from", "anchor"]) expect(report).not.toHaveProperty(name);
    expect(await verifyLog(placeLog(altered(closed, "DELETE FROM entries")))).not.toHaveProperty("last");
  });

  it("gives the entries on the way, some at a time, each once and in order", async () => {
    const path = placeLog(genesis, tail);
    const given = [];
    let times = 0;
    const verification = verifyEntries(path);
    for (let next = await verification.next(); next.done !== true; next = await verification.next()) {
      times += 1;
      given.push(...next.value.map(({ seq, hash, body }) => ({ seq, hash, body })));
    }
    expect(given).toEqual(storedEntries(path));
    expect(times).toBeGreaterThan(1);
  });

  it("does not accuse a log whose agent's name begins with U+FEFF", async () => {
    const path = newLogPath();
    const log = new AuditLog(path);
    await log.append(decision({ actor: "\uFEFFagent" }));
    await log.close();
    expect((await verifyLog(path)).problems).toEqual([]);
  });

  it("goes on beside its writer, and ends with what was there when it began", async () => {
    const path = newLogPath();
    const log = new AuditLog(path);
    await Promise.all(Array.from({ length: 50 }, () => log.append(decision())));
    const acknowledged = Array.from({ length: 50 });
    const appending = (async () => {
      while (acknowledged.length < 250) {
        acknowledged.push(await log.append(decision()));
        await nextTurn();
      }
    })();
    while (acknowledged.length < 250) {
      const before = acknowledged.length;
      const { intact, entries, problems } = await verifyLog(path);
      expect(problems).toEqual([]);
      expect(intact).toBe(true);
      expect(entries).toBeGreaterThanOrEqual(before);
      await nextTurn();
    }
    await appending;
    await log.close();
    expect(await verifyLog(path)).toMatchObject({ intact: true, entries: 250 });
  });

  it(
    "accuses no honest history, whatever was appended, closed, cut off, sealed and opened again",
    { timeout: 120_000 },
    async () => {
      await expectHonestHistoriesIntact(20);
    },
  );
});

describe("verification", () => {
  const damaged = altered(closed, "UPDATE entries SET decision = 'deny' WHERE seq = 1");

  it.each<[string, Uint8Array, Uint8Array | undefined]>([
    ["that is closed", closed, undefined],
    ["that is open", genesis, tail],
    ["with an unfinished write", genesis, Buffer.concat([tail, HALF_AN_ENTRY])],
    ["that was changed", damaged, undefined],
    ["with a damaged tail", genesis, Buffer.from("x\n")],
    ["that is no SQLite file", Buffer.from("hello"), undefined],
    ["that is empty", Buffer.alloc(0), undefined],
  ])("leaves a log %s as it is, to the byte and the nanosecond", async (_name, database, rest) => {
    const path = placeLog(database, rest);
    const files = filesBeside(path).map((name) => join(path, "..", name));
    for (const file of files) utimesSync(file, 1_000_000_000.5, 1_000_000_000.5);
    const state = (): object[] =>
      files.map((file) => {
        const { mtimeNs, ctimeNs, size, mode, ino } = statSync(file, { bigint: true });
        return { file, mtimeNs, ctimeNs, size, mode, ino, bytes: readFileSync(file).toString("hex") };
      });
    const before = state();
    await verifyLog(path);
    expect(state()).toEqual(before);
    expect(filesBeside(path).map((name) => join(path, "..", name))).toEqual(files);
  });

  it("reports at most a hundred problems of a log that is wrong all over", async () => {
    const path = newLogPath();
    const log = new AuditLog(path);
    await Promise.all(Array.from({ length: 150 }, () => log.append(decision())));
    await log.close();
    writeFileSync(path, altered(readFileSync(path), "UPDATE entries SET agent_id = 'nobody'"));
    const { intact, problems, entries } = await verifyLog(path);
    expect(intact).toBe(false);
    expect(entries).toBe(150);
    expect(problems.map(({ seq }) => seq)).toEqual(Array.from({ length: 100 }, (_, index) => index));
    expect(problems[7]?.what).toContain("agent_id");
  });

  it("names the entry, the column and no value", async () => {
    const bytes = altered(closed, "UPDATE entries SET rule = 'secret' WHERE seq = 3");
    const { problems } = await verifyLog(placeLog(bytes));
    expect(problems).toEqual([{ seq: 3, what: "its column rule does not agree with its text" }]);
  });

  it.each<[string, (path: string) => void, RegExp]>([
    ["nothing", () => {}, /there is no such file/],
    ["a directory", (path) => mkdirSync(path), /not an ordinary file/],
  ])("of %s is an error, and no verdict", async (_name, prepare, message) => {
    const path = newLogPath();
    prepare(path);
    const before = filesBeside(path);
    await expect(verifyLog(path)).rejects.toSatisfy(
      (error) => AuditUnavailableError.isInstance(error) && error.path === path && message.test(error.message),
    );
    expect(filesBeside(path)).toEqual(before);
  });

  it("of a log in a directory that does not exist, or below a file, is an error", async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, "file"), "");
    for (const path of [join(directory, "absent", "audit.db"), join(directory, "file", "audit.db")]) {
      await expect(verifyLog(path)).rejects.toSatisfy((error) => AuditUnavailableError.isInstance(error));
    }
  });

  it.each<[string, Uint8Array | undefined, Uint8Array | undefined]>([
    ["an empty file", Buffer.alloc(0), undefined],
    ["text", Buffer.from("hello"), undefined],
    ["half of a log", closed.subarray(0, closed.length / 2), undefined],
    ["a log without its last bytes", closed.subarray(0, closed.length - 1), undefined],
    ["the header of an SQLite file", closed.subarray(0, 100), undefined],
    ["another SQLite database", altered(new Uint8Array(), "CREATE TABLE people (name)"), undefined],
    ["a tail without its database", undefined, tail],
    ["a log beside a tail without a first line", closed, Buffer.from("hello")],
  ])("finds %s not intact", async (_name, database, rest) => {
    const path = newLogPath();
    if (database !== undefined) writeFileSync(path, database);
    if (rest !== undefined) writeFileSync(`${path}-tail`, rest);
    const report = await verifyLog(path);
    expect(report.intact).toBe(false);
    expect(report.problems.length).toBeGreaterThan(0);
  });

  it("reads what the test's own reader reads", () => {
    expect(contentOf(closed)).toContain("decisions");
    expect(contentOf(Buffer.from("hello"))).toMatch(/^unreadable/);
  });
});
