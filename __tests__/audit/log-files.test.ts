import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

import { describe, expect, it } from "vitest";

import { EntryDatabase, withDatabase } from "../../src/audit/file/database.ts";
import { FileStore } from "../../src/audit/file/file-store.ts";
import { nodeFiles } from "../../src/audit/file/files.ts";
import { createLog, placeLog as placeNewLog } from "../../src/audit/file/new-log.ts";
import { listSegments, segmentPath } from "../../src/audit/file/segments.ts";
import { loadEngine } from "../../src/audit/file/sqlite.ts";
import { doLater, doNow, PAUSE, type Step } from "../../src/audit/file/steps.ts";
import { AuditCorruptError } from "../../src/errors.ts";
import { bytesOf, segmentedFiles, segmentsOf } from "./both-verifiers.ts";
import { FaultyFiles } from "./faulty-files.ts";
import { filesBeside, newLogPath, placeLog, sampleFiles, storedEntries } from "./sample-log.ts";
import { altered, alteredLoosely } from "./tampering.ts";

const { closed, genesis, tail } = await sampleFiles();
const engine = await loadEngine();

function store(path: string, files = nodeFiles): FileStore {
  return new FileStore(path, { files, now: Date.now });
}

function open<T>(bytes: Uint8Array, work: (database: EntryDatabase) => T): T {
  return withDatabase(engine, Uint8Array.from(bytes), "audit.db", work);
}

describe("files of a log", () => {
  it("are flushed while there is a tail", async () => {
    const { files, counts } = new FaultyFiles();
    await store(placeLog(genesis, tail), files).flush();
    expect(counts.get("syncLater")).toBe(1);
    await store(placeLog(closed), files).flush();
    expect(counts.get("syncLater")).toBe(1);
  });

  it("say when they can't be flushed", async () => {
    const path = placeLog(genesis, tail);
    const { files } = new FaultyFiles({ method: "openRead", call: 1, code: "EACCES", manner: "before" });
    await expect(store(path, files).flush()).rejects.toMatchObject({ code: "EACCES" });
    const { files: others } = new FaultyFiles({ method: "syncLater", call: 1, code: "EIO", manner: "before" });
    await expect(store(path, others).flush()).rejects.toMatchObject({ code: "EIO" });
  });

  it("tell of changes of the database and of the tail, once for each, and a last time, and of nothing else", async () => {
    const path = placeLog(genesis, tail);
    const over = new AbortController();
    const changes: (() => void)[] = [
      () => appendFileSync(`${path}-tail`, "0"),
      () => {},
      () => writeFileSync(path, closed),
      () => nodeFiles.unlink(`${path}-tail`),
      () => {},
      () => over.abort(),
    ];
    const waited: number[] = [];
    const pause = async (milliseconds: number): Promise<void> => {
      waited.push(milliseconds);
      changes.shift()?.();
    };
    const left: number[] = [];
    for await (const _ of store(path).changes("anything", pause, over.signal)) left.push(changes.length);
    expect(left).toEqual([6, 5, 3, 2, 0]);
    expect(new Set(waited).size).toBe(1);
  });

  it("that are segments are listed by their first entries, those of one log or of any", () => {
    const path = newLogPath();
    const log = "0123456789abcdef".repeat(2);
    expect(segmentPath(path, log, 7)).toBe(`${path}.01234567.7`);
    const names = [
      "01234567.7",
      "01234567.0",
      "89abcdef.5",
      "01234567.007",
      "01234567.x",
      "0123456.7",
      "01234567.7.x",
      "",
    ];
    for (const name of names) writeFileSync(`${path}.${name}`, "");
    mkdirSync(`${path}.01234567.12`);
    writeFileSync(join(dirname(path), "other.db.01234567.1"), "");
    const listed = (identity?: string): readonly (readonly [string, number])[] =>
      listSegments(nodeFiles, path, identity).map(({ name, first, path: at }) => {
        expect(at).toBe(join(dirname(path), name));
        return [name.replace(`${basename(path)}.`, ""), first];
      });
    const own = [
      ["01234567.0", 0],
      ["01234567.7", 7],
      ["01234567.12", 12],
    ];
    expect(listed(log)).toEqual(own);
    expect(listed()).toEqual([own[0], ["89abcdef.5", 5], own[1], own[2]]);
  });
});

describe("a new log", () => {
  const TS = "2026-01-15T10:00:00.000Z";
  const IDENTITY = "0123456789abcdef".repeat(2);
  it("is put where there is none, whole", () => {
    const path = newLogPath();
    const made = createLog(nodeFiles, engine, path, `${path}-made`, IDENTITY, TS);
    expect(made).toEqual(nodeFiles.identify(path));
    expect(filesBeside(path)).toEqual(["audit.db"]);
    expect(storedEntries(path).map(({ body }) => JSON.parse(body) as object)).toEqual([
      { kind: "genesis", log: IDENTITY, prev: "0".repeat(64), seq: 0, ts: TS, v: 1 },
    ]);
  });

  it("is not put over anything, and leaves nothing behind then", () => {
    const path = placeLog(closed);
    expect(() => createLog(nodeFiles, engine, path, `${path}-made`, IDENTITY, TS)).toThrow(
      expect.objectContaining({ code: "EEXIST" }),
    );
    expect(filesBeside(path)).toEqual(["audit.db"]);
    expect(readFileSync(path).equals(closed)).toBe(true);
  });

  it.each(["-tail", ".01234567.0"])("is not made where %s shows that there was one", (trace) => {
    const path = newLogPath();
    writeFileSync(`${path}${trace}`, "");
    const making = (): unknown => placeNewLog(nodeFiles, path, `${path}-made`, () => closed);
    expect(making).toThrow(
      new AuditCorruptError(path, `the file is missing, but ${path}${trace} is there. Put it back`),
    );
    expect(existsSync(path)).toBe(false);
  });

  it("that has disappeared when it was just made is an error", () => {
    const path = newLogPath();
    const files = { ...nodeFiles, identify: () => undefined };
    expect(() => placeNewLog(files, path, `${path}-made`, () => closed)).toThrow(
      "the file that was just made has disappeared",
    );
  });
});

describe("a database of entries", () => {
  it("gives its first and last entry, and knows which it holds", () => {
    const [first, , , , last] = storedEntries(placeLog(closed));
    open(closed, (database) => {
      expect(database.first()).toMatchObject({ seq: 0, hash: first?.hash });
      expect(database.last()).toMatchObject({ seq: 4, hash: last?.hash });
      expect(database.holds({ seq: 4, hash: last?.hash ?? "" })).toBe(true);
      expect(database.holds({ seq: 4, hash: first?.hash ?? "" })).toBe(false);
      expect(database.holds({ seq: 9, hash: last?.hash ?? "" })).toBe(false);
      expect(database.lastSegment()).toBeUndefined();
      expect(database.structureProblem()).toBeUndefined();
    });
  });

  it.each<readonly [string, Uint8Array, string, number | undefined]>([
    ["that is empty", altered(closed, "DELETE FROM entries"), "it has no entries", undefined],
    ["whose last is damaged", altered(closed, "UPDATE entries SET body = 'x' WHERE seq = 4"), "entry 4 is damaged", 4],
    [
      "whose last has another number",
      altered(closed, "UPDATE entries SET seq = 9 WHERE seq = 4"),
      "entry 9 is damaged",
      9,
    ],
    [
      "whose last has no text",
      alteredLoosely(closed, "UPDATE entries SET body = NULL WHERE seq = 4"),
      "entry 4 is damaged",
      4,
    ],
  ])("%s has no last entry", (_name, bytes, what, seq) => {
    const detail = seq === undefined ? {} : { seq };
    expect(() => open(bytes, (database) => database.last())).toThrow(
      new AuditCorruptError("audit.db", `${what}. Run capfence verify`, detail),
    );
  });

  it("knows the last segment that is named in it", async () => {
    const log = await segmentedFiles();
    const first = Number(segmentsOf(log).at(-1)?.split(".").at(-1));
    expect(open(bytesOf(log, "audit.db"), (database) => database.lastSegment())).toMatchObject({
      kind: "segment",
      first,
    });
  });

  it("takes for a segment entry only what is one", () => {
    const bytes = altered(closed, "UPDATE entries SET kind = 'segment' WHERE seq = 3");
    expect(open(bytes, (database) => database.lastSegment())).toBeUndefined();
  });

  it("is the same bytes again when nothing was added, and holds what was", () => {
    const entries = open(closed, (database) => [...database.entries()]);
    const made = EntryDatabase.create(engine, "made.db");
    expect(open(made.export(), (database) => [...database.entries()])).toEqual([]);
    made.close();
    const filled = EntryDatabase.create(engine, "filled.db");
    for (const each of entries) filled.append(each);
    expect(open(filled.export(), (database) => [...database.entries("DESC")])).toEqual(entries.toReversed());
    filled.close();
  });

  it.each([
    [new Uint8Array(), "the file is empty"],
    [Buffer.from("x"), "not a CapFence log"],
    [Buffer.alloc(4_096, "x"), "not a readable SQLite file"],
    [altered(new Uint8Array(), "CREATE TABLE people (name)"), "not a CapFence log"],
    [altered(closed, "PRAGMA application_id = 7"), "not a CapFence log"],
    [altered(closed, "PRAGMA application_id = 7; PRAGMA user_version = 7"), "not a CapFence log"],
    [altered(closed, "PRAGMA user_version = 0"), "not a CapFence log"],
    [altered(closed, "PRAGMA user_version = 2"), "written in format 2"],
  ])("is refused when it is none: %#", (bytes, what) => {
    expect(() => open(bytes, () => {})).toThrow(what);
  });
});

function* twoSteps(done: string[]): Generator<Step, void> {
  yield PAUSE;
  yield { now: () => void done.push("now"), later: async () => void done.push("later") };
  done.push("end");
}

describe("work in steps", () => {
  it("is done at once, or while others run", async () => {
    const done: string[] = [];
    doNow(twoSteps(done));
    expect(done).toEqual(["now", "end"]);
    const later = doLater(twoSteps(done));
    expect(done).toHaveLength(2);
    await later;
    expect(done).toEqual(["now", "end", "later", "end"]);
  });
});
