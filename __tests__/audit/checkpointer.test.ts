import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { openCheckpoint } from "../../src/audit/checkpoint.ts";
import { Checkpointer, type CheckpointOptions } from "../../src/audit/checkpointer.ts";
import { generateKeys, parseVerifierKey } from "../../src/audit/note.ts";
import { temporaryDirectory } from "./sample-log.ts";

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
  return { checkpointer: new Checkpointer({ keyFile: keyFile(), to, ...options }, rethrow), sizes };
}

function rethrow(error: unknown): never {
  throw error;
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
    const checkpointer = new Checkpointer({ keyFile: keyFile(), to }, (error) => errors.push(error));
    checkpointer.appended(LOG, head(3));
    await checkpointer.close();
    expect(errors).toEqual([
      expect.objectContaining({ message: expect.stringContaining("is not replaced") as string }),
    ]);
    expect(readFileSync(to, "utf8")).toBe("SQLite format 3");
  });

  it("leave one alone that vouches for a longer log", async () => {
    const to = join(temporaryDirectory(), "checkpoint");
    const long = collecting({ to });
    long.checkpointer.appended(LOG, head(8));
    await long.checkpointer.close();
    const before = readFileSync(to, "utf8");
    const errors: unknown[] = [];
    const short = new Checkpointer({ keyFile: keyFile(), to }, (error) => errors.push(error));
    short.appended(LOG, head(3));
    await short.close();
    expect(errors).toEqual([expect.objectContaining({ message: expect.stringContaining("9 entries") as string })]);
    expect(readFileSync(to, "utf8")).toBe(before);
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
    const checkpointer = new Checkpointer(options, (error) => errors.push(error));
    checkpointer.appended(LOG, head(1));
    checkpointer.appended(LOG, head(2));
    await checkpointer.close();
    expect(errors).toEqual([new Error("no room")]);
    expect(calls).toBe(2);
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
