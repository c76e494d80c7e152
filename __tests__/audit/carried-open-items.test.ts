import { describe, expect, it } from "vitest";

import { ChainCheck } from "../../src/audit/checks/chain-check.ts";
import type { VerifyProblem } from "../../src/audit/checks/findings.ts";
import { nodeFiles } from "../../src/audit/file/files.ts";
import { PreparedEntry, type EntryContent } from "../../src/audit/format/entry.ts";
import { AuditLog } from "../../src/audit/log.ts";
import { reportOf } from "../../src/audit/verify.ts";
import { request } from "./recorded-approvals.ts";
import { decision, newLogPath, storedEntries, type Stored } from "./sample-log.ts";
import { sha256 } from "./tampering.ts";

const DIFFERENT = "what it carries on of approvals is not what the entries before it come to";
const DAMAGED = "its text and its hash do not agree";

/** A log in segments in which a request is open all the time, and another one from the second segment on. */
async function newLogWithRequests(): Promise<readonly Stored[]> {
  const path = newLogPath();
  for (const id of ["first", "second", "third"]) {
    const log = new AuditLog(path, { files: nodeFiles, now: Date.now, segmentEntries: 4 });
    const { v: _, log: __, prev: ___, seq: ____, ts: _____, ...content } = request(0, id).entry;
    const expires = "2126-01-01T00:00:00.000Z";
    await log.append(new PreparedEntry({ ...content, expires } as unknown as EntryContent));
    for (let n = 0; n < 4; n += 1) await log.append(decision());
    await log.close();
  }
  return storedEntries(path);
}

let made: Promise<readonly Stored[]> | undefined;

/** Always the same one. */
function logWithRequests(): Promise<readonly Stored[]> {
  made ??= newLogWithRequests();
  return made;
}

/** The entries with the text of one changed, and all from there on chained to it again. */
function madeAnew(entries: readonly Stored[], at: number, change: (body: string) => string): readonly Stored[] {
  let previous: { readonly old: string; readonly hash: string } | undefined;
  return entries.map((each) => {
    if (each.seq < at) return each;
    const body =
      previous === undefined
        ? change(each.body)
        : each.body.replace(`"prev":"${previous.old}"`, `"prev":"${previous.hash}"`);
    const hash = sha256(body);
    previous = { old: each.hash, hash };
    return { ...each, body, hash };
  });
}

function problemsOf(entries: readonly Stored[]): readonly VerifyProblem[] {
  const check = new ChainCheck([]);
  for (const { seq, hash, body } of entries) check.stored(seq, hash, body);
  return reportOf(check).problems;
}

/** The places of the entries that say this. */
function placesOf(entries: readonly Stored[], text: string): readonly number[] {
  return entries.filter(({ body }) => body.includes(text)).map(({ seq }) => seq);
}

/** Another request in the place of one. */
function renamed(body: string): string {
  return body.replace('"id":"first"', '"id":"other"');
}

function damaged(entries: readonly Stored[], at: number): readonly Stored[] {
  return entries.map((each) => (each.seq === at ? { ...each, body: `${each.body} ` } : each));
}

describe("what a segment entry carries on", () => {
  it("is held against the entries before it", async () => {
    const entries = await logWithRequests();
    const segments = placesOf(entries, '"kind":"segment"');
    expect(segments.length).toBeGreaterThan(1);
    expect(problemsOf(entries)).toEqual([]);
    for (const at of segments) {
      for (const change of [renamed, (body: string) => body.replace(/"open":\{.*?\]\},/, "")]) {
        const [first] = problemsOf(madeAnew(entries, at, change));
        expect(first).toEqual({ seq: at, what: DIFFERENT });
      }
    }
  });

  it("is believed where an entry before it is damaged or missing, and held against what comes from there on", async () => {
    const entries = await logWithRequests();
    const [asked = 0] = placesOf(entries, '"status":"requested"');
    const [one = 0, other = 0] = placesOf(entries, '"kind":"segment"');
    expect(problemsOf(damaged(entries, asked))).toEqual([{ seq: asked, what: DAMAGED }]);
    expect(problemsOf(entries.filter(({ seq }) => seq !== asked))).toEqual([{ seq: asked, what: "it is missing" }]);
    // The entries before the first segment entry are not known, so it may say anything, and the next must say the same.
    expect(problemsOf(damaged(madeAnew(entries, one, renamed), asked))).toEqual([
      { seq: asked, what: DAMAGED },
      { seq: other, what: DIFFERENT },
      ...placesOf(entries, '"kind":"segment"')
        .slice(2)
        .map((seq) => ({ seq, what: DIFFERENT })),
    ]);
    expect(problemsOf(madeAnew(entries, asked, renamed)).at(0)).toEqual({
      seq: one,
      what: DIFFERENT,
    });
  });

  it("is no reason to accuse entries when an entry before it does not follow its own", async () => {
    const entries = await logWithRequests();
    const [asked = 0] = placesOf(entries, '"status":"requested"');
    const alone = entries.map((each) => {
      const body = renamed(each.body);
      return each.seq === asked ? { seq: asked, body, hash: sha256(body) } : each;
    });
    expect(problemsOf(alone)).toEqual([
      { seq: asked, what: `it is not the entry that entry ${asked + 1} was recorded after` },
    ]);
  });

  it("that is nothing which any log carries on is a problem, or unknown behind what is damaged", async () => {
    const entries = await logWithRequests();
    const [asked = 0] = placesOf(entries, '"status":"requested"');
    const [one = 0] = placesOf(entries, '"kind":"segment"');
    const changed = madeAnew(entries, one, (body) => body.replace(/"open":\{.*?\]\},/, '"open":{"requests":[7]},'));
    expect(problemsOf(changed)[0]).toEqual({ seq: one, what: DIFFERENT });
    expect(problemsOf(damaged(changed, asked))[0]).toEqual({ seq: asked, what: DAMAGED });
    expect(problemsOf(damaged(changed, asked)).map(({ seq }) => seq)).not.toContain(one);
  });
});
