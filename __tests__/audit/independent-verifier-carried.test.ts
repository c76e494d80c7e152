import { describe, expect, it } from "vitest";

import { parseEntry } from "../../src/audit/format/entry.ts";
import { bothVerdicts, hasPython, type Files } from "./both-verifiers.ts";
import { closed, LINES } from "./tampered-logs.ts";
import { altered, sha256 } from "./tampering.ts";

const HEAD = "ab".repeat(32);
// The first entry behind the tail's first line.
const { log = "", ts = "" } = parseEntry((LINES[1] ?? "").slice(65, -1)) ?? {};

/** A log of two entries that name absent segments, each of which carries this text on, as somebody wrote it. */
function carrying(...opens: readonly string[]): Files {
  const bytes = altered(closed, (database) => {
    database.run("DELETE FROM entries");
    let prev = HEAD;
    for (const [index, open] of opens.entries()) {
      const said = `"digest":"x","first":0,"head":"${HEAD}","kind":"segment","last":4`;
      const text = `{${said},"log":"${log}",${open === "" ? "" : `"open":${open},`}"prev":"${prev}","seq":${5 + index},"ts":"${ts}","v":1}`;
      prev = sha256(text);
      database.run("INSERT INTO entries (seq, hash, body, ts, kind) VALUES (?, ?, ?, ?, 'segment')", [
        5 + index,
        prev,
        text,
        ts,
      ]);
    }
  });
  return { "audit.db": bytes };
}

const PLAIN = { actor: "a", capability: "c", environment: "e", expires: "2099-01-01T00:00:00.000Z", ts, seq: 2 };
const ASKED = { event: "v", action: "b", resource: "r", policy: "p", digest: "d", shown: "s", status: "requested" };
const REQUEST = { answers: [], entry: { ...PLAIN, ...ASKED, kind: "approval", id: "A" }, hash: "h" };
const ANSWER = { entry: { id: "A", of: 2, request: "h", by: "b", user: "u", status: "approved", seq: 3 }, hash: "i" };
const GRANT = { entry: { ...PLAIN, kind: "grant", id: "G", by: "b", user: "u", uses: 3 }, hash: "h", left: 2 };
const ENDED = { hash: "h", id: "E", seq: 1, status: "expired" };

/** What some entries come to. */
const POSSIBLE: Readonly<Record<string, string>> = {
  nothing: "",
  "a request": JSON.stringify({ requests: [REQUEST] }),
  "a request with an answer": JSON.stringify({ requests: [{ ...REQUEST, answers: [ANSWER] }] }),
  "a grant": JSON.stringify({ grants: [GRANT] }),
  "a request that has ended": JSON.stringify({ ended: [ENDED] }),
};

const OTHERS = [5, "x", "\ud800", null, true, 1.5, [], ["x"], { toString: 1 }, "consumed"];

/** One member of an item with something else in it, or without it. */
function others(item: Readonly<Record<string, unknown>>, member: string): readonly object[] {
  const { [member]: _, ...rest } = item;
  return [rest, ...OTHERS.map((value) => ({ ...item, [member]: value }))];
}

const EDITED: readonly string[] = [
  ...Object.keys(REQUEST).flatMap((member) => others(REQUEST, member).map((each) => ({ requests: [each] }))),
  ...["seq", "id"].flatMap((member) =>
    others(REQUEST.entry, member).map((entry) => ({ requests: [{ ...REQUEST, entry }] })),
  ),
  ...Object.keys(ANSWER).flatMap((member) =>
    others(ANSWER, member).map((answer) => ({ requests: [{ ...REQUEST, answers: [answer] }] })),
  ),
  ...["seq", "of", "request"].flatMap((member) =>
    others(ANSWER.entry, member).map((entry) => ({ requests: [{ ...REQUEST, answers: [{ ...ANSWER, entry }] }] })),
  ),
  ...Object.keys(GRANT).flatMap((member) => others(GRANT, member).map((each) => ({ grants: [each] }))),
  ...Object.keys(ENDED).flatMap((member) => others(ENDED, member).map((each) => ({ ended: [each] }))),
  { ended: [{ id: null }, { id: "null" }] },
  { ended: [{ id: "None" }, {}] },
].map((each) => JSON.stringify(each));

const UNUSUAL: readonly string[] = [
  JSON.stringify({ grants: [GRANT] }).replace('"left":2', '"left":1e400'),
  JSON.stringify({ grants: [GRANT] }).replace('"left":2', '"left":2.0'),
  JSON.stringify({ ended: [ENDED] }).replace('"seq":1', '"seq":1e400'),
  JSON.stringify({ ended: [ENDED] }).replace('"expired"', `${"[".repeat(20_000)}${"]".repeat(20_000)}`),
  JSON.stringify({ ended: [ENDED] }).replace('"h"', `${"[".repeat(20_000)}${"]".repeat(20_000)}`),
];

describe.skipIf(!hasPython)(
  "of what a log that begins late carries on, the independent verifier (needs python3)",
  () => {
    it("thinks as ours does: what some entries come to is gone on from", async () => {
      const logs = new Map(Object.entries(POSSIBLE).map(([name, open]) => [name, carrying(open, open)]));
      for (const [name, open] of Object.entries(POSSIBLE)) {
        if (open !== "") logs.set(`${name}, and then nothing`, carrying(open, ""));
      }
      const { ours, theirs } = await bothVerdicts(logs);
      expect(theirs).toEqual(ours);
      for (const [name, verdict] of Object.entries(ours)) {
        if (name.endsWith("nothing") && name !== "nothing")
          expect({ name, verdict }).toEqual({ name, verdict: { broken: 6 } });
        else expect({ name, verdict }).toEqual({ name, verdict: expect.objectContaining({ from: 5 }) });
      }
    });

    it("thinks as ours does of what nothing comes to", async () => {
      const logs = new Map(
        [...EDITED, ...UNUSUAL].map((open, index) => [`${index}: ${open.slice(0, 400)}`, carrying(open, "")]),
      );
      const { ours, theirs } = await bothVerdicts(logs);
      expect(theirs).toEqual(ours);
    });
  },
);
