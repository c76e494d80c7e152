import { describe, expect, it } from "vitest";

import { Batch, type OpenItemsSource } from "../../src/audit/appending/batch.ts";
import { PreparedEntry, type EntryContent } from "../../src/audit/format/entry.ts";
import { OpenItemsRegister } from "../../src/audit/open-items/open-items.ts";
import { grant, request, T1, T2, type Recorded } from "./recorded-approvals.ts";
import { decision } from "./sample-log.ts";

const HEAD = { seq: 6, hash: "a".repeat(64) };

function prepared({ entry }: Recorded): PreparedEntry {
  const { v: _, log: __, prev: ___, seq: ____, ts: _____, ...content } = entry;
  return new PreparedEntry(content as unknown as EntryContent);
}

/** A batch whose open items are found out only if somebody asks for them, and whether somebody has. */
function batch(items: OpenItemsRegister, isKnown: boolean): { readonly batch: Batch; readonly asked: () => boolean } {
  let asked = false;
  const source: OpenItemsSource = {
    known: isKnown ? items : undefined,
    get found(): OpenItemsRegister {
      asked = true;
      return items;
    },
  };
  return { batch: new Batch("log", HEAD, T2, source), asked: () => asked };
}

describe("entries on their way into a log", () => {
  it.each([
    ["requests", request(0, "q", { expires: "2026-02-01T00:00:00.000Z" })],
    ["grants", grant(0, "g", { expires: "2026-02-01T00:00:00.000Z" })],
  ] as const)("that are %s are looked at by what is open, which is found out for that", (which, entry) => {
    const items = new OpenItemsRegister();
    const { batch: made, asked } = batch(items, false);
    const { seq, hash } = made.add(prepared(entry));
    expect(asked()).toBe(true);
    expect([...items[which].values()]).toMatchObject([{ hash, entry: { seq } }]);
  });

  it("that say nothing of approvals are no reason to find out what is open", () => {
    const { batch: made, asked } = batch(new OpenItemsRegister(), false);
    made.add(decision());
    expect(asked()).toBe(false);
  });

  it("end what is open by their time, if that is known", () => {
    const items = new OpenItemsRegister();
    const { hash, entry } = request(1, "q", { expires: T1 });
    items.apply(hash, entry as never);
    const { batch: made } = batch(items, true);
    made.add(decision());
    expect([...items.ended.keys()]).toEqual(["q"]);
  });

  it("follow one another, and callers can't move the place they are told", () => {
    const { batch: made } = batch(new OpenItemsRegister(), true);
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
