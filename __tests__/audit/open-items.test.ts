import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { ApprovalRecord, GrantRecord } from "../../src/approval.ts";
import { PreparedEntry, type EntryContent, type Head } from "../../src/audit/format/entry.ts";
import { nodeFiles } from "../../src/audit/file/files.ts";
import { AuditLog } from "../../src/audit/log.ts";
import { readOpenItems } from "../../src/audit/open-items/read-open-items.ts";
import { readEntries } from "../../src/audit/read.ts";
import { listSegments } from "../../src/audit/file/segments.ts";
import { verifyLog } from "../../src/audit/verify.ts";
import { hasPython, theirVerdicts } from "./both-verifiers.ts";
import { decision, newLogPath } from "./sample-log.ts";

const START = Date.parse("2026-01-15T10:00:00Z");
const HOUR = 3_600_000;

/** A log whose clock the test moves, sealed every few entries. */
class ClockedLog {
  readonly path = newLogPath();
  now = START;
  #log = this.#open();

  #open(): AuditLog {
    return new AuditLog(this.path, { files: nodeFiles, now: () => this.now, segmentEntries: 4 });
  }

  async append(content: EntryContent): Promise<Head> {
    return await this.#log.append(new PreparedEntry(content));
  }

  async fill(count: number): Promise<void> {
    for (let index = 0; index < count; index += 1) await this.#log.append(decision());
  }

  /** Ids of what is open, as a proposal is told, and as one who reads the closed log finds it. */
  async open(): Promise<{ readonly requests: string[]; readonly grants: string[]; readonly ended: string[] }> {
    const { answer } = await this.#log.propose(({ open }) => ({
      entries: [],
      answer: { requests: [...open.requests.keys()], grants: [...open.grants.keys()], ended: [...open.ended.keys()] },
    }));
    return answer;
  }

  async reopen(): Promise<void> {
    await this.#log.close();
    this.#log = this.#open();
  }

  async close(): Promise<void> {
    await this.#log.close();
  }
}

function requested(id: string, expires = START + HOUR): EntryContent & ApprovalRecord {
  const bound = { actor: "a", action: "send", resource: "pay", capability: "pay.send", environment: "test" };
  return {
    kind: "approval",
    status: "requested",
    id,
    event: "e",
    ...bound,
    policy: "p",
    digest: "d",
    shown: "s",
    expires: new Date(expires).toISOString(),
    payload: { amount: 1 },
  };
}

function granted(id: string, uses?: number): EntryContent & GrantRecord {
  const whom = { actor: "*", capability: "pay", environment: "*", by: "alice", user: "root" };
  const expires = new Date(START + HOUR).toISOString();
  return { kind: "grant", status: "granted", id, ...whom, expires, ...(uses !== undefined && { uses }) };
}

describe("what is open", () => {
  it("is carried on from segment to segment, and found without looking into them", async () => {
    const log = new ClockedLog();
    await log.append(requested("first"));
    await log.append(granted("grant", 3));
    for (let round = 0; round < 3; round += 1) {
      await log.fill(9);
      await log.reopen();
    }
    expect(listSegments(nodeFiles, log.path).length).toBeGreaterThan(3);
    expect(await log.open()).toEqual({ requests: ["first"], grants: ["grant"], ended: [] });
    await log.close();
    const read: number[] = [];
    const entries = async function* () {
      for await (const stored of readEntries(log.path, "latest first")) {
        read.push(stored.seq);
        yield stored;
      }
    };
    const { open } = await readOpenItems(entries(), log.path);
    expect([...open.requests.keys()]).toEqual(["first"]);
    expect(open.requests.get("first")?.entry).not.toHaveProperty("payload");
    expect(open.grants.get("grant")?.left).toBe(3);
    expect(read.length).toBeLessThan(10);
    expect((await verifyLog(log.path)).problems).toEqual([]);
    if (hasPython) expect(theirVerdicts([log.path], [])[0]).toHaveProperty("entries");
  });

  it("ends by an entry that is later than its time, and stays so when the clock steps back", async () => {
    const log = new ClockedLog();
    await log.append(requested("first"));
    log.now = START + HOUR;
    await log.fill(1);
    expect((await log.open()).requests).toEqual(["first"]);
    log.now += 1;
    await log.fill(1);
    log.now = START;
    expect(await log.open()).toEqual({ requests: [], grants: [], ended: ["first"] });
    await log.reopen();
    expect(await log.open()).toEqual({ requests: [], grants: [], ended: ["first"] });
    await log.close();
  });

  it("stays ended when the last entry is the one that carries it on, and the clock steps back", async () => {
    const log = new ClockedLog();
    await log.append(requested("first"));
    await log.fill(2);
    log.now = START + HOUR + 1;
    await log.reopen();
    log.now = START;
    expect(await log.open()).toEqual({ requests: [], grants: [], ended: ["first"] });
    await log.close();
  });

  it("is not changed by an answer that was recorded before, or is another request's", async () => {
    const log = new ClockedLog();
    const first = await log.append(requested("first"));
    const second = await log.append(requested("second"));
    const end = { kind: "approval", status: "consumed", event: "e" } as const;
    await log.append({ ...end, id: "first", of: second.seq, request: second.hash });
    await log.append({ ...end, id: "first", of: first.seq, request: second.hash });
    await log.append({ ...end, id: "second", of: first.seq, request: first.hash });
    expect((await log.open()).requests).toEqual(["first", "second"]);
    await log.append({ ...end, id: "first", of: first.seq, request: first.hash });
    const again = await log.append(requested("first"));
    await log.append({ ...end, id: "first", of: first.seq, request: first.hash });
    expect(await log.open()).toEqual({ requests: ["second", "first"], grants: [], ended: [] });
    expect(again.seq).toBeGreaterThan(first.seq);
    await log.close();
  });

  it("keeps a rejection though it is full of answers, and no approval then", async () => {
    const log = new ClockedLog();
    const { seq: of, hash: request } = await log.append(requested("first"));
    const answer = { kind: "approval", id: "first", of, request, by: "b", user: "u" } as const;
    const answers = async (): Promise<string> => {
      await log.fill(4);
      await log.reopen();
      const { open } = await readOpenItems(readEntries(log.path, "latest first"), log.path);
      return (
        open.requests
          .get("first")
          ?.answers.map(({ entry }) => entry.status.slice(0, 1))
          .join("") ?? ""
      );
    };
    const give = async (status: "approved" | "rejected", count: number): Promise<string> => {
      for (let index = 0; index < count; index += 1) await log.append({ ...answer, status });
      return await answers();
    };
    expect(await give("approved", 9)).toBe("aaaaaaaa");
    expect(await give("rejected", 1)).toBe("r");
    expect(await give("approved", 5)).toBe("raaaaa");
    expect(await give("rejected", 12)).toBe("rrrrrrrr");
    expect(await give("approved", 1)).toBe("rrrrrrrr");
    await log.close();
    expect((await verifyLog(log.path)).problems).toEqual([]);
    if (hasPython) expect(theirVerdicts([log.path], [])[0]).toHaveProperty("entries");
  });

  it("is bounded: no more than 256 requests, 256 grants, eight answers, and 64 that have ended", async () => {
    const log = new ClockedLog();
    const places = await Promise.all(
      Array.from({ length: 300 }, async (_, index) => await log.append(requested(`r${index}`))),
    );
    await Promise.all(Array.from({ length: 300 }, async (_, index) => await log.append(granted(`g${index}`))));
    const [{ seq: of, hash: request } = { seq: 0, hash: "" }] = places;
    const answer = { kind: "approval", status: "approved", id: "r0", of, request, by: "b", user: "u" } as const;
    for (let index = 0; index < 12; index += 1) await log.append(answer);
    const sizes = await log.open();
    expect([sizes.requests.length, sizes.grants.length]).toEqual([256, 256]);
    log.now = START + HOUR + 1;
    await log.fill(1);
    expect((await log.open()).ended).toHaveLength(64);
    await log.close();
    expect((await verifyLog(log.path)).problems).toEqual([]);
    if (hasPython) expect(theirVerdicts([log.path], [])[0]).toHaveProperty("entries");
  });
});

/** Whatever somebody who computes hashes might write: records that fit, that nearly fit, and that make no sense. */
const record = fc.oneof(
  fc.record({ do: fc.constant("request"), id: fc.integer({ min: 0, max: 3 }), hours: fc.integer({ min: 0, max: 3 }) }),
  fc.record({ do: fc.constant("grant"), id: fc.integer({ min: 0, max: 3 }), uses: fc.integer({ min: 0, max: 2 }) }),
  fc.record({
    do: fc.constantFrom("approved", "rejected", "consumed", "expired", "used", "revoked", "refused"),
    id: fc.integer({ min: 0, max: 3 }),
    of: fc.integer({ min: 1, max: 12 }),
  }),
  fc.record({ do: fc.constant("clock"), hours: fc.integer({ min: -2, max: 2 }) }),
  fc.record({
    do: fc.constant("nonsense"),
    id: fc.integer({ min: 0, max: 3 }),
    what: fc.dictionary(
      fc.constantFrom("id", "status", "expires", "actor", "shown", "rule", "session", "uses", "by", "note", "x"),
      fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constant({ id: "r" }), fc.constant("rejected")),
      { maxKeys: 3 },
    ),
  }),
  fc.record({ do: fc.constant("fill"), count: fc.integer({ min: 1, max: 4 }) }),
  fc.constant({ do: "reopen" }),
);

describe("both verifiers and the writer agree on what is carried on", () => {
  it("whatever is recorded", { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(record, { minLength: 4, maxLength: 24 }), async (steps) => {
        const log = new ClockedLog();
        const places: Head[] = [];
        for (const step of steps as readonly Readonly<Record<string, unknown>>[]) {
          const { hours, uses, count } = step as { hours: number; uses: number; count: number };
          const what = step["do"];
          const id = `id${String(step["id"])}`;
          const at = places[Number(step["of"])] ?? { seq: 99, hash: "none" };
          if (what === "clock") log.now += hours * HOUR;
          else if (what === "reopen") await log.reopen();
          else if (what === "fill") await log.fill(count);
          else if (what === "request") places.push(await log.append(requested(id, log.now + hours * HOUR)));
          else if (what === "grant") places.push(await log.append(granted(id, uses)));
          else if (what === "nonsense") {
            const nonsense = step["what"] as object;
            places.push(await log.append({ ...requested(id), ...nonsense }));
            places.push(await log.append({ ...granted(id), ...nonsense }));
          } else {
            const isGrant = what === "used" || what === "revoked";
            const target = isGrant ? { grant: at.hash } : { request: at.hash };
            const kind = isGrant ? "grant" : "approval";
            const content = { kind, status: what, id, of: at.seq, ...target, by: "b", user: "u" };
            places.push(await log.append(content as unknown as EntryContent));
          }
        }
        // Closing may record a segment, whose time ends what is over; so does this.
        await log.fill(1);
        const open = await log.open();
        await log.reopen();
        expect(await log.open()).toEqual(open);
        await log.close();
        expect((await verifyLog(log.path)).problems).toEqual([]);
        if (hasPython) expect(theirVerdicts([log.path], [])[0]).toHaveProperty("entries");
      }),
      { numRuns: 12 },
    );
  });
});
