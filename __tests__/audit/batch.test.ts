import { describe, expect, it } from "vitest";

import { Batch } from "../../src/audit/appending/batch.ts";
import { PreparedEntry, type EntryContent } from "../../src/audit/format/entry.ts";
import { OpenItemsRegister } from "../../src/audit/open-items/open-items.ts";
import { grant, request, T1, T2, type Recorded } from "./recorded-approvals.ts";
import { decision } from "./sample-log.ts";

const HEAD = { seq: 6, hash: "a".repeat(64) };

function prepared({ entry }: Recorded): PreparedEntry {
  const { v: _, log: __, prev: ___, seq: ____, ts: _____, ...content } = entry;
  return new PreparedEntry(content as unknown as EntryContent);
}

function batch(open: OpenItemsRegister | undefined, followers = open === undefined ? [] : [open]): Batch {
  return new Batch("log", HEAD, T2, open, followers);
}

describe("entries on their way into a log", () => {
  it.each([
    ["requests", request(0, "q", { expires: "2026-02-01T00:00:00.000Z" })],
    ["grants", grant(0, "g", { expires: "2026-02-01T00:00:00.000Z" })],
  ] as const)("that are %s are heard of by all who follow", (which, entry) => {
    const followers = [new OpenItemsRegister(), new OpenItemsRegister()];
    const { seq, hash } = batch(undefined, followers).add(prepared(entry));
    for (const items of followers) expect([...items[which].values()]).toMatchObject([{ hash, entry: { seq } }]);
  });

  it("end what is open by their time, for all who follow", () => {
    const { hash, entry } = request(1, "q", { expires: T1 });
    const followers = [new OpenItemsRegister(), new OpenItemsRegister()];
    for (const items of followers) items.apply(hash, entry as never);
    batch(undefined, followers).add(decision());
    for (const items of followers) expect([...items.ended.keys()]).toEqual(["q"]);
  });

  it("can be decided on by what is open, and not where nobody has found that out", () => {
    const items = new OpenItemsRegister();
    expect(batch(items).open).toBe(items);
    expect(() => batch(undefined).open).toThrow("was to be found out before");
  });

  it("follow one another, and callers can't move the place they are told", () => {
    const made = batch(new OpenItemsRegister());
    const places = [made.add(decision()), made.add(decision())];
    expect(places.map(({ seq }) => seq)).toEqual([7, 8]);
    expect(made.head).toBe(places[1]);
    expect(places.every((each) => Object.isFrozen(each))).toBe(true);
    const lines = made.lines.split("\n");
    expect(lines).toHaveLength(3);
    expect(lines.slice(0, 2).map((line) => line.slice(0, 64))).toEqual(places.map(({ hash }) => hash));
    expect(JSON.parse(lines[0]?.slice(65) ?? "")).toMatchObject({ seq: 7, prev: HEAD.hash, log: "log", ts: T2 });
    expect(JSON.parse(lines[1]?.slice(65) ?? "")).toMatchObject({ seq: 8, prev: places[0]?.hash });
  });
});
