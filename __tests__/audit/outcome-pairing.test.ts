import { describe, expect, it } from "vitest";

import type { Entry } from "../../src/audit/format/entry.ts";
import { OutcomePairing } from "../../src/audit/checks/outcome-pairing.ts";

const frame = { v: 1, log: "", prev: "", ts: "" };

function decided(seq: number, authorized = true): Entry {
  return { ...frame, seq, kind: "decision", authorized } as Entry;
}

function ended(seq: number, of: number): Entry {
  return { ...frame, seq, kind: "outcome", of } as Entry;
}

describe("pairing decisions with outcomes", () => {
  it.each<[string, Entry[], number, number]>([
    ["a call that ended", [decided(1), ended(2, 1)], 0, 0],
    ["a call without an end", [decided(1)], 1, 0],
    ["a denied call has no end to wait for", [decided(1, false)], 0, 0],
    ["the end of a denied call", [decided(1, false), ended(2, 1)], 0, 1],
    ["two ends of one call", [decided(1), ended(2, 1), ended(3, 1)], 0, 1],
    ["the end of no call", [decided(1), ended(2, 7)], 1, 1],
    ["ends in another order", [decided(1), decided(2), ended(3, 2), ended(4, 1)], 0, 0],
    ["the end of a call that lies before the first entry", [decided(100), ended(101, 99), ended(102, 100)], 0, 0],
    ["an entry of another kind that says what a decision says", [{ ...decided(1), kind: "policy" } as Entry], 0, 0],
    [
      "an entry of another kind that says what an outcome says",
      [decided(1), { ...ended(2, 1), kind: "approval" } as Entry, { ...ended(3, 2), kind: "approval" } as Entry],
      1,
      0,
    ],
    ["wild numbers", [decided(1), decided(2 ** 40), ended(2 ** 40 + 1, 2 ** 40)], 1, 0],
  ])("%s", (_name, entries, withoutOutcome, withoutDecision) => {
    const pairing = new OutcomePairing();
    for (const entry of entries) pairing.add(entry.seq, entry);
    expect(pairing).toMatchObject({ withoutOutcome, withoutDecision });
  });

  it("keeps thousands of open calls apart", () => {
    const pairing = new OutcomePairing();
    for (let seq = 0; seq < 100_000; seq += 1) pairing.add(seq, decided(seq));
    for (let seq = 0; seq < 100_000; seq += 2) pairing.add(100_000 + seq, ended(100_000 + seq, seq));
    expect(pairing).toMatchObject({ withoutOutcome: 50_000, withoutDecision: 0 });
  });
});
