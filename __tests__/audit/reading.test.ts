import { appendFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { describe, expect, it } from "vitest";

import { isWanted, type DecisionFilter } from "../../src/audit/decision-filter.ts";
import { defaultAuditLog } from "../../src/audit/default-path.ts";
import { readEntriesAt } from "../../src/audit/entries-at.ts";
import type { Entry, StoredEntry } from "../../src/audit/format/entry.ts";
import { nodeFiles, type AuditFiles } from "../../src/audit/file/files.ts";
import { storeAt, type AuditLocation } from "../../src/audit/location.ts";
import { AuditLog } from "../../src/audit/log.ts";
import { readEntries } from "../../src/audit/read.ts";
import { AuditCorruptError, AuditUnavailableError } from "../../src/errors.ts";
import { decision, newLogPath, placeLog, sampleFiles, temporaryDirectory } from "./sample-log.ts";
import { maze } from "./tampered-logs.ts";

const { closed, genesis, tail } = await sampleFiles();

/** A decision at noon. */
function entry(members: object = {}): Entry {
  return { kind: "decision", actor: "a", decision: "allow", ts: "2026-01-15T12:00:00.000Z", ...members } as Entry;
}

async function numbersOf(entries: AsyncIterable<StoredEntry>): Promise<number[]> {
  const numbers: number[] = [];
  for await (const { seq } of entries) numbers.push(seq);
  return numbers;
}

describe("a decision is asked for", () => {
  const NOON = Date.parse("2026-01-15T12:00:00.000Z");
  it.each<readonly [string, Entry, DecisionFilter, boolean]>([
    ["by nothing", entry(), {}, true],
    ["though it is none", entry({ kind: "outcome" }), {}, false],
    ["by its agent", entry(), { agent: "a" }, true],
    ["by another agent", entry(), { agent: "b" }, false],
    ["by what was decided", entry(), { decision: "allow" }, true],
    ["by what was not decided", entry(), { decision: "deny" }, false],
    ["from its moment on", entry(), { since: NOON }, true],
    ["from a later moment on", entry(), { since: NOON + 1 }, false],
    ["until its moment", entry(), { until: NOON }, false],
    ["until a later moment", entry(), { until: NOON + 1 }, true],
    ["between two moments", entry(), { since: NOON, until: NOON + 1 }, true],
    ["between two earlier moments", entry(), { since: NOON - 2, until: NOON - 1 }, false],
    ["by all of it", entry(), { agent: "a", decision: "allow", since: NOON, until: NOON + 1 }, true],
    ["by its agent and another time", entry(), { agent: "a", since: NOON + 1 }, false],
    ["at a time that it does not say", entry({ ts: "yesterday" }), { since: NOON, until: NOON + 1 }, true],
  ])("%s", (_name, asked, filter, wanted) => {
    expect(isWanted(asked, filter)).toBe(wanted);
  });
});

describe("entries by their numbers", () => {
  it.each<readonly [readonly number[], readonly number[], number]>([
    [[2, 4], [4, 2], 2],
    [[4], [4], 4],
    [[0], [0], 0],
    [[3, 9], [3], 3],
  ])("%j are found, and nothing before the first of them is read", async (numbers, found, lastRead) => {
    const read: number[] = [];
    const latestFirst = async function* (): AsyncGenerator<StoredEntry> {
      for await (const stored of readEntries(placeLog(genesis, tail), "latest first")) {
        read.push(stored.seq);
        yield stored;
      }
    };
    const entries = await readEntriesAt(latestFirst(), new Set(numbers));
    expect([...entries.keys()]).toEqual(found);
    for (const [seq, stored] of entries) expect(stored.seq).toBe(seq);
    expect(read.at(-1)).toBe(lastRead);
  });

  it("come oldest first unless it is said otherwise", async () => {
    const path = placeLog(genesis, tail);
    expect(await numbersOf(readEntries(path))).toEqual([0, 1, 2, 3, 4]);
    expect(await numbersOf(readEntries(path, "latest first"))).toEqual([4, 3, 2, 1, 0]);
  });
});

describe("a file whose pages lead to the same rows without end", () => {
  it.each([
    ["oldest first", closed],
    ["latest first", closed],
    ["oldest first", genesis],
    ["latest first", genesis],
  ] as const)("is read no further than to the first that comes again, %s", async (order, bytes) => {
    const path = placeLog(maze(bytes));
    await expect(numbersOf(readEntries(path, order))).rejects.toThrow(
      new AuditCorruptError(path, "its rows are not in order"),
    );
  });
});

describe("a log is", () => {
  it("where the environment says, or in the working directory", () => {
    expect(defaultAuditLog({ CAPFENCE_AUDIT_LOG: "/var/log/audit.db" })).toBe("/var/log/audit.db");
    expect(defaultAuditLog({ CAPFENCE_AUDIT_LOG: "" })).toBe("./audit.db");
    expect(defaultAuditLog({})).toBe("./audit.db");
  });

  it("in files, by a path, or in PostgreSQL, by a URL or what can be said of it", () => {
    expect(storeAt("some/audit.db").name).toBe(resolve("some/audit.db"));
    expect(storeAt("postgres://nobody@localhost:1/x?log=y").name).toBe(
      storeAt({ url: "postgres://nobody@localhost:1/x", log: "y" }).name,
    );
    expect(storeAt("postgres://nobody@localhost:1/x").name).not.toContain(resolve("."));
  });

  it.each(["", ":memory:", "a\0b", null, undefined, 7, true])("not at %j", (location) => {
    expect(() => storeAt(location as AuditLocation)).toThrow(
      new TypeError("auditLog must be the path of a file, a postgres:// URL, or a Pool of the package pg"),
    );
  });
});

it.each([
  "http://u:secret@h/d",
  "mysql://u:secret@h/d",
  "file:///secret.db",
  " postgres://u:secret@h/d",
  '"postgres://u:secret@h/d"',
  "'postgresql://u:secret@h/d'",
  "\u201cpostgres://u:secret@h/d\u201d",
  "\u200bpostgres:u:secret@h",
  "<jdbc:postgresql://u:secret@h/d>",
])("a log is not kept in a file of the name %j, which is not told", (location) => {
  expect(() => storeAt(location)).toThrow(/^(?!.*secret).* It is another URL, or one within quotes or blanks/);
});

describe("a holder of a log", () => {
  it("reads it, in the order that is asked for", async () => {
    const log = new AuditLog(placeLog(genesis, tail));
    expect(await numbersOf(log.entries("latest first"))).toEqual([4, 3, 2, 1, 0]);
  });

  it("closes it to everyone in the process when something could not be recorded", async () => {
    const path = newLogPath();
    const [one, other, late] = [new AuditLog(path), new AuditLog(path), new AuditLog(path)];
    await one.append(decision());
    await other.append(decision());
    const failure = new AuditUnavailableError(path, "it could not be recorded");
    // Files that fail once are not written to again, so nothing can be owed to them.
    await one.fail(failure, decision());
    await one.fail(new AuditUnavailableError(path, "and again"));
    for (const log of [one, other]) await expect(log.append(decision())).rejects.toBe(failure);
    await other.close();
    await expect(one.close()).rejects.toBe(failure);
    // Whoever opens it anew goes on.
    expect(await late.append(decision())).toMatchObject({ seq: 3 });
    await late.close();
  });

  it("that never opened it fails alone", async () => {
    const path = newLogPath();
    const [one, other] = [new AuditLog(path), new AuditLog(path)];
    const failure = new AuditUnavailableError(path, "it could not be recorded");
    await one.fail(failure);
    await expect(one.append(decision())).rejects.toBe(failure);
    expect(await other.append(decision())).toMatchObject({ seq: 1 });
    await other.close();
    await one.close();
    await expect(other.append(decision())).rejects.toThrow("it has been closed");
  });

  it("can try again when it could not be opened", async () => {
    const directory = temporaryDirectory();
    const path = join(directory, "absent", "audit.db");
    const log = new AuditLog(path);
    for (let times = 0; times < 2; times += 1) {
      await expect(log.append(decision())).rejects.toSatisfy((error) => AuditUnavailableError.isInstance(error));
    }
    expect(log.identity).toBeUndefined();
    await log.close();
  });

  it("is told of changes at once, and a last time when that is over", async () => {
    const path = placeLog(genesis, tail);
    const over = new AbortController();
    const changes = new AuditLog(path).approvalChanges(over.signal)[Symbol.asyncIterator]();
    expect((await changes.next()).done).toBe(false);
    const next = changes.next();
    appendFileSync(`${path}-tail`, "0");
    over.abort();
    expect((await next).done).toBe(false);
    expect((await changes.next()).done).toBe(true);
  });

  it.each<[string, (logs: readonly [AuditLog, AuditLog]) => Promise<unknown>]>([
    ["is closed", async ([log]) => await log.close()],
    ["could not record something", async ([log]) => await log.fail(new AuditUnavailableError(log.path, "no"))],
    ["is another's too, which could not", async ([, log]) => await log.fail(new AuditUnavailableError(log.path, "no"))],
    ["could not be written", async ([log]) => await log.append(decision()).catch(() => {})],
    ["could not be written by another", async ([, log]) => await log.append(decision()).catch(() => {})],
  ])("waits for no change of a log that %s", async (_what, end) => {
    const path = newLogPath();
    let isFull = false;
    const append: AuditFiles["append"] = (...given) => {
      if (isFull) throw Object.assign(new Error("made to fail"), { code: "ENOSPC" });
      return nodeFiles.append(...given);
    };
    const files = { ...nodeFiles, append };
    const logs = [0, 1].map(() => new AuditLog(path, { files, now: Date.now })) as unknown as [AuditLog, AuditLog];
    for (const log of logs) await log.append(decision());
    const changes = logs[0].approvalChanges(new AbortController().signal)[Symbol.asyncIterator]();
    await changes.next();
    const next = changes.next();
    isFull = true;
    await end(logs);
    // What another has just written may be told of first.
    expect(await next).toEqual({ done: false, value: undefined });
    while ((await changes.next()).done !== true);
    for (const log of logs) await log.close().catch(() => {});
  });
});
