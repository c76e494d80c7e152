/** What of approvals is open, in a log in which much has been recorded about them. */

import { describe, expect, it, onTestFinished } from "vitest";

import { nodeFiles } from "../../../src/audit/file/files.ts";
import type { PreparedEntry } from "../../../src/audit/format/entry.ts";
import type { AuditLocation } from "../../../src/audit/location.ts";
import { AuditLog } from "../../../src/audit/log.ts";
import type { PostgresLocation } from "../../../src/audit/postgres/target.ts";
import { verifyLog } from "../../../src/audit/verify.ts";
import { AuditCorruptError, AuditUnavailableError } from "../../../src/errors.ts";
import { prepared, request, T1, type Members } from "../recorded-approvals.ts";
import { decision } from "../sample-log.ts";
import { logDatabase, nameOf, newPostgresLog, sql } from "../stores.ts";
import { WatchedPool } from "./watched-pool.ts";

const database = await logDatabase();

const NOW = Date.parse("2026-01-15T10:00:00.000Z");
const BEFORE = "2026-01-15T09:00:00.000Z";

/** What a page holds at most, its last entry apart. */
const PAGE_ENTRIES = 256;
const PAGE_BYTES = 262_144;

const clock = { ms: NOW };

function openLog(location: AuditLocation): AuditLog {
  const log = new AuditLog(location, { files: nodeFiles, now: () => clock.ms });
  onTestFinished(async () => {
    clock.ms = NOW;
    await log.close().catch(() => {});
  });
  return log;
}

function asked(id: string, members: Members = {}): PreparedEntry {
  return prepared(request(0, id, members));
}

/** Requests that are over as soon as anything is recorded after them. */
async function appendOld(log: AuditLog, name: string, count: number, members: Members = {}): Promise<void> {
  const old = Array.from({ length: count }, (_, n) => asked(`${name} ${n}`, { expires: BEFORE, ...members }));
  await Promise.all(old.map(async (entry) => await log.append(entry)));
}

/** A log with an open request, `count` entries about approvals after it, and other entries around them. */
async function longLog(count: number, members: Members = {}): Promise<{ location: string; other: AuditLog }> {
  const location = newPostgresLog(database);
  const other = openLog(location);
  await other.append(decision());
  await other.append(asked("early"));
  await appendOld(other, "old", count, members);
  await other.append(decision());
  return { location, other };
}

/** Ids of the requests that are open, in a log's own view. */
async function open(log: AuditLog): Promise<readonly string[]> {
  const { answer } = await log.propose((state) => ({ entries: [], answer: [...state.open.requests.keys()] }));
  return answer;
}

/** One who has yet to read all of a log, whose statements are seen. */
function newcomer(location: string, options: PostgresLocation = {}): { log: AuditLog; pool: WatchedPool } {
  const pool = new WatchedPool(database ?? "");
  return { log: openLog({ pool, log: nameOf(location), ...options }), pool };
}

const isUnavailable = (error: unknown): boolean => AuditUnavailableError.isInstance(error);

const isPage = (text: string): boolean => text.includes("approvals_after");
const isLocking = (text: string, values: readonly unknown[]): boolean =>
  text.includes("capfence.append(") && values[2] === false && values[3] === "";

interface Row {
  readonly seq: string;
  readonly body: string | null;
}

/** The pages that were read, without the log's end. */
function pagesOf({ answered }: WatchedPool): readonly (readonly Row[])[] {
  const pages = answered.filter(({ text }) => isPage(text)).map(({ rows }) => rows as Row[]);
  return pages.map((rows) => rows.filter(({ body }) => body !== null));
}

/** The numbers of the entries that were read, in the order of reading. */
function read(pool: WatchedPool): readonly number[] {
  return pagesOf(pool).flatMap((rows) => rows.map(({ seq }) => Number(seq)));
}

/** Whether somebody holds the log's lock, as the server has it. */
async function isLocked(location: string): Promise<boolean> {
  const free = await sql("SELECT FROM capfence.logs WHERE name = $1 FOR UPDATE SKIP LOCKED", [nameOf(location)]);
  return free.length === 0;
}

function ascending(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, n) => from + n);
}

describe.skipIf(database === undefined)("who finds out for the first time what is open in a long log", () => {
  it("reads it in pages, no more than one of which keeps others from appending", async () => {
    const { location, other } = await longLog(1_200);
    const { log, pool } = newcomer(location);
    const underLock: boolean[] = [];
    pool.onStatement = async (text) => {
      if (!isPage(text)) return;
      underLock.push(await isLocked(location));
      // Would be refused under the lock.
      if (underLock.length === 4) await other.append(asked("meanwhile"));
    };
    expect(await open(log)).toEqual(["early", "meanwhile"]);
    // One under the lock tells that there is much more, and one that there is nothing left.
    expect(underLock).toEqual([true, false, false, false, false, true]);
    expect(pagesOf(pool).map(({ length }) => length)).toEqual([256, 256, 256, 256, 178, 0]);
    expect(read(pool)).toEqual([...ascending(2, 1_202), 1_204]);
  });

  it("reads what comes while the lock is waited for, in pages too", async () => {
    const { location, other } = await longLog(300);
    const { log, pool } = newcomer(location);
    const waits: number[] = [];
    pool.onStatement = async (text, values) => {
      if (!isLocking(text, values)) return;
      if (waits.push(pagesOf(pool).length) === 2) await appendOld(other, "new", 600);
    };
    expect(await open(log)).toEqual(["early", "new 599"]);
    expect(waits).toEqual([0, 2]);
    expect(pagesOf(pool).map(({ length }) => length)).toEqual([256, 45, 256, 256, 88]);
  });

  it("reads all that others have appended while it was idle, the same way", async () => {
    const { location, other } = await longLog(1);
    const { log, pool } = newcomer(location);
    await open(log);
    await appendOld(other, "new", 600);
    const underLock: boolean[] = [];
    pool.onStatement = async (text) => {
      if (isPage(text)) underLock.push(await isLocked(location));
    };
    await log.append(decision());
    expect(await open(log)).toEqual(["early"]);
    expect(underLock).toEqual([true, false, false, true]);
    expect(pagesOf(pool).map(({ length }) => length)).toEqual([2, 256, 256, 88, 0]);
  });

  it("reads few entries at a time where they are long, and is not kept from it by little time for an answer", async () => {
    const { location } = await longLog(40, { shown: "x".repeat(60_000) });
    const { log, pool } = newcomer(location, { answerTimeoutMs: 1_000 });
    expect(await open(log)).toEqual(["early"]);
    const pages = pagesOf(pool);
    expect(pages.length).toBeGreaterThan(8);
    for (const rows of pages) {
      expect(rows.length).toBeLessThanOrEqual(PAGE_ENTRIES);
      const before = rows.slice(0, -1).reduce((sum, { body }) => sum + (body?.length ?? 0), 0);
      expect(before).toBeLessThan(PAGE_BYTES);
    }
    expect(read(pool)).toEqual(ascending(2, 42));
  });

  it("takes a request to be over that entries about other things have outlived, wherever a page ends", async () => {
    const { location, other } = await longLog(254);
    // The first page ends here.
    await other.append(asked("outlived"));
    clock.ms = Date.parse(T1) + 1;
    await other.append(decision());
    clock.ms = NOW;
    await appendOld(other, "new", 10);
    await other.append(asked("late"));
    const { log, pool } = newcomer(location);
    expect(await open(log)).toEqual(["late"]);
    clock.ms = Date.parse(T1) + 1;
    await other.append(decision());
    clock.ms = NOW;
    expect(await open(log)).toEqual([]);
    expect(pagesOf(pool).map(({ length }) => length)).toEqual([256, 11, 0, 0]);
  });
});

describe.skipIf(database === undefined)("a failure while a long log is read", () => {
  it.each([
    [1, "under the lock"],
    [3, "away from it"],
    [6, "under it again"],
  ])("at page %i, %s, is gone on from where it happened", async (number) => {
    const { location } = await longLog(1_200);
    const { log, pool } = newcomer(location);
    let pages = 0;
    pool.onStatement = async (text, _values, endSession) => {
      if (isPage(text) && (pages += 1) === number) await endSession();
    };
    await expect(open(log)).rejects.toSatisfy(isUnavailable);
    expect(pages).toBe(number);
    expect(await open(log)).toEqual(["early"]);
    expect(read(pool)).toEqual(ascending(2, 1_202));
  });

  it("after which what was read is not there any more is found out, and ends it", async () => {
    const { location } = await longLog(1_200);
    const { log, pool } = newcomer(location);
    let pages = 0;
    pool.onStatement = async (text, _values, endSession) => {
      if (isPage(text) && (pages += 1) === 3) await endSession();
    };
    await expect(open(log)).rejects.toSatisfy(isUnavailable);
    const last = read(pool).at(-1);
    // As after a failover to a standby that was behind, with other entries since.
    const change = "UPDATE capfence.entries SET hash = repeat('0', 64) WHERE seq = $1 AND log = ";
    await sql(`${change} (SELECT id FROM capfence.logs WHERE name = $2)`, [last, nameOf(location)]);
    for (let times = 0; times < 2; times += 1) {
      await expect(open(log)).rejects.toSatisfy(
        (error) => AuditCorruptError.isInstance(error) && error.message.includes(`entry ${last} is not there`),
      );
    }
  });

  it.each([
    ["is changed", "body = replace(body, 'old 700', 'new 700')"],
    [
      "is another's",
      "(body, hash) = (SELECT body, hash FROM capfence.entries AS e WHERE e.log = entries.log AND seq = 5)",
    ],
    ["is gone", "body = NULL"],
  ])("is not passed over where an entry's text %s", async (_what, change) => {
    const { location } = await longLog(1_200);
    await sql("ALTER TABLE capfence.entries ALTER body DROP NOT NULL");
    await sql(
      `UPDATE capfence.entries SET ${change} WHERE seq = 703 AND log = ANY (
      SELECT id FROM capfence.logs WHERE name = $1)`,
      [nameOf(location)],
    );
    const { log } = newcomer(location);
    await expect(open(log)).rejects.toSatisfy(
      (error) => AuditCorruptError.isInstance(error) && error.message.includes("entry 703 is damaged"),
    );
  });
});

/** Appends a request; answers what was open before it, each time that it was decided. */
async function ask(log: AuditLog, id: string): Promise<readonly (readonly string[])[]> {
  const seen: (readonly string[])[] = [];
  await log.propose((state) => {
    seen.push([...state.open.requests.keys()]);
    return { entries: [asked(id)], answer: undefined };
  });
  return seen;
}

/** Loses the next commit, done or undone, and so many statements after it. */
function loseCommit(pool: WatchedPool, fate: "done" | "undone", andThen = 0): void {
  let lost = 0;
  pool.onStatement = async (text, _values, endSession) => {
    if ((lost === 0 && text !== "COMMIT") || lost > andThen) return;
    lost += 1;
    if (lost === 1 && fate === "done") pool.isAnswerLost = true;
    else await endSession();
  };
}

describe.skipIf(database === undefined)("a batch whose commit is lost", () => {
  it("and undone leaves nothing behind when it is decided again, and nothing is read again", async () => {
    const { location } = await longLog(100);
    const { log, pool } = newcomer(location);
    await open(log);
    loseCommit(pool, "undone");
    expect(await ask(log, "mine")).toEqual([["early"], ["early"]]);
    expect(await open(log)).toEqual(["early", "mine"]);
    expect(read(pool)).toEqual(ascending(2, 102));
    expect(await verifyLog(location)).toMatchObject({ intact: true });
  });

  it("and undone leaves nothing behind when that can't be found out", async () => {
    const { location } = await longLog(100);
    const { log, pool } = newcomer(location, { resolveTimeoutMs: 1 });
    await open(log);
    loseCommit(pool, "undone", 1);
    await expect(ask(log, "mine")).rejects.toSatisfy(
      (error) => AuditUnavailableError.isInstance(error) && error.message.includes("could not be found out"),
    );
    expect(await open(log)).toEqual(["early"]);
    expect(read(pool)).toEqual(ascending(2, 102));
  });

  it("and done counts, once", async () => {
    const { location } = await longLog(100);
    const { log, pool } = newcomer(location);
    await open(log);
    loseCommit(pool, "done");
    expect(await ask(log, "mine")).toEqual([["early"]]);
    expect(await open(log)).toEqual(["early", "mine"]);
    expect(read(pool)).toEqual(ascending(2, 102));
    expect(await verifyLog(location)).toMatchObject({ intact: true });
  });

  it("and done counts, though that can't be found out, as soon as it is read", async () => {
    const { location } = await longLog(100);
    const { log, pool } = newcomer(location, { resolveTimeoutMs: 1 });
    await open(log);
    loseCommit(pool, "done", 1);
    await expect(ask(log, "mine")).rejects.toSatisfy(isUnavailable);
    expect(await open(log)).toEqual(["early", "mine"]);
    expect(read(pool)).toEqual([...ascending(2, 102), 104]);
  });
});

describe.skipIf(database === undefined)("a proposal that throws", () => {
  it("leaves nothing behind of those that were decided with it, and nothing is read again", async () => {
    const { location } = await longLog(100);
    const { log, pool } = newcomer(location);
    await open(log);
    const one = log.propose(() => ({ entries: [asked("mine")], answer: undefined }));
    const other = log.propose(() => {
      throw new AuditUnavailableError("the log", "not now");
    });
    await expect(Promise.allSettled([one, other])).resolves.toMatchObject([
      { status: "rejected" },
      { status: "rejected" },
    ]);
    expect(await open(log)).toEqual(["early"]);
    expect(read(pool)).toEqual(ascending(2, 102));
  });
});
