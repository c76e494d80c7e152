import { describe, expect, it } from "vitest";

import { ChainCheck } from "../../src/audit/checks/chain-check.ts";
import type { VerifyProblem } from "../../src/audit/checks/findings.ts";
import { reportOf } from "../../src/audit/verify.ts";
import { placeLog, sampleFiles, storedEntries, type Stored } from "./sample-log.ts";
import { sha256 } from "./tampering.ts";

const { closed } = await sampleFiles();

const TWICE = "it is there twice, and the two are not the same";
const HALF = "it is missing in one of the parts that hold it";

/** What is said of entries that lie in a list, each with its number and hash beside it, in this order. */
function problemsOf(entries: readonly Stored[]): readonly VerifyProblem[] {
  const check = new ChainCheck([]);
  for (const { seq, hash, body } of entries) check.stored(seq, hash, body);
  return reportOf(check).problems;
}

/** An entry with members added, and the hash that fits. */
function madeAnew({ seq, body }: Stored, members: object): Stored {
  const changed = JSON.stringify({ ...(JSON.parse(body) as object), ...members });
  return { seq, body: changed, hash: sha256(changed) };
}

describe("verification of entries in a list", () => {
  it.each<readonly [string, (entries: readonly Stored[]) => readonly (Stored | undefined)[], readonly VerifyProblem[]]>(
    [
      ["all of them", (entries) => entries, []],
      ["none of them", () => [], [{ what: "it has no entries" }]],
      ["one missing", ([zero, one, , three, four]) => [zero, one, three, four], [{ seq: 2, what: "it is missing" }]],
      ["the last twice", (entries) => [...entries, entries[4]], [{ seq: 5, what: HALF }]],
      [
        "the last again with another text",
        (entries) => [...entries, { seq: 4, hash: entries[3]?.hash ?? "", body: entries[3]?.body ?? "" }],
        [
          { seq: 5, what: HALF },
          { seq: 4, what: TWICE },
        ],
      ],
      [
        "one again after others, though they should come in order",
        ([zero, one, two]) => [zero, one, two, one],
        [
          { seq: 3, what: HALF },
          { seq: 1, what: TWICE },
        ],
      ],
      [
        "one with another text under its hash",
        ([zero, one, ...others]) => [zero, { seq: 1, hash: one?.hash ?? "", body: zero?.body ?? "" }, ...others],
        [{ seq: 1, what: "its text and its hash do not agree" }],
      ],
      [
        "one of a kind that is not known, in the middle",
        ([zero, one, two, three, four]) => [zero, one, two && madeAnew(two, { kind: "note" }), three, four],
        [{ seq: 2, what: "its kind is not known" }],
      ],
      [
        "the first ones missing, and the first that is there damaged",
        ([, , two, ...others]) => [two && { ...two, body: `${two.body} ` }, ...others],
        [
          { seq: 2, what: "its text and its hash do not agree" },
          { seq: 1, what: "entries 0 to 1 are missing, and no later entry names them" },
        ],
      ],
      [
        "the first ones missing, and an entry of another kind that names them",
        ([, one, two, three]) => [two, three && madeAnew(three, { last: 1, head: one?.hash })],
        [{ seq: 1, what: "entries 0 to 1 are missing, and no later entry names them" }],
      ],
    ],
  )("%s", (_name, chosen, said) => {
    const list = chosen(storedEntries(placeLog(closed))).filter((each) => each !== undefined);
    expect(problemsOf(list)).toStrictEqual(said);
  });

  it("says how many entries there are when more are asked for", () => {
    expect(reportOf(new ChainCheck([]), 1).problems).toEqual([
      { what: "it has no entries" },
      { what: "it has 0 entries, and 1 are asked for" },
    ]);
  });

  it("answers what is sound in itself, and nothing for what is not", () => {
    const [zero, one] = storedEntries(placeLog(closed));
    const check = new ChainCheck([]);
    expect(check.stored(0, zero?.hash ?? "", zero?.body ?? "")).toMatchObject({ kind: "genesis", seq: 0 });
    expect(check.stored(1, zero?.hash ?? "", one?.body ?? "")).toBeUndefined();
  });

  it("is the same where nothing but the entries is in the list", () => {
    const check = new ChainCheck([]);
    for (const { seq, hash, body } of storedEntries(placeLog(closed))) {
      check.entry({ seq, hash, body, entry: JSON.parse(body) });
    }
    expect(reportOf(check)).toMatchObject({ intact: true, entries: 4, last: { seq: 4 } });
  });
});
