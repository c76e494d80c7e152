/** Scripted lives of a log, to be gone through once for each file-system call that can fail in them. */

import { expect } from "vitest";

import type { Head } from "../../src/audit/format/entry.ts";
import type { AuditFiles } from "../../src/audit/file/files.ts";
import { AuditLog } from "../../src/audit/log.ts";
import { verifyLog } from "../../src/audit/verify.ts";
import { AuditUnavailableError } from "../../src/errors.ts";
import { FaultyFiles, type Fault, type Manner, type Method } from "./faulty-files.ts";
import { decision, expectOneChain, newLogPath, placeLog, sampleFiles } from "./sample-log.ts";

const { genesis, tail } = await sampleFiles();

/** A life of a log: five entries, closing, opening again, and three more. */
export interface Script {
  readonly name: string;
  /** Makes what is there before; answers the log's path. */
  readonly prepare: () => string;
  /** Entries at which a database is sealed. */
  readonly segmentEntries: number;
}

export const SCRIPTS: readonly Script[] = [
  { name: "a new log", prepare: newLogPath, segmentEntries: 8_192 },
  {
    name: "a log that a crash left with an unfinished write",
    prepare: () => placeLog(genesis, Buffer.concat([tail, Buffer.from("0123")])),
    segmentEntries: 8_192,
  },
  { name: "a log that is sealed again and again", prepare: newLogPath, segmentEntries: 2 },
];

/** Every way in which one call of the script can fail. */
export async function faultsOf(script: Script, codes: readonly string[]): Promise<Fault[]> {
  const counting = new FaultyFiles();
  const { errors } = await live(script, script.prepare(), counting.files);
  expect(errors).toEqual([]);
  return [...counting.counts].flatMap(([method, calls]) =>
    Array.from({ length: calls }, (_, index) => index + 1).flatMap((call) =>
      codes.flatMap((code) => manners(method).map((manner) => ({ method, call, code, manner }))),
    ),
  );
}

function manners(method: Method): readonly Manner[] {
  // A failing close(2) closes all the same.
  if (method === "close") return ["after"];
  return method === "append" ? ["before", "half-way", "after"] : ["before", "after"];
}

/**
 * Goes through the script with these faults, and then on with the real files. Expects every append to end, nothing that
 * was acknowledged to be lost, nothing but {@link AuditUnavailableError}, no append after a failed one to pass in the
 * same log, and the whole to verify.
 */
export async function expectToSurvive(script: Script, ...faults: readonly Fault[]): Promise<void> {
  const where = faults.map(({ method, call, code, manner }) => `${method} ${call} ${code} ${manner}`).join(", ");
  const path = script.prepare();
  const faulty = new FaultyFiles(...faults);
  const { acknowledged, errors } = await live(script, path, faulty.files);
  // One of two can turn the script away from where the other lies.
  expect(faulty.struck.length, where).toBeGreaterThan(0);
  for (const error of errors) {
    if (!AuditUnavailableError.isInstance(error)) throw new Error(where, { cause: error });
  }
  const again = await session(script, path, new FaultyFiles().files, 1);
  expect(again.errors, where).toEqual([]);
  expect((await verifyLog(path)).problems, where).toEqual([]);
  const hashes = new Map(expectOneChain(path).map(({ seq, hash }) => [seq, hash]));
  for (const { seq, hash } of [...acknowledged, ...again.acknowledged]) expect(hashes.get(seq), where).toBe(hash);
}

/** What came of a life, or of one opening of a log. */
interface Result {
  readonly acknowledged: readonly Head[];
  readonly errors: readonly unknown[];
}

async function live(script: Script, path: string, files: AuditFiles): Promise<Result> {
  const first = await session(script, path, files, 5);
  const second = await session(script, path, files, 3);
  return {
    acknowledged: [...first.acknowledged, ...second.acknowledged],
    errors: [...first.errors, ...second.errors],
  };
}

/** Opens a log, appends so many entries one after the other, and closes it. */
async function session({ segmentEntries }: Script, path: string, files: AuditFiles, appends: number): Promise<Result> {
  const log = new AuditLog(path, { files, now: Date.now, segmentEntries });
  const acknowledged: Head[] = [];
  const errors: unknown[] = [];
  let isOpen = false;
  let hasFailed = false;
  for (let n = 0; n < appends; n += 1) {
    try {
      acknowledged.push(await log.append(decision({ payload: { n } })));
      // A log that could not be opened is tried again; one that failed once it was open stays closed.
      if (hasFailed) errors.push(new Error("appended after a failure"));
      isOpen = true;
    } catch (error) {
      errors.push(error);
      hasFailed = isOpen;
    }
  }
  await log.close().catch((error: unknown) => errors.push(error));
  return { acknowledged, errors };
}
