import { describe, expect, it } from "vitest";

import { verifyLog, type VerifyReport } from "../../src/audit/verify.ts";
import { writeSample } from "./sample-log.ts";
import { describeStores, type Row } from "./stores.ts";
import { sha256 } from "./tampering.ts";

/** The last of the sample's entries 0 to 4: genesis, decision, its outcome, a denial, and a decision without its payload. */
const LAST = 4;

type Change = (rows: readonly Row[]) => readonly Row[];

const without =
  (...seqs: readonly number[]): Change =>
  (rows) =>
    rows.filter(({ seq }) => !seqs.includes(Number(seq)));

const renumbered =
  (number: (seq: number) => number | bigint): Change =>
  (rows) =>
    rows.map((row) => ({ ...row, seq: number(Number(row.seq)) }));

const exchanged = (one: number, other: number): Change =>
  renumbered((seq) => (seq === one ? other : seq === other ? one : seq));

const added =
  (seq: number, as: number | bigint): Change =>
  (rows) => [...rows, ...rows.filter((row) => row.seq === seq).map((row) => ({ ...row, seq: as }))];

/** An entry's text changed and given a hash that fits; with `onwards`, all entries after it are chained to it. */
const madeAnew =
  (seq: number, change: (body: string) => string, onwards: "onwards" | "alone" = "alone"): Change =>
  (rows) => {
    let previous: { readonly old: string; readonly hash: string } | undefined;
    return rows.map((row) => {
      if (Number(row.seq) < seq || (previous !== undefined && onwards === "alone")) return row;
      const body = previous === undefined ? change(row.body) : row.body.replace(previous.old, previous.hash);
      const hash = sha256(body);
      previous = { old: row.hash, hash };
      return { ...row, body, hash };
    });
  };

const edited =
  (seq: number, changes: (row: Row) => Partial<Row>): Change =>
  (rows) =>
    rows.map((row) => (row.seq === seq ? { ...row, ...changes(row) } : row));

const allow = (body: string): string => body.replace('"decision":"deny"', '"decision":"allow"');

await describeStores("what somebody has changed", (store) => {
  /** What verification says of the sample after `change`; `first` is the first entry that a problem names. */
  async function findings(change: Change): Promise<VerifyReport & { readonly first: number | undefined }> {
    const location = store.newLog();
    await (await writeSample(location)).close();
    const rows = await store.stored(location);
    const changed = change(rows);
    expect(changed, "the change changes nothing").not.toEqual(rows);
    await store.replace(location, changed);
    const report = await verifyLog(location);
    return { ...report, first: report.problems.find(({ seq }) => seq !== undefined)?.seq };
  }

  it("is nothing if everything is put back as it was", async () => {
    const location = store.newLog();
    await (await writeSample(location)).close();
    await store.replace(location, await store.stored(location));
    expect(await verifyLog(location)).toMatchObject({ intact: true, entries: LAST });
  });

  it.each<[string, Change, number | undefined]>([
    ["the first and the second exchanged", exchanged(0, 1), 0],
    ["two exchanged", exchanged(1, 3), 1],
    ["the last two exchanged", exchanged(3, 4), 3],
    ["the genesis entry deleted", without(0), 0],
    ["the first two deleted", without(0, 1), 1],
    ["one deleted", without(2), 2],
    ["two deleted", without(2, 3), 2],
    [
      "one deleted and the others moved up",
      (rows) => renumbered((seq) => (seq > 2 ? seq - 1 : seq))(without(2)(rows)),
      2,
    ],
    ["all deleted", () => [], undefined],
    ["the last added again", added(4, 5), 5],
    ["one added again", added(2, 5), 5],
    ["the genesis entry added again", added(0, 5), 5],
    ["one added again, far behind", added(2, 1e12), 5],
    ["one added again, before the first", added(2, -1), -1],
    ["one renumbered", renumbered((seq) => (seq === 2 ? 99 : seq)), 2],
    ["all renumbered", renumbered((seq) => seq + 10), 10],
    [
      "one renumbered beyond what JSON numbers say",
      renumbered((seq) => (seq === 4 ? 9_223_372_036_854_775_807n : seq)),
      4,
    ],
    ["a hash edited", edited(2, ({ hash }) => ({ hash: `${hash.slice(0, -1)}${hash.endsWith("0") ? "1" : "0"}` })), 2],
    ["a hash in capitals", edited(2, ({ hash }) => ({ hash: hash.toUpperCase() })), 2],
    ["a hash with a byte order mark before it", edited(2, ({ hash }) => ({ hash: `\u{feff}${hash}` })), 2],
    ["an empty hash", edited(3, () => ({ hash: "" })), 3],
    ["a text edited", edited(3, ({ body }) => ({ body: allow(body) })), 3],
    ["a text with a byte order mark before it", edited(1, ({ body }) => ({ body: `\u{feff}${body}` })), 1],
    ["an empty text", edited(1, () => ({ body: "" })), 1],
    ["two texts exchanged", (rows) => rows.map((row, at) => ({ ...row, body: rows[(at + 1) % 5]?.body ?? "" })), 0],
  ])("%s: is found", async (_name, change, first) => {
    expect(await findings(change)).toMatchObject({ intact: false, first });
  });

  it("cut off at the end does not show, which is what checkpoints are for", async () => {
    expect(await findings(without(LAST))).toMatchObject({
      intact: true,
      entries: 3,
      last: { seq: 3 },
      problems: [],
    });
  });

  describe("in an entry that was given a hash that fits", () => {
    it.each<[string, number, (body: string) => string]>([
      ["another decision", 3, allow],
      ["another actor", 1, (body) => body.replace('"actor":"', '"actor":"9')],
      ["another time, at the beginning", 0, (body) => body.replace(/"ts":"\d/, '"ts":"9')],
      ["the same JSON in other bytes", 1, (body) => `{ ${body.slice(1)}`],
      ["the same JSON in another order", 2, (body) => `{"v":1,${body.slice(1).replace(',"v":1}', "}")}`],
      ["an escaped letter", 1, (body) => body.replace('"agent-1"', String.raw`"agent\u002d1"`)],
      ["a member twice", 1, (body) => `{"actor":"nobody",${body.slice(1)}`],
    ])("is found by the entry after it: %s", async (_name, seq, change) => {
      expect(await findings(madeAnew(seq, change))).toMatchObject({ intact: false, first: seq });
    });

    it.each<[string, (body: string) => string]>([
      ["a kind that is not known", (body) => body.replace('"kind":"decision"', '"kind":"note"')],
      ["a format that is not known", (body) => body.replace('"v":1}', '"v":2}')],
      ["another log", (body) => body.replace(/"log":"./, '"log":"g')],
      ["another number", (body) => body.replace('"seq":4', '"seq":5')],
      ["a second beginning", (body) => body.replace('"kind":"decision"', '"kind":"genesis"')],
      ["no JSON", (body) => `${body}}`],
      ["no object", () => "[]"],
      ["null", () => "null"],
      ["something missing that all entries have", (body) => body.replace('"kind":"decision",', "")],
      ["something else before it", (body) => body.replace(/"prev":"[0-9a-f]/, '"prev":"g')],
    ])("is found, even if it is the last: %s", async (_name, change) => {
      const { intact, first } = await findings(madeAnew(LAST, change));
      expect(intact).toBe(false);
      expect([LAST, LAST - 1]).toContain(first);
    });

    it("does not show if it is the last, or if all after it are made anew, which is what checkpoints are for", async () => {
      for (const change of [
        madeAnew(LAST, (body) => body.replace('"actor":"a', '"actor":"b')),
        madeAnew(3, allow, "onwards"),
      ]) {
        expect(await findings(change)).toMatchObject({ intact: true, first: undefined, entries: 4 });
      }
    });
  });

  it("is another log under its name: found", async () => {
    const [location, other] = [store.newLog(), store.newLog()];
    for (const each of [location, other]) await (await writeSample(each)).close();
    await store.replace(location, [
      ...(await store.stored(location)).slice(0, 2),
      ...(await store.stored(other)).slice(2),
    ]);
    expect(await verifyLog(location)).toMatchObject({ intact: false });
  });
});
