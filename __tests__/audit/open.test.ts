import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { AuditLog } from "../../src/audit/log.ts";
import { verifyLog } from "../../src/audit/verify.ts";
import { AuditCorruptError, AuditUnavailableError, type CapFenceErrorCode } from "../../src/errors.ts";
import { WriterProcess } from "./child.ts";
import { decision, expectOneChain, filesBeside, newLogPath, placeLog, sampleFiles } from "./sample-log.ts";
import { altered, line, sha256 } from "./tampering.ts";

const { closed, genesis, tail } = await sampleFiles();
const text = tail.toString("utf8");
const other = await sampleFiles();
const MAKE_FIFO = "mkfifo";
const hasFifos = spawnSync(MAKE_FIFO, ["--version"]).status === 0;
const isRoot = process.geteuid?.() === 0;

interface Refusal {
  readonly name: string;
  /** Makes the file system what it is; answers the path to open, when that is not `path`. */
  readonly prepare: (path: string) => string | void;
  readonly code: CapFenceErrorCode;
  readonly message: RegExp;
  readonly needs?: boolean;
}

const REFUSALS: readonly Refusal[] = [
  {
    name: "a directory",
    prepare: (path) => mkdirSync(path),
    code: "ERR_AUDIT_UNAVAILABLE",
    message: /not an ordinary file\. Name another path/,
  },
  {
    name: "a file in a directory that does not exist",
    prepare: (path) => join(path, "..", "absent", "audit.db"),
    code: "ERR_AUDIT_UNAVAILABLE",
    message: /there is no such file or directory\. Create its directory/,
  },
  {
    name: "a file below a file",
    prepare: (path) => {
      writeFileSync(path, "");
      return join(path, "audit.db");
    },
    code: "ERR_AUDIT_UNAVAILABLE",
    message: /a part of its path is not a directory/,
  },
  {
    name: "a FIFO (needs mkfifo)",
    prepare: (path) => void spawnSync(MAKE_FIFO, [path]),
    code: "ERR_AUDIT_UNAVAILABLE",
    message: /not an ordinary file/,
    needs: hasFifos,
  },
  {
    name: "a link to nothing",
    prepare: (path) => symlinkSync("absent.db", path),
    code: "ERR_AUDIT_UNAVAILABLE",
    message: /audit\.db/,
  },
  {
    name: "an empty file",
    prepare: (path) => writeFileSync(path, ""),
    code: "ERR_AUDIT_CORRUPT",
    message: /the file is empty/,
  },
  {
    name: "a file that is not SQLite",
    prepare: (path) => writeFileSync(path, "hello, world\n".repeat(1_000)),
    code: "ERR_AUDIT_CORRUPT",
    message: /not a readable SQLite file/,
  },
  {
    name: "half of a log",
    prepare: (path) => writeFileSync(path, closed.subarray(0, closed.length / 2)),
    code: "ERR_AUDIT_CORRUPT",
    message: /SQLite|damaged/,
  },
  {
    name: "another SQLite database",
    prepare: (path) => writeFileSync(path, altered(new Uint8Array(), "CREATE TABLE people (name)")),
    code: "ERR_AUDIT_CORRUPT",
    message: /not a CapFence log/,
  },
  {
    name: "a log whose schema was changed",
    prepare: (path) => writeFileSync(path, altered(closed, "DROP VIEW decisions")),
    code: "ERR_AUDIT_CORRUPT",
    message: /its tables were changed/,
  },
  {
    name: "a log without entries",
    prepare: (path) => writeFileSync(path, altered(closed, "DELETE FROM entries")),
    code: "ERR_AUDIT_CORRUPT",
    message: /it has no entries/,
  },
  {
    name: "a log whose last entry was changed",
    prepare: (path) => writeFileSync(path, altered(closed, "UPDATE entries SET body = body || ' ' WHERE seq = 4")),
    code: "ERR_AUDIT_CORRUPT",
    message: /entry 4 .*damaged/,
  },
  {
    name: "a log of a newer format",
    prepare: (path) => writeFileSync(path, altered(closed, "PRAGMA user_version = 7")),
    code: "ERR_AUDIT_UNAVAILABLE",
    message: /written in format 7, and this version of capfence reads format 1\. Use a newer one/,
  },
  {
    name: "a tail without its database",
    prepare: (path) => writeFileSync(`${path}-tail`, tail),
    code: "ERR_AUDIT_CORRUPT",
    message: /the file is missing, but .*audit\.db-tail is there\. Put it back/,
  },
  {
    name: "a segment without its database",
    prepare: (path) => writeFileSync(`${path}.0123abcd.0`, closed),
    code: "ERR_AUDIT_CORRUPT",
    message: /the file is missing, but .*audit\.db\.0123abcd\.0 is there\. Put it back/,
  },
  {
    name: "a log whose tail's first line is damaged",
    prepare: (path) => place(path, genesis, Buffer.from(text.replace("capfence", "capfenze"))),
    code: "ERR_AUDIT_CORRUPT",
    message: /the first line of .*audit\.db-tail is damaged/,
  },
  {
    name: "a log whose tail is empty",
    prepare: (path) => place(path, genesis, Buffer.alloc(0)),
    code: "ERR_AUDIT_CORRUPT",
    message: /the first line of .*audit\.db-tail is damaged/,
  },
  {
    name: "a log whose tail is a directory",
    prepare: (path) => {
      writeFileSync(path, genesis);
      mkdirSync(`${path}-tail`);
    },
    code: "ERR_AUDIT_UNAVAILABLE",
    message: /it is a directory/,
  },
  {
    name: "a log with the tail of another log",
    prepare: (path) => place(path, closed, other.tail),
    code: "ERR_AUDIT_CORRUPT",
    message: /its tail belongs to another log/,
  },
  {
    name: "a log of which an entry in the tail was changed",
    prepare: (path) => place(path, genesis, Buffer.from(text.replace("finished", "finishes"))),
    code: "ERR_AUDIT_CORRUPT",
    message: /entry 2 is damaged/,
  },
  {
    name: "a log of which an entry in the tail was removed",
    prepare: (path) => place(path, genesis, Buffer.from(withoutLine(text, 2))),
    code: "ERR_AUDIT_CORRUPT",
    message: /entry 2: it says of itself that it is entry 3/,
  },
  {
    name: "a log that is older than its tail",
    prepare: (path) => place(path, genesis, Buffer.from(beginningAt(text, 3))),
    code: "ERR_AUDIT_CORRUPT",
    message: /entries 1 to 2 are missing/,
  },
];

function place(path: string, database: Uint8Array, rest: Uint8Array): void {
  writeFileSync(path, database);
  writeFileSync(`${path}-tail`, rest);
}

function withoutLine(lines: string, number: number): string {
  return lines
    .split("\n")
    .filter((_, index) => index !== number)
    .join("\n");
}

/** The tail as it would be if all entries before `seq` had been folded. */
function beginningAt(lines: string, seq: number): string {
  const [header = "", ...entries] = lines.split("\n");
  const { log } = JSON.parse(header.slice(65)) as { log: string };
  const [first = ""] = entries.slice(seq - 1);
  const { prev } = JSON.parse(first.slice(65)) as { prev: string };
  const body = JSON.stringify({ capfence: "tail", first: seq, log, prev, v: 1 });
  return line({ hash: sha256(body), body }) + entries.slice(seq - 1).join("\n");
}

/** What lies in the log's directory. */
function contents(path: string): object[] {
  return filesBeside(path).map((name) => {
    const file = join(path, "..", name);
    const stat = lstatSync(file, { bigint: true });
    return {
      name,
      ino: stat.ino,
      mtimeNs: stat.mtimeNs,
      bytes: stat.isFile() ? readFileSync(file).toString("hex") : "",
    };
  });
}

describe("opening", () => {
  for (const { name, prepare, code, message, needs = true } of REFUSALS) {
    it.skipIf(!needs)(`refuses ${name}, and changes nothing`, async () => {
      const alone = newLogPath();
      const path = prepare(alone) ?? alone;
      const before = contents(alone);
      const log = new AuditLog(path);
      for (let attempt = 0; attempt < 2; attempt += 1) {
        const error: unknown = await log.append(decision()).catch((caught: unknown) => caught);
        if (!(AuditUnavailableError.isInstance(error) || AuditCorruptError.isInstance(error))) throw error;
        expect(error.code).toBe(code);
        expect(error.path).toBe(path);
        expect(error.message).toMatch(message);
      }
      await log.close();
      expect(contents(alone)).toEqual(before);
    });
  }

  it("refuses a directory that can't be written, and leaves it empty", async () => {
    const path = newLogPath();
    chmodSync(join(path, ".."), 0o555);
    const nobody = { uid: 65_534, gid: 65_534, env: { ...process.env, HOME: "/nonexistent" } };
    const child = new WriterProcess({ path, appends: 1 }, isRoot ? nobody : {});
    expect(await child.ended()).toBe(1);
    expect(child.acknowledged).toEqual([]);
    expect(child.errors).toContain("AuditUnavailableError");
    expect(child.errors).toContain("Let this user read and write it and its directory");
    expect(filesBeside(path)).toEqual([]);
  });

  it("refuses a log that this user may not read, and leaves it as it is", async () => {
    const path = placeLog(closed);
    chmodSync(path, 0o000);
    chmodSync(join(path, ".."), 0o777);
    const nobody = { uid: 65_534, gid: 65_534, env: { ...process.env, HOME: "/nonexistent" } };
    const child = new WriterProcess({ path, appends: 1 }, isRoot ? nobody : {});
    expect(await child.ended()).toBe(1);
    expect(child.errors).toContain("Let this user read and write it and its directory");
    expect(filesBeside(path)).toEqual(["audit.db"]);
  });

  it("is tried again by the next append, when what was in the way is gone", async () => {
    const path = newLogPath();
    mkdirSync(path);
    const log = new AuditLog(path);
    await expect(log.append(decision())).rejects.toMatchObject({ code: "ERR_AUDIT_UNAVAILABLE" });
    rmdirSync(path);
    expect(await log.append(decision())).toMatchObject({ seq: 1 });
    await log.close();
    expect(await verifyLog(path)).toMatchObject({ intact: true, entries: 1 });
  });

  it("is tried again once the directory is there", async () => {
    const directory = newLogPath();
    const log = new AuditLog(join(directory, "audit.db"));
    await expect(log.append(decision())).rejects.toMatchObject({ code: "ERR_AUDIT_UNAVAILABLE" });
    mkdirSync(directory);
    expect(await log.append(decision())).toMatchObject({ seq: 1 });
    await log.close();
  });

  it("goes on from a tail that a crash left, and folds it at the end", async () => {
    const path = placeLog(genesis, tail);
    const log = new AuditLog(path);
    expect(await log.append(decision())).toMatchObject({ seq: 5 });
    await log.close();
    expect(filesBeside(path)).toEqual(["audit.db"]);
    expect(expectOneChain(path)).toHaveLength(6);
  });

  it("goes on from a tail that was folded already", async () => {
    const path = placeLog(closed, tail);
    const log = new AuditLog(path);
    expect(await log.append(decision())).toMatchObject({ seq: 5 });
    expect(await verifyLog(path)).toMatchObject({ intact: true, entries: 5 });
    await log.close();
    expect(filesBeside(path)).toEqual(["audit.db"]);
    expect(expectOneChain(path)).toHaveLength(6);
  });

  it("gives what it makes beside a log the log's permissions", async () => {
    const path = placeLog(closed);
    chmodSync(path, 0o640);
    const log = new AuditLog(path);
    await log.append(decision());
    expect(lstatSync(`${path}-tail`).mode & 0o777).toBe(0o640);
    await log.close();
    expect(lstatSync(path).mode & 0o777).toBe(0o640);
  });

  it("makes a new log readable by its user alone", async () => {
    const path = newLogPath();
    const log = new AuditLog(path);
    await log.append(decision());
    expect(lstatSync(path).mode & 0o777).toBe(0o600);
    expect(lstatSync(`${path}-tail`).mode & 0o777).toBe(0o600);
    await log.close();
    expect(lstatSync(path).mode & 0o777).toBe(0o600);
  });
});

describe("an unfinished write", () => {
  const lastLine = text.split("\n").at(-2) ?? "";
  const ZEROS = Buffer.alloc(4_096);

  const UNFINISHED: readonly (readonly [string, Buffer])[] = [
    ["one byte", Buffer.from("0")],
    ["half a hash", Buffer.from(lastLine.slice(0, 30))],
    ["half an entry", Buffer.from(lastLine.slice(0, 200))],
    ["an entry without its line feed", Buffer.from(lastLine)],
    ["part of a letter", Buffer.concat([Buffer.from(lastLine.slice(0, 200)), Buffer.from([0xc3])])],
    ["blocks that were not written", Buffer.alloc(8_192)],
    ["half an entry and blocks that were not written", Buffer.concat([Buffer.from(lastLine.slice(0, 200)), ZEROS])],
    ["an entry without its line feed, and blocks that were not written", Buffer.concat([Buffer.from(lastLine), ZEROS])],
  ];

  it.each([
    ["words", Buffer.from("unfinished")],
    ["a whole line but for its last byte", Buffer.from(`${lastLine}x`)],
    ["a whole line and a zero", Buffer.from(`${lastLine}\0`)],
    ["zeros, and something behind them", Buffer.concat([ZEROS, Buffer.from(lastLine.slice(0, 200))])],
  ])("is not what %s at the end of the tail are: the log does not open", async (_name, rest) => {
    const path = placeLog(genesis, Buffer.concat([tail, rest]));
    await expect(new AuditLog(path).append(decision())).rejects.toMatchObject({ code: "ERR_AUDIT_CORRUPT" });
    expect(filesBeside(path)).toEqual(["audit.db", "audit.db-tail"]);
    expect(readFileSync(`${path}-tail`).equals(Buffer.concat([tail, rest]))).toBe(true);
    expect(await verifyLog(path)).toMatchObject({ intact: false, problems: [{ seq: 5 }] });
  });

  it.each(UNFINISHED)("at the end of the tail (%s) is put aside, and the log goes on", async (_name, rest) => {
    const path = placeLog(genesis, Buffer.concat([tail, rest]));
    chmodSync(path, 0o640);
    expect(await verifyLog(path)).toMatchObject({ intact: true, entries: 4 });
    const log = new AuditLog(path);
    expect(await log.append(decision())).toMatchObject({ seq: 5 });
    await log.close();
    const [database, torn, ...others] = filesBeside(path);
    expect(database).toBe("audit.db");
    expect(torn).toMatch(/^audit\.db-torn\./);
    expect(others).toEqual([]);
    expect(readFileSync(join(path, "..", torn ?? "")).equals(rest)).toBe(true);
    expect(expectOneChain(path)).toHaveLength(6);
    expect(await verifyLog(path)).toMatchObject({ intact: true, entries: 5, warnings: [] });
  });

  it.each(UNFINISHED)("of another process (%s) is put aside by a log that is open", async (_name, rest) => {
    const path = newLogPath();
    const log = new AuditLog(path);
    await log.append(decision());
    appendFileSync(`${path}-tail`, rest);
    expect(await log.append(decision())).toMatchObject({ seq: 2 });
    await log.close();
    const [, torn = ""] = filesBeside(path);
    expect(readFileSync(join(path, "..", torn)).equals(rest)).toBe(true);
    expect(expectOneChain(path)).toHaveLength(3);
    expect(await verifyLog(path)).toMatchObject({ intact: true, entries: 2 });
  });
});
