import { describe, expect, it } from "vitest";

import type { StoredEntry } from "../../src/audit/format/entry.ts";
import { OpenItemsRebuild } from "../../src/audit/open-items/open-items-rebuild.ts";
import { readOpenItems } from "../../src/audit/open-items/read-open-items.ts";
import { AuditCorruptError } from "../../src/errors.ts";
import { about, grant, recorded, request, T1, T2, type Recorded } from "./recorded-approvals.ts";

const PATH = "/logs/audit.db";
const NOT_BEFORE = "it is not the entry that the next one was recorded after";

function corrupt(seq: number, what: string): AuditCorruptError {
  return new AuditCorruptError(PATH, `entry ${seq}: ${what}. Run capfence verify`, { seq });
}

/** The entry as a log holds it, after the one before it. */
function stored({ hash, entry }: Recorded): StoredEntry {
  const seq = Number(entry["seq"]);
  return { seq, hash, body: "", entry: { ...entry, prev: `hash ${seq - 1}` } as unknown as StoredEntry["entry"] };
}

const GENESIS = recorded(0, { kind: "genesis" });

/** What is open at the end of a log, whose entries are given latest first. */
async function openIn(...latestFirst: readonly Recorded[]): Promise<string[]> {
  async function* entries(): AsyncGenerator<StoredEntry> {
    for (const each of latestFirst) yield stored(each);
  }
  const { open, log } = await readOpenItems(entries(), PATH);
  expect(log).toBe("log");
  return [...open.requests.keys(), ...open.grants.keys()];
}

describe("reading back what is open", () => {
  it("goes to the first entry of all, and applies what comes after it in order", async () => {
    expect(await openIn(GENESIS)).toEqual([]);
    expect(await openIn(grant(2, "g"), request(1, "q"), GENESIS)).toEqual(["q", "g"]);
    expect(await openIn(request(3, "q"), about(2, "consumed", "q", 1), request(1, "q"), GENESIS)).toEqual(["q"]);
  });

  it("goes no further than to the last entry that carries it on", async () => {
    const carried = { requests: [{ hash: "hash 1", entry: carriedOf(request(1, "q")), answers: [] }] };
    const segment = recorded(5, { kind: "segment", open: carried });
    expect(await openIn(grant(6, "g"), segment, recorded(4, { kind: "decision" }))).toEqual(["q", "g"]);
    expect(await openIn(recorded(6, { kind: "decision" }), recorded(5, { kind: "segment" }))).toEqual([]);
  });

  it("ends what was over at the time of the entry that carries it on", async () => {
    const carried = { requests: [{ hash: "hash 1", entry: carriedOf(request(1, "q")), answers: [] }] };
    expect(await openIn(recorded(5, { kind: "segment", open: carried }, T1))).toEqual(["q"]);
    expect(await openIn(recorded(5, { kind: "segment", open: carried }, T2))).toEqual([]);
  });

  it("follows, in order, what is appended meanwhile", () => {
    const rebuild = new OpenItemsRebuild(PATH, { seq: 1, hash: "hash 1" });
    rebuild.take(stored(request(1, "q", { expires: T1 })));
    for (const { hash, entry } of [about(2, "consumed", "q", 1), request(3, "r")]) rebuild.apply(hash, entry as never);
    rebuild.passes(T2);
    rebuild.take(stored(GENESIS));
    const { hash, entry } = request(4, "s");
    rebuild.apply(hash, entry as never);
    const { requests, ended } = rebuild.register;
    expect([[...requests.keys()], [...ended.values()].map(({ id, status }) => `${id} ${status}`)]).toEqual([
      ["s"],
      ["q consumed", "r expired"],
    ]);
  });

  it("is refused of a log without entries", async () => {
    await expect(openIn()).rejects.toThrow(new AuditCorruptError(PATH, "it has no entries"));
  });

  it("is refused where what is carried on can't be", () => {
    const segment = stored(recorded(5, { kind: "segment", open: { requests: [7] } }));
    expect(() => new OpenItemsRebuild(PATH).take(segment)).toThrow(
      corrupt(5, "what it carries on of approvals is damaged"),
    );
  });

  it("is refused where an entry is not the one that the next was recorded after", () => {
    const rebuild = new OpenItemsRebuild(PATH, { seq: 3, hash: "hash 3" });
    expect(rebuild.take(stored(request(3, "q")))).toBe(false);
    expect(() => rebuild.take({ ...stored(request(2, "r")), hash: "other" })).toThrow(corrupt(2, NOT_BEFORE));
    expect(() => rebuild.take({ ...stored(request(2, "r")), seq: 1 })).toThrow(corrupt(2, NOT_BEFORE));
    expect(rebuild.take(stored(request(2, "r")))).toBe(false);
    expect(() => rebuild.register).toThrow(corrupt(1, "it is missing"));
  });

  it("begins with the entry that it is told to begin with", () => {
    const rebuild = new OpenItemsRebuild(PATH, { seq: 3, hash: "other" });
    expect(() => rebuild.take(stored(request(3, "q")))).toThrow(corrupt(3, NOT_BEFORE));
    expect(() => new OpenItemsRebuild(PATH).register).toThrow(corrupt(0, "it is missing"));
  });
});

/** An entry as a segment entry carries it on. */
function carriedOf({ entry }: Recorded): object {
  const { v: _, log: __, prev: ___, ...kept } = entry;
  return kept;
}
