import { createHash } from "node:crypto";

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { nodeFiles } from "../../src/audit/file/files.ts";
import { AuditLog } from "../../src/audit/log.ts";
import { verifyLog } from "../../src/audit/verify.ts";
import { AuditUnavailableError } from "../../src/errors.ts";
import { decision, expectChained, outcome, type Stored } from "./sample-log.ts";
import { describeStores } from "./stores.ts";

interface Body {
  readonly [name: string]: unknown;
  readonly log: string;
  readonly actor: string;
  readonly payload: { readonly n: number };
  readonly digest: { readonly salt: string; readonly sha256: string };
}

await describeStores("a chain", (store) => {
  const chain = async (location: string): Promise<readonly Stored[]> => expectChained(await store.stored(location));
  const bodies = async (location: string): Promise<readonly Body[]> =>
    (await chain(location)).map(({ body }) => JSON.parse(body) as Body);

  describe("appending", () => {
    it("acknowledges each entry with its place and hash in the chain", async () => {
      const location = store.newLog();
      const log = new AuditLog(location);
      const places = [];
      for (let n = 0; n < 10; n += 1) places.push(await log.append(decision({ payload: { n } })));
      expect(places).toEqual((await chain(location)).slice(1).map(({ seq, hash }) => ({ seq, hash })));
      await log.close();
      expect(places.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      expect(places.map(({ hash }) => hash)).toEqual((await chain(location)).slice(1).map(({ hash }) => hash));
    });

    it("keeps the order of calls made at the same time", async () => {
      const location = store.newLog();
      const log = new AuditLog(location);
      const places = await Promise.all(Array.from({ length: 700 }, (_, n) => log.append(decision({ payload: { n } }))));
      await log.close();
      expect(places.map(({ seq }) => seq)).toEqual(Array.from({ length: 700 }, (_, n) => n + 1));
      expect((await bodies(location)).slice(1).map(({ payload }) => payload.n)).toEqual(
        Array.from({ length: 700 }, (_, n) => n),
      );
    });

    it("begins a log with a genesis entry, and gives each log an identity of its own", async () => {
      const identities = [];
      for (const location of [store.newLog(), store.newLog()]) {
        const log = new AuditLog(location);
        await log.append(decision());
        await log.close();
        const [genesis, ...others] = await bodies(location);
        expect(genesis).toMatchObject({ kind: "genesis", v: 1, seq: 0, prev: "0".repeat(64) });
        expect(genesis?.log).toMatch(/^[0-9a-f]{32}$/);
        expect(new Set(others.map(({ log: identity }) => identity))).toEqual(new Set([genesis?.log]));
        identities.push(genesis?.log);
      }
      expect(identities[0]).not.toBe(identities[1]);
    });

    it("records the time it is given, though the clock steps back", async () => {
      const location = store.newLog();
      const times = [1_700_000_000_000, 1_700_000_000_001, 1_600_000_000_000, 0];
      let calls = 0;
      const log = new AuditLog(location, { files: nodeFiles, now: () => times[calls++] ?? 0 });
      for (let n = 0; n < 3; n += 1) await log.append(decision());
      await log.close();
      expect((await bodies(location)).map(({ ts }) => ts)).toEqual([
        "2023-11-14T22:13:20.000Z",
        "2023-11-14T22:13:20.001Z",
        "2020-09-13T12:26:40.000Z",
        "1970-01-01T00:00:00.000Z",
      ]);
      expect(await verifyLog(location)).toMatchObject({ intact: true, entries: 3 });
    });
  });

  describe("closing", () => {
    it("waits for what is being appended", async () => {
      const location = store.newLog();
      const log = new AuditLog(location);
      const appended = Promise.all(Array.from({ length: 600 }, () => log.append(decision())));
      await log.close();
      expect(await appended).toHaveLength(600);
      expect(await chain(location)).toHaveLength(601);
    });

    it("refuses what is appended afterwards", async () => {
      const location = store.newLog();
      const log = new AuditLog(location);
      await log.append(decision());
      await log.close();
      await expect(log.append(decision())).rejects.toSatisfy(
        (error) => AuditUnavailableError.isInstance(error) && error.message.includes("closed"),
      );
      await log.close();
      expect(await chain(location)).toHaveLength(2);
    });

    it("lets the same process open the log again, and the chain goes on", async () => {
      const location = store.newLog();
      for (let opening = 0; opening < 4; opening += 1) {
        const log = new AuditLog(location);
        expect((await log.append(decision())).seq).toBe(1 + 2 * opening);
        await log.append(decision());
        await log.close();
      }
      expect(await chain(location)).toHaveLength(9);
      expect(await verifyLog(location)).toMatchObject({ intact: true, entries: 8 });
    });
  });

  describe("an entry's text", () => {
    it("is canonical JSON (RFC 8785) whatever the payload", async () => {
      const location = store.newLog();
      const log = new AuditLog(location);
      const payloads: object[] = [];
      await fc.assert(
        fc.asyncProperty(fc.dictionary(fc.string({ unit: "grapheme" }), fc.jsonValue()), async (payload) => {
          payloads.push(payload);
          await log.append(decision({ payload }));
        }),
        { numRuns: 200 },
      );
      await log.close();
      const stored = (await chain(location)).slice(1);
      expect(stored).toHaveLength(payloads.length);
      for (const { body } of stored) expect(body).toBe(canonical(JSON.parse(body)));
      expect(stored.map(({ body }) => (JSON.parse(body) as Body).payload)).toEqual(
        payloads.map((payload) => JSON.parse(JSON.stringify(payload)) as unknown),
      );
    });

    it("orders members by UTF-16 code units and writes numbers as ECMAScript does", async () => {
      // The example of RFC 8785, section 3.2.
      const location = store.newLog();
      const log = new AuditLog(location);
      await log.append(
        decision({
          payload: {
            numbers: [Number("333333333.33333329"), 1e30, 4.5, 2e-3, 0.000000000000000000000000001, -0],
            string: '€$\u000F\u000aA\'B"\\\\"/',
            literals: [null, true, false],
          },
        }),
      );
      await log.append(decision({ payload: { "€": 1, "\r": 2, "\ufb33": 3, "1": 4, "😀": 5, "\u0080": 6, ö: 7 } }));
      await log.close();
      const [, first, second] = await chain(location);
      expect(first?.body).toContain(
        String.raw`"payload":{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27,0],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
      );
      expect(second?.body).toContain('"payload":{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}');
    });

    it("commits to a payload by a salted digest that whoever has the payload can compute again", async () => {
      const location = store.newLog();
      const log = new AuditLog(location);
      const first = await log.append(decision({ payload: { b: 1, a: "é" } }));
      await log.append(decision({ payload: { a: "é", b: 1 } }));
      await log.append(outcome(first));
      await log.close();
      const [, one, other, ended] = await bodies(location);
      for (const body of [one, other]) {
        const { salt, sha256 } = body?.digest ?? { salt: "", sha256: "" };
        expect(salt).toMatch(/^[0-9a-f]{32}$/);
        const digest = createHash("sha256").update(Buffer.from(salt, "hex")).update('{"a":"é","b":1}');
        expect(sha256).toBe(digest.digest("hex"));
      }
      expect(one?.digest.salt).not.toBe(other?.digest.salt);
      const output = ended?.["output"] as Body["digest"];
      expect(output.sha256).toBe(
        createHash("sha256").update(Buffer.from(output.salt, "hex")).update("done").digest("hex"),
      );
    });
  });
});

/** RFC 8785, written again from its section 3.2. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.keys(value).toSorted(byCodeUnits);
  return `{${members.map((name) => `${JSON.stringify(name)}:${canonical((value as Body)[name])}`).join(",")}}`;
}

function byCodeUnits(left: string, right: string): number {
  const place = Array.from({ length: left.length }, (_, at) => at).find(
    (at) => left.charCodeAt(at) !== right.charCodeAt(at),
  );
  return place === undefined || place >= right.length
    ? left.length - right.length
    : left.charCodeAt(place) - right.charCodeAt(place);
}
