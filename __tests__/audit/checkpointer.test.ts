import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { openCheckpoint, signCheckpoint } from "../../src/audit/checkpoints/checkpoint.ts";
import { Checkpointer, type CheckpointOptions } from "../../src/audit/checkpoints/checkpointer.ts";
import type { Head, StoredEntry } from "../../src/audit/format/entry.ts";
import { AuditLog } from "../../src/audit/log.ts";
import { generateKeys, parseSignerKey, parseVerifierKey } from "../../src/note.ts";
import { readEntries } from "../../src/audit/read.ts";
import { decision, newLogPath, storedEntries, temporaryDirectory } from "./sample-log.ts";
import { altered, rewritten } from "./tampering.ts";

const LOG = "0123456789abcdef".repeat(2);
const { signer, verifier } = generateKeys("test");

function keyFile(): string {
  const file = join(temporaryDirectory(), "key");
  writeFileSync(file, signer);
  return file;
}

function head(seq: number): { readonly seq: number; readonly hash: string } {
  return { seq, hash: String(seq % 10).repeat(64) };
}

/** A checkpointer and the sizes of the checkpoints it has made. */
function collecting(options: Partial<CheckpointOptions> = {}): {
  readonly checkpointer: Checkpointer;
  readonly sizes: number[];
} {
  const sizes: number[] = [];
  const to = (note: string): void => {
    sizes.push(openCheckpoint(note, [parseVerifierKey(verifier)]).size);
  };
  return { checkpointer: new Checkpointer({ keyFile: keyFile(), to, ...options }, unread, rethrow), sizes };
}

interface Given {
  readonly size: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** A checkpointer whose checkpoints are taken when, and if, the test says so. */
function answering(options: Partial<CheckpointOptions> = {}): {
  readonly checkpointer: Checkpointer;
  readonly given: Given[];
  readonly errors: unknown[];
} {
  const given: Given[] = [];
  const errors: unknown[] = [];
  const to = async (note: string): Promise<void> => {
    const { size } = openCheckpoint(note, [parseVerifierKey(verifier)]);
    await new Promise<void>((resolve, reject) => given.push({ size, resolve, reject }));
  };
  const all = { keyFile: keyFile(), to, ...options };
  return { checkpointer: new Checkpointer(all, unread, (error) => errors.push(error)), given, errors };
}

function rethrow(error: unknown): never {
  throw error;
}

/** For those that have no reason to look into the log. */
function unread(): never {
  throw new Error("the log was read");
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("checkpoints while a log is written", () => {
  it("are made after so many entries", async () => {
    const { checkpointer, sizes } = collecting({ everyEntries: 3 });
    for (let seq = 1; seq <= 7; seq += 1) checkpointer.appended(LOG, head(seq));
    await vi.advanceTimersByTimeAsync(0);
    expect(sizes).toEqual([4, 7]);
  });

  it("are made after so many seconds, once for all that was appended", async () => {
    const { checkpointer, sizes } = collecting({ everySeconds: 5 });
    checkpointer.appended(LOG, head(1));
    await vi.advanceTimersByTimeAsync(4_999);
    checkpointer.appended(LOG, head(2));
    expect(sizes).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(sizes).toEqual([3]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sizes).toEqual([3]);
  });

  it("are made when the log is closed, if there is something new", async () => {
    const { checkpointer, sizes } = collecting();
    checkpointer.appended(LOG, head(1));
    await checkpointer.close();
    await checkpointer.close();
    expect(sizes).toEqual([2]);
  });

  it("never go back, in whatever order appends are acknowledged", async () => {
    const { checkpointer, sizes } = collecting({ everyEntries: 1 });
    for (const seq of [5, 3, 6, 4]) checkpointer.appended(LOG, head(seq));
    await checkpointer.close();
    expect(sizes).toEqual([6, 7]);
  });

  it("cover the latest entry, though an earlier one is acknowledged after it", async () => {
    const { checkpointer, sizes } = collecting();
    for (const seq of [5, 3]) checkpointer.appended(LOG, head(seq));
    await checkpointer.close();
    expect(sizes).toEqual([6]);
  });

  it("are not made of a log to which nothing was appended", async () => {
    const { checkpointer, sizes } = collecting();
    await checkpointer.close();
    expect(sizes).toEqual([]);
  });

  it.each([0.001, 86_400])("can be made every %s seconds", async (everySeconds) => {
    const { checkpointer, sizes } = collecting({ everySeconds });
    checkpointer.appended(LOG, head(1));
    await vi.advanceTimersByTimeAsync(everySeconds * 1000);
    expect(sizes).toEqual([2]);
  });

  it("replace the one before in a file, whole", async () => {
    const to = join(temporaryDirectory(), "checkpoint");
    const { checkpointer } = collecting({ to, everyEntries: 1 });
    checkpointer.appended(LOG, head(1));
    checkpointer.appended(LOG, head(2));
    await checkpointer.close();
    expect(openCheckpoint(readFileSync(to, "utf8"), [parseVerifierKey(verifier)])).toEqual({
      log: LOG,
      size: 3,
      hash: "2".repeat(64),
      signedBy: ["test"],
    });
  });

  it("leave a file alone that is no checkpoint of theirs", async () => {
    const to = join(temporaryDirectory(), "audit.db");
    writeFileSync(to, "SQLite format 3");
    const errors: unknown[] = [];
    const checkpointer = new Checkpointer({ keyFile: keyFile(), to }, unread, (error) => errors.push(error));
    checkpointer.appended(LOG, head(3));
    await checkpointer.close();
    expect(errors).toEqual([
      expect.objectContaining({ message: expect.stringContaining("is not replaced") as string }),
    ]);
    expect(readFileSync(to, "utf8")).toBe("SQLite format 3");
  });

  it("tell of a failure and go on", async () => {
    const errors: unknown[] = [];
    let calls = 0;
    const options = {
      keyFile: keyFile(),
      everyEntries: 1,
      to: () => {
        calls += 1;
        if (calls === 1) throw new Error("no room");
      },
    };
    const checkpointer = new Checkpointer(options, unread, (error) => errors.push(error));
    checkpointer.appended(LOG, head(1));
    checkpointer.appended(LOG, head(2));
    await checkpointer.close();
    expect(errors).toEqual([new Error("no room")]);
    expect(calls).toBe(2);
  });

  it("are made again when they were not taken, after so many seconds and on closing; the same reason is told once", async () => {
    const { checkpointer, given, errors } = answering({ everySeconds: 5 });
    checkpointer.appended(LOG, head(1));
    const attempts = ["no room", "no room", "no room any more", undefined, "no room any more"];
    const told = [["no room"], [], ["no room any more"], [], ["no room any more"]];
    for (const [index, problem] of attempts.entries()) {
      // Only what is taken is over.
      if (index === 4) checkpointer.appended(LOG, head(2));
      await vi.advanceTimersByTimeAsync(5_000);
      if (problem === undefined) given[index]?.resolve();
      else given[index]?.reject(new Error(problem));
      await vi.advanceTimersByTimeAsync(0);
      expect(errors.splice(0).map((error) => (error as Error).message)).toEqual(told[index]);
    }
    const closed = checkpointer.close();
    given[5]?.resolve();
    await closed;
    expect(given.map(({ size }) => size)).toEqual([2, 2, 2, 2, 3, 3]);
    expect(errors).toEqual([]);
  });

  it("are made again at once when the log is closed while one fails", async () => {
    const { checkpointer, given, errors } = answering({ everyEntries: 1 });
    checkpointer.appended(LOG, head(1));
    const closed = checkpointer.close();
    given[0]?.reject(new Error("no room"));
    await vi.advanceTimersByTimeAsync(0);
    given[1]?.resolve();
    await closed;
    expect(given.map(({ size }) => size)).toEqual([2, 2]);
    expect(errors).toEqual([new Error("no room")]);
    // Nobody is left to make another for.
    await vi.advanceTimersByTimeAsync(100_000);
    expect(given).toHaveLength(2);
  });

  it("wait for one another, and of those that wait only the latest is made", async () => {
    const { checkpointer, given } = answering({ everyEntries: 1 });
    for (let seq = 1; seq <= 50; seq += 1) checkpointer.appended(LOG, head(seq));
    await vi.advanceTimersByTimeAsync(9_999);
    expect(given.map(({ size }) => size)).toEqual([2]);
    given[0]?.resolve();
    await vi.advanceTimersByTimeAsync(0);
    expect(given.map(({ size }) => size)).toEqual([2, 51]);
  });

  it("are told of, and stop none that come after, when they are not taken within ten seconds", async () => {
    const { checkpointer, given, errors } = answering({ everyEntries: 1 });
    checkpointer.appended(LOG, head(1));
    checkpointer.appended(LOG, head(2));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(errors).toEqual([new Error("checkpoints.to has not taken the checkpoint of entry 1 within 10 seconds")]);
    given[1]?.resolve();
    await checkpointer.close();
    expect(given.map(({ size }) => size)).toEqual([2, 3]);
    expect(errors).toHaveLength(1);
  });

  it("are not made again when they were taken late", async () => {
    const { checkpointer, given, errors } = answering({ everyEntries: 1 });
    checkpointer.appended(LOG, head(1));
    await vi.advanceTimersByTimeAsync(10_000);
    given[0]?.resolve();
    await vi.advanceTimersByTimeAsync(0);
    await checkpointer.close();
    expect(given).toHaveLength(1);
    expect(errors).toHaveLength(1);
  });

  it("are told of, when the last one is not taken within ten seconds of closing", async () => {
    const { checkpointer, errors } = answering();
    checkpointer.appended(LOG, head(1));
    const closed = checkpointer.close();
    await vi.advanceTimersByTimeAsync(10_000);
    await closed;
    expect(errors).toEqual([new Error("checkpoints.to has not taken the checkpoint of entry 1 within 10 seconds")]);
  });

  it("are told of, when closing has waited ten seconds, some of them for the one before", async () => {
    const { checkpointer, given, errors } = answering({ everyEntries: 1 });
    checkpointer.appended(LOG, head(1));
    await vi.advanceTimersByTimeAsync(3_000);
    checkpointer.appended(LOG, head(2));
    const closed = checkpointer.close();
    await vi.advanceTimersByTimeAsync(10_000);
    await closed;
    expect(given.map(({ size }) => size)).toEqual([2, 3]);
    expect(errors).toEqual([
      new Error("checkpoints.to has not taken the checkpoint of entry 1 within 10 seconds"),
      new Error("the last checkpoint was not made within 10 seconds"),
    ]);
  });

  it.each<[string, Partial<Record<keyof CheckpointOptions, unknown>>]>([
    ["to", { to: "" }],
    ["to", { to: 5 }],
    ["everyEntries", { everyEntries: 0 }],
    ["everyEntries", { everyEntries: Number.NaN }],
    ["everySeconds", { everySeconds: 0 }],
    ["everySeconds", { everySeconds: 100_000 }],
  ])("are refused with a wrong %s: %j", (name, wrong) => {
    expect(() => collecting(wrong as Partial<CheckpointOptions>)).toThrow(
      new RegExp(`^ActionRuntime: checkpoints\\.${name}`),
    );
  });

  it("are refused with a file that holds no key", () => {
    const file = join(temporaryDirectory(), "key");
    writeFileSync(file, verifier);
    expect(() => collecting({ keyFile: file })).toThrow("not a signing key");
  });
});

describe("a file that holds a checkpoint already", () => {
  beforeEach(() => {
    vi.useRealTimers();
  });

  it("that the log agrees with is replaced", async () => {
    expect(await goneOn(() => {})).toEqual({ sizes: [4, 7], errors: [] });
  });

  it.each<[string, (path: string) => Promise<void> | void, RegExp]>([
    ["of a log that was longer", shortened, /ends at entry 2|was made anew/],
    ["of a log that was made anew, and is longer by now", madeAnew, /is another log|was made anew/],
    ["of a log whose last entry was another", rewrittenAtItsEnd, /was made anew: it had another entry 3/],
    ["of another log", (path) => rmSync(path), /is another log/],
  ])("%s stays as it is", async (_name, change, message) => {
    const { sizes, errors } = await goneOn(change);
    expect(sizes).toEqual([4, 4]);
    expect(errors.length).toBeGreaterThan(0);
    for (const error of errors) expect(error).toMatch(message);
  });

  it.each([
    ["stays when it covers more", ([early, late]) => [late, early]],
    ["is replaced when it covers less", ([early, late]) => [early, late]],
  ] satisfies readonly [string, (places: [Head, Head]) => Head[]][])(
    "by another process of the same log %s",
    async (_name, ordered) => {
      const path = newLogPath();
      const to = join(temporaryDirectory(), "checkpoint");
      const log = new AuditLog(path);
      const early = await log.append(decision());
      const late = await log.append(decision());
      for (const place of ordered([early, late])) {
        const checkpointer = new Checkpointer(
          { keyFile: keyFile(), to },
          () => readEntries(path, "latest first"),
          rethrow,
        );
        checkpointer.appended(log.identity ?? "", place);
        await checkpointer.close();
      }
      await log.close();
      expect(openCheckpoint(readFileSync(to, "utf8"), [parseVerifierKey(verifier)]).size).toBe(3);
    },
  );

  it.each<[string, string | undefined, RegExp[]]>([
    ["stays when it covers more", undefined, []],
    ["stays when the log contradicts it, and is told of", "f".repeat(64), [/was made anew: it had another entry 3/]],
  ])("which another process has put there while the log was read %s", async (_name, another, messages) => {
    const path = newLogPath();
    const to = join(temporaryDirectory(), "checkpoint");
    const log = new AuditLog(path);
    const places: Head[] = [];
    for (let n = 0; n < 3; n += 1) places.push(await log.append(decision()));
    await log.close();
    const [first, second, third] = places as [Head, Head, Head];
    const hash = another ?? third.hash;
    const signed = (place: Head): string => signCheckpoint(log.identity ?? "", place, parseSignerKey(signer));
    writeFileSync(to, signed(first));
    const errors: unknown[] = [];
    const reading = (): AsyncIterable<StoredEntry> => {
      writeFileSync(to, signed({ ...third, hash }));
      return readEntries(path, "latest first");
    };
    const checkpointer = new Checkpointer({ keyFile: keyFile(), to }, reading, (error) => errors.push(error));
    checkpointer.appended(log.identity ?? "", second);
    await checkpointer.close();
    expect(openCheckpoint(readFileSync(to, "utf8"), [parseVerifierKey(verifier)])).toMatchObject({ size: 4, hash });
    expect(errors).toEqual(
      messages.map((message) => expect.objectContaining({ message: expect.stringMatching(message) as string })),
    );
  });
});

function shortened(path: string): void {
  writeFileSync(path, altered(readFileSync(path), "DELETE FROM entries WHERE seq > 1"));
}

function rewrittenAtItsEnd(path: string): void {
  writeFileSync(
    path,
    rewritten(readFileSync(path), 3, (body) => body.replace('"agent-1"', '"agent-2"')),
  );
}

async function madeAnew(path: string): Promise<void> {
  const genesis = storedEntries(path)[0]?.body;
  rmSync(path);
  const log = new AuditLog(path);
  for (let n = 0; n < 9; n += 1) await log.append(decision());
  await log.close();
  expect(storedEntries(path)[0]?.body).not.toBe(genesis);
}

/** A checkpoint of an old log in a file, and what becomes of the file when another runtime goes on with that log. */
async function goneOn(
  change: (path: string) => Promise<void> | void,
): Promise<{ readonly sizes: readonly number[]; readonly errors: readonly string[] }> {
  const path = newLogPath();
  const to = join(temporaryDirectory(), "checkpoint");
  const options = { keyFile: keyFile(), to, everyEntries: 1 };
  const errors: string[] = [];
  const sizes: number[] = [];
  for (const part of [0, 1]) {
    const log = new AuditLog(path);
    const checkpointer = new Checkpointer(
      options,
      () => readEntries(path, "latest first"),
      (error) => errors.push(String(error)),
    );
    for (let n = 0; n < 3; n += 1) checkpointer.appended(log.identity ?? "", await log.append(decision()));
    await checkpointer.close();
    await log.close();
    sizes.push(openCheckpoint(readFileSync(to, "utf8"), [parseVerifierKey(verifier)]).size);
    if (part === 0) await change(path);
  }
  return { sizes, errors };
}
