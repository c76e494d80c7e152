import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";

import { describe, expect, it } from "vitest";

import { nodeFiles } from "../../src/audit/file/files.ts";
import { LogWriter } from "../../src/audit/file/writer.ts";
import { AuditLog } from "../../src/audit/log.ts";
import { verifyLog } from "../../src/audit/verify.ts";
import { decision, expectOneChain, filesBeside, newLogPath, outcome, query, writeSample } from "./sample-log.ts";

const hasPython = spawnSync("python3", ["-c", "import sqlite3"]).status === 0;

/** What Python's sqlite3 answers to a query. */
function pythonQuery(path: string, text: string): unknown {
  const program = [
    "import json, sqlite3, sys",
    "connection = sqlite3.connect(f'file:{sys.argv[1]}?mode=ro', uri=True)",
    "cursor = connection.execute(sys.argv[2])",
    "names = [column[0] for column in cursor.description]",
    "print(json.dumps([names, *cursor.fetchall()]))",
  ].join("\n");
  const { stdout, stderr } = spawnSync("python3", ["-c", program, path, text], { encoding: "utf8" });
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout);
}

const DECISIONS = "SELECT * FROM decisions";
const COLUMNS =
  "seq, hash, body, ts, kind, agent_id, capability, environment, decision, reason, rule, outcome, decision_seq";

describe("the database file", () => {
  it("shows its decisions in a view of five columns", async () => {
    const path = newLogPath();
    await (await writeSample(path)).close();
    const rows = query(path, DECISIONS);
    expect(rows.map(([, ...columns]) => columns)).toEqual([
      ["agent-1", "file.read", "allow", "policy_allow"],
      ["агент", "file.read", "deny", "policy_default_deny"],
      ["agent-1", "file.read", "allow", "policy_allow"],
    ]);
    const stamps = expectOneChain(path).map(({ body }) => (JSON.parse(body) as { ts: string }).ts);
    expect(rows.map(([timestamp]) => timestamp)).toEqual(
      [1, 3, 4].map((seq) => stamps[seq]?.slice(0, 19).replace("T", " ")),
    );
  });

  it("gives every member that people ask for a column of its own", async () => {
    const path = newLogPath();
    const log = new AuditLog(path);
    const first = await log.append(decision({ actor: "ann", environment: "live" }));
    await log.append(outcome(first, "failed"));
    await log.close();
    const [genesis, decided, ended] = query(
      path,
      "SELECT seq, kind, agent_id, capability, environment, decision, reason, rule, outcome, decision_seq FROM entries",
    );
    expect(genesis).toEqual([0, "genesis", null, null, null, null, null, null, null, null]);
    expect(decided).toEqual([
      1,
      "decision",
      "ann",
      "file.read",
      "live",
      "allow",
      "policy_allow",
      "allow[0]",
      null,
      null,
    ]);
    expect(ended).toEqual([2, "outcome", "agent-1", "file.read", "test", null, null, null, "failed", 1]);
  });

  it("holds one table, one view and nothing else", async () => {
    const path = newLogPath();
    await (await writeSample(path)).close();
    expect(query(path, "SELECT type, name FROM sqlite_schema")).toEqual([
      ["table", "entries"],
      ["view", "decisions"],
    ]);
    expect(query(path, "PRAGMA application_id")).toEqual([[Buffer.from("CapF").readInt32BE()]]);
    expect(query(path, "PRAGMA user_version")).toEqual([[1]]);
    expect(query(path, "PRAGMA integrity_check")).toEqual([["ok"]]);
  });

  it.skipIf(!hasPython)("reads the same in Python's sqlite3, view and table (needs python3)", async () => {
    const path = newLogPath();
    await (await writeSample(path)).close();
    expect(pythonQuery(path, DECISIONS)).toEqual([
      ["timestamp", "agent_id", "capability", "decision", "reason"],
      ...query(path, DECISIONS),
    ]);
    expect(pythonQuery(path, `SELECT ${COLUMNS} FROM entries`)).toEqual([
      COLUMNS.split(", "),
      ...query(path, `SELECT ${COLUMNS} FROM entries`),
    ]);
    expect(pythonQuery(path, "PRAGMA integrity_check")).toEqual([["integrity_check"], ["ok"]]);
    expect(filesBeside(path)).toEqual(["audit.db"]);
  });

  it.skipIf(!hasPython)("can be read by Python's sqlite3 while entries are appended (needs python3)", async () => {
    const path = newLogPath();
    const log = new AuditLog(path);
    await log.append(decision());
    await log.append(decision());
    expect(pythonQuery(path, "SELECT seq, kind FROM entries")).toEqual([
      ["seq", "kind"],
      [0, "genesis"],
    ]);
    await log.append(decision());
    await log.close();
    expect(pythonQuery(path, "SELECT max(seq) AS last FROM entries")).toEqual([["last"], [3]]);
  });
});

describe("folding", () => {
  it("happens while entries are appended, once 4,096 wait", { timeout: 60_000 }, async () => {
    const path = newLogPath();
    const log = new AuditLog(path);
    const acknowledged = [];
    acknowledged.push(...(await Promise.all(Array.from({ length: 4_095 }, () => log.append(decision())))));
    expect(rowsIn(path)).toBe(1);
    let before = rowsIn(path);
    while (before === 1) {
      acknowledged.push(await log.append(decision()));
      await nextTurn();
      before = rowsIn(path);
    }
    expect(before).toBeGreaterThan(4_096);
    const atFold = acknowledged.length;
    for (let n = 0; n < 10; n += 1) acknowledged.push(await log.append(decision()));
    expect(rowsIn(path)).toBe(before);
    expect(expectOneChain(path).slice(1)).toMatchObject(acknowledged);
    expect(await verifyLog(path)).toMatchObject({ intact: true, entries: atFold + 10, warnings: [] });
    await log.close();
    expect(expectOneChain(path).slice(1)).toMatchObject(acknowledged);
    expect(rowsIn(path)).toBe(acknowledged.length + 1);
  });

  it("happens though appending never pauses", { timeout: 60_000 }, async () => {
    const path = newLogPath();
    const log = new AuditLog(path);
    // Some at a time share a flush; the next are asked for before the log could be idle.
    for (let n = 0; n < 6_000; n += 8) await Promise.all(Array.from({ length: 8 }, () => log.append(decision())));
    expect(Number(query(path, "SELECT count(*) FROM entries")[0]?.[0])).toBeGreaterThan(4_096);
    await log.close();
  });

  it("is done once, whoever else appends to the same log", { timeout: 60_000 }, async () => {
    const path = newLogPath();
    let opened = 0;
    const openRead = (name: string): number => {
      if (name === path) opened += 1;
      return nodeFiles.openRead(name);
    };
    const surroundings = { files: { ...nodeFiles, openRead }, now: Date.now };
    const writers = [await LogWriter.open(path, surroundings), await LogWriter.open(path, surroundings)];
    for (let n = 0; n < 14; n += 1) {
      await Promise.all(writers.flatMap((writer) => Array.from({ length: 150 }, () => writer.append(decision()))));
    }
    let last = 0;
    // Nobody is idle meanwhile, which would be a reason of its own.
    while (rowsIn(path) === 1) for (const writer of writers) ({ seq: last } = await writer.append(decision()));
    // What the other one knows of the tail now is what the fold has left of it.
    for (const writer of writers) ({ seq: last } = await writer.append(decision()));
    await nextTurn();
    // By each of them at the beginning; by the one who folded, what was there and what was put in its place; and that by the
    // other one, too.
    expect(opened).toBe(5);
    for (const writer of writers) await writer.close();
    expect(await verifyLog(path)).toMatchObject({ intact: true, entries: last });
  });

  it("leaves the log as it was, for everyone who reads it meanwhile", async () => {
    const path = newLogPath();
    const log = new AuditLog(path);
    await Promise.all(Array.from({ length: 1_000 }, () => log.append(decision())));
    const closed = log.close().then(() => "closed");
    do {
      expect(await verifyLog(path)).toMatchObject({ intact: true, entries: 1_000, warnings: [] });
    } while ((await Promise.race([closed, nextTurn("open")])) === "open");
    expect(await verifyLog(path)).toMatchObject({ intact: true, entries: 1_000 });
  });
});

/** The number of entries that have reached the database file. */
function rowsIn(path: string): number {
  expect(readFileSync(path).subarray(0, 15).toString()).toBe("SQLite format 3");
  return Number(query(path, "SELECT count(*) FROM entries")[0]?.[0]);
}
