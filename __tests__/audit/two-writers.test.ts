import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";

import { describe, expect, it, onTestFinished } from "vitest";

import { nodeFiles, type AuditFiles } from "../../src/audit/file/files.ts";
import { listSegments } from "../../src/audit/file/segments.ts";
import { LogWriter } from "../../src/audit/file/writer.ts";
import { PreparedEntry, type EntryContent, type Head } from "../../src/audit/format/entry.ts";
import { formatLine, formatTailHeader } from "../../src/audit/format/tail.ts";
import { verifyLog } from "../../src/audit/verify.ts";
import { AuditCorruptError, AuditUnavailableError, CapFenceError } from "../../src/errors.ts";
import { request, T1, T2 } from "./recorded-approvals.ts";
import { decision, expectOneChain, filesBeside, newLogPath } from "./sample-log.ts";
import { altered, rewritten, sha256 } from "./tampering.ts";

/** Two writers of one log, as two processes have them, since `AuditLog` gives a process only one. */
class Writers {
  readonly path: string;
  readonly now: { ms: number };
  readonly #open: LogWriter[] = [];
  readonly #segmentEntries: number;

  constructor(segmentEntries = 1_000) {
    this.path = newLogPath();
    this.now = { ms: Date.parse("2026-01-15T10:00:00.000Z") };
    this.#segmentEntries = segmentEntries;
    onTestFinished(async () => {
      for (const writer of this.#open) await writer.close().catch(() => {});
    });
  }

  async open(files: AuditFiles = nodeFiles): Promise<LogWriter> {
    const surroundings = { files, now: () => this.now.ms, segmentEntries: this.#segmentEntries };
    const writer = await LogWriter.open(this.path, surroundings);
    this.#open.push(writer);
    return writer;
  }

  /** Another writer comes, appends so many entries, folds them and goes. */
  async passBy(entries: number): Promise<void> {
    const writer = await this.open();
    for (let n = 0; n < entries; n += 1) await writer.append(decision());
    await writer.close();
  }

  async expectChain(entries: number): Promise<void> {
    expect(expectOneChain(this.path).filter(({ body }) => body.includes('"kind":"decision"'))).toHaveLength(entries);
    expect(await verifyLog(this.path)).toMatchObject({ intact: true, problems: [] });
  }
}

/** The real file system, in which the how-manieth call of a method for such a name fails. */
function crashingAt(method: "create" | "readFile", name: RegExp, call: number): AuditFiles {
  let calls = 0;
  const look = (path: string): void => {
    if (name.test(path)) calls += 1;
    if (calls === call) throw Object.assign(new Error("on purpose"), { code: "EIO" });
  };
  return {
    ...nodeFiles,
    create(path, like) {
      if (method === "create") look(path);
      return nodeFiles.create(path, like);
    },
    readFile(path) {
      if (method === "readFile") look(path);
      return nodeFiles.readFile(path);
    },
  };
}

async function append(writer: LogWriter, times = 1): Promise<Head> {
  let head: Head = { seq: 0, hash: "" };
  for (let n = 0; n < times; n += 1) head = await writer.append(decision());
  return head;
}

function asked(id: string, expires: string): PreparedEntry {
  const { v: _, log: __, prev: ___, seq: ____, ts: _____, ...content } = request(0, id, { expires }).entry;
  return new PreparedEntry(content as unknown as EntryContent);
}

/** The requests that a writer takes to be open. */
async function openIn(writer: LogWriter): Promise<string[]> {
  const { answer } = await writer.propose(({ open }) => ({ entries: [], answer: [...open.requests.keys()] }));
  return answer;
}

describe("a writer goes on with a log", () => {
  it("to whose tail another one has appended", async () => {
    const writers = new Writers();
    const [one, other] = [await writers.open(), await writers.open()];
    for (let round = 0; round < 3; round += 1) {
      await append(one);
      await append(other, 2);
    }
    await other.close();
    await writers.expectChain(9);
    await one.close();
    await writers.expectChain(9);
  });

  it("that another one has folded", async () => {
    const writers = new Writers();
    const one = await writers.open();
    await append(one, 2);
    await writers.passBy(0);
    expect(await append(one)).toMatchObject({ seq: 3 });
    await writers.passBy(3);
    expect(await append(one)).toMatchObject({ seq: 7 });
    await one.close();
    await writers.expectChain(7);
  });

  it("that another one has folded, and that has a new tail", async () => {
    const writers = new Writers();
    const [one, other] = [await writers.open(), await writers.open()];
    await append(one, 2);
    await writers.passBy(2);
    await append(other, 2);
    expect(await append(one)).toMatchObject({ seq: 7 });
    await writers.expectChain(7);
  });

  it("whose database another one has sealed, more than once", async () => {
    const writers = new Writers(4);
    const one = await writers.open();
    for (let round = 1; round <= 3; round += 1) {
      await append(one);
      for (let times = 0; times < 3; times += 1) await writers.passBy(3);
      await append(one);
    }
    await one.close();
    const decisions = 3 * (1 + 9 + 1);
    expect(listSegments(nodeFiles, writers.path).length).toBeGreaterThan(3);
    await writers.expectChain(decisions);
  });

  it("wherever it stood when that was sealed", async () => {
    const writers = new Writers(4);
    const waiting: LogWriter[] = [];
    for (let n = 0; n < 8; n += 1) {
      await writers.passBy(1);
      waiting.push(await writers.open());
    }
    for (let times = 0; times < 3; times += 1) await writers.passBy(3);
    for (const each of waiting) await append(each);
    await writers.expectChain(8 + 9 + 8);
  });

  it("to which it has nothing to add, and makes no tail for that", async () => {
    const writers = new Writers();
    const one = await writers.open();
    expect(await one.propose(({ head }) => ({ entries: [], answer: head.seq }))).toEqual({ heads: [], answer: 0 });
    expect(filesBeside(writers.path)).not.toContain("audit.db-tail");
  });

  it("that a crash left when a segment was named, and names it no second time", async () => {
    for (const isOpen of [true, false]) {
      const writers = new Writers(4);
      await writers.passBy(0);
      const waiting = isOpen ? await writers.open() : undefined;
      const crashing = await writers.open(crashingAt("create", /-database\./, 2));
      await append(crashing, 5);
      await expect(crashing.close()).rejects.toMatchObject({ code: "ERR_AUDIT_UNAVAILABLE" });
      expect(readFileSync(`${writers.path}-tail`, "utf8")).toContain('"kind":"segment"');
      const next = waiting ?? (await writers.open());
      await append(next);
      await next.close();
      const named = expectOneChain(writers.path)
        .map(({ body }) => JSON.parse(body) as { kind: string; first: number })
        .filter(({ kind }) => kind === "segment");
      expect(new Set(named.map(({ first }) => first)).size).toBe(named.length);
      await writers.expectChain(6);
    }
  });

  it("that a crash left when a segment had its name, and was not named yet", async () => {
    const writers = new Writers(4);
    const crashing = await writers.open(crashingAt("readFile", /\.0$/, 1));
    await append(crashing, 5);
    await expect(crashing.close()).rejects.toMatchObject({ code: "ERR_AUDIT_UNAVAILABLE" });
    expect(listSegments(nodeFiles, writers.path)).toHaveLength(1);
    await writers.passBy(1);
    await writers.expectChain(6);
    expect(listSegments(nodeFiles, writers.path).length).toBeGreaterThan(0);
  });

  it("that it has only just opened, and does not fold what is folded", async () => {
    const writers = new Writers();
    const [one, other] = [await writers.open(), await writers.open()];
    await append(other);
    await other.close();
    const folded = readFileSync(writers.path);
    await one.close();
    expect(readFileSync(writers.path).equals(folded)).toBe(true);
  });
});

describe("a writer that knows what is open of approvals", () => {
  it.each([
    ["appends", false],
    ["appends and folds", true],
  ])("learns what another one %s", async (_name, folds) => {
    const writers = new Writers();
    const [one, other] = [await writers.open(), await writers.open()];
    await one.append(asked("first", T2));
    expect(await openIn(one)).toEqual(["first"]);
    await other.append(asked("second", T1));
    if (folds) await writers.passBy(1);
    expect(await openIn(one)).toEqual(["first", "second"]);
    await other.append(asked("third", T2));
    writers.now.ms = Date.parse(T1) + 1;
    await append(other);
    if (folds) await other.close();
    expect(await openIn(one)).toEqual(["first", "third"]);
  });

  it("finds it where a crash left entries in tail and database", async () => {
    const writers = new Writers();
    const one = await writers.open();
    await one.append(asked("first", T2));
    await append(one);
    const tail = readFileSync(`${writers.path}-tail`);
    await writers.passBy(0);
    writeFileSync(`${writers.path}-tail`, tail);
    expect(await openIn(await writers.open())).toEqual(["first"]);
  });

  it("finds it in tail and database when it begins", async () => {
    const writers = new Writers();
    const one = await writers.open();
    await one.append(asked("first", T2));
    await writers.passBy(1);
    await one.append(asked("second", T2));
    expect(await openIn(await writers.open())).toEqual(["first", "second"]);
  });
});

/** A log's files as they once were. */
interface Olds {
  readonly tail: Buffer;
  readonly database: Buffer;
}

/** Puts a file in the place of another, as folding does. */
function put(path: string, bytes: string | Uint8Array): void {
  writeFileSync(`${path}.new`, bytes);
  renameSync(`${path}.new`, path);
}

/** The database of another log. */
async function foreign(): Promise<Uint8Array> {
  const writers = new Writers();
  await writers.passBy(9);
  return readFileSync(writers.path);
}

function renamed(body: string): string {
  return body.replace('"actor":"', '"actor":"un');
}

/** A tail of the log `log` that begins after `head`, with these lines. */
function tailOf(log: string, head: Head, ...lines: readonly string[]): string {
  return formatTailHeader({ log, head }) + lines.join("");
}

describe("a writer refuses to go on with a log", () => {
  const NOT_HELD = "its database does not hold entry 3 as it was recorded";

  it.each<readonly [string, (path: string, before: Uint8Array) => Promise<void> | void, string, number | undefined]>([
    ["whose tail was cut", (path) => truncateSync(`${path}-tail`, 400), "audit.db-tail has been cut", undefined],
    ["whose database is gone", (path) => rmSync(path), "its database file has disappeared", undefined],
    ["whose tail is gone, and what was in it too", (path) => rmSync(`${path}-tail`), NOT_HELD, 3],
    [
      "whose tail is gone, and the database is another log's",
      async (path) => {
        rmSync(`${path}-tail`);
        put(path, await foreign());
      },
      NOT_HELD,
      3,
    ],
    [
      "whose last entry is in its tail again, as another",
      (path) => {
        const last = readFileSync(`${path}-tail`, "utf8").split("\n").at(-2) ?? "";
        const body = renamed(last.slice(65));
        appendFileSync(`${path}-tail`, formatLine({ hash: sha256(body), body }));
      },
      "entry 3 is not as it was recorded",
      3,
    ],
    [
      "with something else at its tail's end",
      (path) => appendFileSync(`${path}-tail`, "else\n"),
      "entry 4 is damaged",
      4,
    ],
  ])("%s", async (_name, change, what, seq) => {
    const writers = new Writers();
    const one = await writers.open();
    await append(one, 3);
    await change(writers.path, readFileSync(writers.path));
    await expectRefusal(writers, one, what, seq);
  });

  it.each<readonly [string, (closed: Uint8Array, early: Uint8Array) => Promise<Uint8Array> | Uint8Array]>([
    ["an earlier one", (_, early) => early],
    ["one of another log", foreign],
    ["one that was made anew", (closed) => rewritten(closed, 2, renamed, "onwards")],
    ["one without its last entry", (closed) => altered(closed, "DELETE FROM entries WHERE seq = 3")],
    [
      "one without its first entries, which lie in no segment",
      (closed) => altered(closed, "UPDATE entries SET seq = seq + 9"),
    ],
  ])("whose database is %s", async (_name, changed) => {
    const writers = new Writers();
    await writers.passBy(1);
    const early = readFileSync(writers.path);
    await writers.passBy(2);
    const closed = readFileSync(writers.path);
    const one = await writers.open();
    put(writers.path, await changed(closed, early));
    const error: unknown = await append(one).catch((caught: unknown) => caught);
    expect(AuditCorruptError.isInstance(error)).toBe(true);
    expect(String(error)).toMatch(/its database does not hold entry 3 as it was recorded|entry 12 is damaged/);
    // What the files hold is for verification to judge. A writer leaves it as it is.
    expect(filesBeside(writers.path).filter((name) => name.includes("tail"))).toEqual([]);
  });

  it.each<readonly [string, (path: string, olds: Olds) => Promise<void> | void, RegExp]>([
    ["whose tail is an earlier copy", (path, { tail }) => put(`${path}-tail`, tail), /entries 4 to 6 have disappeared/],
    [
      "whose tail is an earlier copy, and its database too",
      (path, { tail, database }) => {
        put(`${path}-tail`, tail);
        put(path, database);
      },
      /its database does not hold entry 1/,
    ],
    [
      "whose tail is a copy without anything behind its first line",
      (path, { tail }) => put(`${path}-tail`, tail.subarray(0, tail.indexOf("\n") + 1)),
      /entries 2 to 6 have disappeared/,
    ],
    [
      "whose tail has nothing but a beginning behind its last entry",
      (path) => {
        const lines = readFileSync(`${path}-tail`, "utf8").split("\n").slice(0, -1);
        const [header, last] = [lines[0], lines.at(-1)];
        const { log } = JSON.parse(header?.slice(65) ?? "") as { readonly log: string };
        const { seq } = JSON.parse(last?.slice(65) ?? "") as { readonly seq: number };
        put(`${path}-tail`, tailOf(log, { seq, hash: last?.slice(0, 64) ?? "" }));
      },
      /its database does not hold entry 6/,
    ],
    [
      "whose tail is a copy with another last entry",
      (path) => {
        const lines = readFileSync(`${path}-tail`, "utf8").split("\n").slice(0, -2);
        const last = JSON.parse(lines.at(-1)?.slice(65) ?? "") as { readonly seq: number; readonly log: string };
        const head = { seq: last.seq, hash: lines.at(-1)?.slice(0, 64) ?? "" };
        put(
          `${path}-tail`,
          `${lines.join("\n")}\n${formatLine(new PreparedEntry(CONTENT).follow(head, last.log, T1))}`,
        );
      },
      /entry 6 is not as it was recorded/,
    ],
    ["whose database is an earlier copy", (path, { database }) => put(path, database), /no longer holds entry 1/],
    ["whose database was written into", (path) => writeFileSync(path, "else"), /not a readable SQLite file/],
    ["whose database is another log's", async (path) => put(path, await foreign()), /no longer holds entry 1/],
    [
      "whose database is a directory",
      (path) => {
        rmSync(path);
        mkdirSync(path);
      },
      /EISDIR|directory/,
    ],
  ])("%s, while the other file goes on", async (_name, change, what) => {
    const writers = new Writers();
    const one = await writers.open();
    const database = readFileSync(writers.path);
    await writers.passBy(1);
    await append(one, 2);
    const tail = readFileSync(`${writers.path}-tail`);
    await append(one, 3);
    await change(writers.path, { tail, database });
    const error: unknown = await append(one).catch((caught: unknown) => caught);
    expect(CapFenceError.isInstance(error)).toBe(true);
    expect(String(error)).toMatch(what);
    await expect(one.append(decision())).rejects.toBe(error);
  });

  it("whose files are earlier copies, when everything was in its database", async () => {
    const writers = new Writers();
    const one = await writers.open();
    const database = readFileSync(writers.path);
    await append(one, 2);
    const tail = readFileSync(`${writers.path}-tail`);
    await writers.passBy(1);
    await one.propose(() => ({ entries: [], answer: undefined }));
    put(writers.path, database);
    put(`${writers.path}-tail`, tail);
    await expectRefusal(writers, one, "entries 3 to 3 have disappeared", undefined);
  });

  it.each([0, 2])(
    "whose database is an earlier copy beside a tail that is new to it, with %d entries more",
    async (more) => {
      const writers = new Writers();
      const one = await writers.open();
      const database = readFileSync(writers.path);
      await append(one, 2);
      await writers.passBy(1);
      await one.propose(() => ({ entries: [], answer: undefined }));
      const other = await writers.open();
      await append(other, 1 + more);
      put(writers.path, database);
      await expectRefusal(writers, one, "its database does not hold entry 3", 3);
      await expectRefusal(writers, other, "its database no longer holds entry 3", 3);
    },
  );

  it("goes on where what became of its files is a fold that was cut short, or a copy of the same", async () => {
    const writers = new Writers();
    const one = await writers.open();
    await append(one, 2);
    const tail = readFileSync(`${writers.path}-tail`);
    await writers.passBy(1);
    // A crash between the new database and the new tail leaves the old tail.
    put(`${writers.path}-tail`, tail);
    const late = await writers.open();
    await append(late, 1);
    put(writers.path, readFileSync(writers.path));
    await append(late, 1);
    put(`${writers.path}-tail`, readFileSync(`${writers.path}-tail`));
    await append(late, 1);
    await late.close();
    await writers.expectChain(6);
  });

  it("whose segment that its last entry lies in is elsewhere, which is no contradiction", async () => {
    const writers = new Writers(4);
    await writers.passBy(1);
    const one = await writers.open();
    for (let times = 0; times < 3; times += 1) await writers.passBy(3);
    for (const { path } of listSegments(nodeFiles, writers.path)) rmSync(path);
    const error: unknown = await append(one).catch((caught: unknown) => caught);
    expect(AuditUnavailableError.isInstance(error)).toBe(true);
    expect(String(error)).toContain("entry 1 lies in a part of the log that is elsewhere. Open it anew");
    await expect(one.append(decision())).rejects.toBe(error);
    expect(await append(await writers.open())).toMatchObject({ seq: expect.any(Number) as number });
  });

  it.each<readonly [string, (log: string, head: Head) => string, string, number | undefined]>([
    ["belongs to another log", (_, head) => tailOf("f".repeat(32), head), "its tail belongs to another log", undefined],
    [
      "follows another entry",
      (log) => tailOf(log, { seq: 3, hash: "f".repeat(64) }),
      "its tail does not follow entry 3",
      3,
    ],
    [
      "begins too late",
      (log) => tailOf(log, { seq: 5, hash: "f".repeat(64) }),
      "entries 4 to 5 are missing",
      undefined,
    ],
    ["begins with something else", () => "else\n", "audit.db-tail is damaged", undefined],
    [
      "goes on with another entry",
      (log, head) =>
        tailOf(log, head, formatLine(new PreparedEntry(CONTENT).follow({ seq: 3, hash: "f".repeat(64) }, log, T1))),
      "entry 4: it does not follow entry 3 as that stands",
      4,
    ],
    [
      "goes on with an entry of another log",
      (log, head) => tailOf(log, head, formatLine(new PreparedEntry(CONTENT).follow(head, "0".repeat(32), T1))),
      "entry 4: it belongs to another log",
      4,
    ],
  ])("whose new tail %s", async (_name, tail, what, seq) => {
    const writers = new Writers();
    const one = await writers.open();
    const head = await append(one, 3);
    await writers.passBy(0);
    put(`${writers.path}-tail`, tail(one.identity, head));
    await expectRefusal(writers, one, what, seq);
  });
});

/** Content of no consequence. */
const CONTENT = { kind: "policy", policy: "p", previous: "q" } as const;

/** Expects a writer to refuse its next append, to have stopped for good, and to have written nothing. */
async function expectRefusal(writers: Writers, one: LogWriter, what: string, seq: number | undefined): Promise<void> {
  const error: unknown = await append(one).catch((caught: unknown) => caught);
  if (!AuditCorruptError.isInstance(error)) throw error;
  expect(error.message).toContain(what);
  expect(error.seq).toBe(seq);
  expect(error.path).toBe(writers.path);
  await expect(one.append(decision())).rejects.toBe(error);
  await expect(one.close()).rejects.toBe(error);
}
