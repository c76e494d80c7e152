import { describe, expect, it } from "vitest";

import { OpenItemsRegister } from "../../src/audit/open-items/open-items.ts";
import {
  about,
  apply,
  grant,
  nested,
  recorded,
  request,
  T1,
  T2,
  type Members,
  type Recorded,
} from "./recorded-approvals.ts";

function changed(seq: number, status: string, id: unknown, of: number, members: Members = {}): Recorded {
  return recorded(seq, { kind: "grant", status, id, of, grant: `hash ${of}`, ...members });
}

function registerOf(...entries: readonly Recorded[]): OpenItemsRegister {
  const register = new OpenItemsRegister();
  for (const each of entries) apply(register, each);
  return register;
}

/** What whoever begins to read at a segment entry that carries this on takes to be open. */
function resumed(carried: unknown): OpenItemsRegister {
  const register = OpenItemsRegister.resume(carried);
  if (register === undefined) throw new Error("not what any register carries on");
  return register;
}

/** Ids of what is open, the answers to a request behind it, and what is left of a grant. */
function open({ requests, grants, ended }: OpenItemsRegister): string {
  return [
    ...[...requests.values()].map(
      ({ entry, answers }) => `${entry.id}${answers.map((each) => ` ${each.hash}`).join("")}`,
    ),
    ...[...grants.values()].map(({ entry, left, revoked }) => `${entry.id} left ${left}${revoked ? " revoked" : ""}`),
    ...[...ended.values()].map(({ id, seq, hash, status }) => `${id} ${seq} ${hash} ${status}`),
  ].join(", ");
}

const NO_GRANT = "such a grant can't be";
const NO_ANSWER = "such an answer can't be";

describe("what is open of approvals", () => {
  it.each<readonly [string, readonly Recorded[], Recorded, string | undefined, string]>([
    ["a request", [], request(1, "q"), undefined, "q"],
    ["a second one of that id", [request(1, "q")], request(2, "q"), "its id is taken", "q"],
    ["one of a grant's id", [grant(1, "g")], request(2, "g"), "its id is taken", "g left undefined"],
    ["a grant", [], grant(1, "g"), undefined, "g left undefined"],
    ["a grant of three calls", [], grant(1, "g", { uses: 3 }), undefined, "g left 3"],
    ["a second grant of that id", [grant(1, "g")], grant(2, "g", { uses: 3 }), NO_GRANT, "g left undefined"],
    ["a grant of a request's id", [request(1, "q")], grant(2, "q"), NO_GRANT, "q"],
    ["an approval", [request(1, "q")], about(2, "approved", "q", 1), undefined, "q hash 2"],
    ["a rejection", [request(1, "q")], about(2, "rejected", "q", 1), undefined, "q hash 2"],
    ["the use of a request", [request(1, "q")], about(2, "consumed", "q", 1), undefined, "q 1 hash 1 consumed"],
    ["the end of a request", [request(1, "q")], about(2, "expired", "q", 1), undefined, "q 1 hash 1 expired"],
    ["a refused answer", [request(1, "q")], about(2, "refused", "q", 1), undefined, "q"],
    ["an answer to nothing", [], about(2, "approved", "q", 1), "no such request is open", ""],
    ["an answer without an id", [request(1, "q")], about(2, "approved", 7, 1), "it names no request", "q"],
    [
      "an answer to what was used",
      [request(1, "q"), about(2, "consumed", "q", 1)],
      about(3, "approved", "q", 1),
      "consumed",
      "q 1 hash 1 consumed",
    ],
    [
      "an answer to another place",
      [request(1, "q")],
      about(2, "approved", "q", 0, { request: "hash 1" }),
      "it names another request",
      "q",
    ],
    [
      "an answer to another hash",
      [request(1, "q")],
      about(2, "approved", "q", 1, { request: "hash 0" }),
      "it names another request",
      "q",
    ],
    ["an end of another request", [request(1, "q")], about(2, "consumed", "q", 0), "it names another request", "q"],
    ["an answer of nobody", [request(1, "q")], about(2, "approved", "q", 1, { by: 7 }), NO_ANSWER, "q"],
    ["an answer of no user", [request(1, "q")], about(2, "approved", "q", 1, { user: null }), NO_ANSWER, "q"],
    ["an answer with a note", [request(1, "q")], about(2, "approved", "q", 1, { note: "n" }), undefined, "q hash 2"],
    [
      "an answer with no text as its note",
      [request(1, "q")],
      about(2, "approved", "q", 1, { note: 7 }),
      NO_ANSWER,
      "q",
    ],
    [
      "a request of an id that has ended",
      [request(1, "q"), about(2, "consumed", "q", 1)],
      request(3, "q"),
      undefined,
      "q",
    ],
    ["the use of a grant", [grant(1, "g", { uses: 3 })], changed(2, "used", "g", 1), undefined, "g left 2"],
    ["the use of a grant without a count", [grant(1, "g")], changed(2, "used", "g", 1), undefined, "g left undefined"],
    [
      "a use too many",
      [grant(1, "g", { uses: 1 }), changed(2, "used", "g", 1)],
      changed(3, "used", "g", 1),
      undefined,
      "g left 0",
    ],
    ["a revocation", [grant(1, "g", { uses: 3 })], changed(2, "revoked", "g", 1), undefined, "g left 3 revoked"],
    [
      "a change of another kind",
      [grant(1, "g")],
      changed(2, "doubled", "g", 1),
      "it changes nothing",
      "g left undefined",
    ],
    ["a change of no grant", [], changed(2, "used", "g", 1), "no such grant is open", ""],
    ["a change without an id", [grant(1, "g")], changed(2, "used", 7, 1), "no such grant is open", "g left undefined"],
    [
      "a change of another place",
      [grant(1, "g")],
      changed(2, "revoked", "g", 0, { grant: "hash 1" }),
      "it names another grant",
      "g left undefined",
    ],
    [
      "a change of another hash",
      [grant(1, "g")],
      changed(2, "revoked", "g", 1, { grant: "hash 0" }),
      "it names another grant",
      "g left undefined",
    ],
    ["an entry about something else", [request(1, "q")], recorded(2, { kind: "decision" }), undefined, "q"],
    [
      "an entry at the end of its time",
      [request(1, "q"), grant(2, "g")],
      recorded(3, {}, T1),
      undefined,
      "q, g left undefined",
    ],
    [
      "an entry behind the end of its time",
      [request(1, "q"), grant(2, "g")],
      recorded(3, {}, T2),
      undefined,
      "q 1 hash 1 expired",
    ],
    [
      "an entry behind the end of some",
      [request(1, "q", { expires: T2 }), request(2, "r"), grant(3, "g"), grant(4, "h", { expires: T2 })],
      recorded(5, {}, T2),
      undefined,
      "q, h left undefined, r 2 hash 2 expired",
    ],
    [
      "an entry that comes later, when some have ended before",
      [request(1, "q", { expires: T2 }), request(2, "r"), recorded(3, {}, "2026-01-15T11:30:00.000Z")],
      recorded(4, {}, "2026-01-15T12:30:00.000Z"),
      undefined,
      "r 2 hash 2 expired, q 1 hash 1 expired",
    ],
    [
      "an entry that comes later, when a grant has ended before",
      [grant(1, "g", { expires: T2 }), grant(2, "h"), recorded(3, {}, "2026-01-15T11:30:00.000Z")],
      recorded(4, {}, "2026-01-15T12:30:00.000Z"),
      undefined,
      "",
    ],
  ])("after %s", (_name, before, next, answer, left) => {
    const register = registerOf(...before);
    expect(apply(register, next)).toBe(answer);
    expect(open(register)).toBe(left);
    // What a segment entry carries on is the same to whoever begins to read there.
    const carried = register.carried();
    expect(carried === undefined).toBe(left === "");
    expect(open(resumed(carried))).toBe(left);
  });

  it("keeps no more than 256 requests, 256 grants, and 64 that have ended, the latest", () => {
    const register = new OpenItemsRegister();
    for (let n = 0; n < 256; n += 1) {
      expect(apply(register, request(n, `q${n}`))).toBeUndefined();
      expect(apply(register, grant(n, `g${n}`))).toBeUndefined();
    }
    expect(apply(register, request(256, "q256"))).toBe("too many are open");
    expect(apply(register, grant(256, "g256"))).toBe(NO_GRANT);
    for (let n = 0; n < 65; n += 1) apply(register, about(300 + n, "consumed", `q${n}`, n));
    expect([register.requests.size, register.ended.size, register.ended.has("q0"), register.ended.has("q1")]).toEqual([
      191,
      64,
      false,
      true,
    ]);
  });

  it("keeps eight answers, of which approvals make room for a rejection", () => {
    const approvals = Array.from({ length: 8 }, (_, n) => about(n + 2, "approved", "q", 1));
    const register = registerOf(request(1, "q"), ...approvals);
    expect(apply(register, about(10, "approved", "q", 1))).toBe("it has too many answers");
    expect(open(register)).toBe(`q ${approvals.map(({ hash }) => hash).join(" ")}`);
    expect(apply(register, about(11, "rejected", "q", 1))).toBeUndefined();
    expect(open(register)).toBe("q hash 11");
    const rejections = Array.from({ length: 7 }, (_, n) => about(n + 12, "rejected", "q", 1));
    for (const each of rejections) expect(apply(register, each)).toBeUndefined();
    expect(apply(register, about(20, "rejected", "q", 1))).toBe("it has too many answers");
    expect(apply(register, about(21, "approved", "q", 1))).toBe("it has too many answers");
    expect(open(register)).toBe(`q hash 11 ${rejections.map(({ hash }) => hash).join(" ")}`);
  });

  it("carries on no payload, and nothing that all entries have in common", () => {
    const extra = { payload: { n: 1 }, redacted: ["x"], cut: 3 };
    const { requests } = registerOf(request(1, "q", extra), about(2, "approved", "q", 1, extra));
    const { entry, answers } = requests.get("q") ?? {};
    expect(Object.keys(entry ?? {}).toSorted()).toEqual(
      Object.keys(request(1, "q").entry)
        .filter((name) => !["v", "log", "prev"].includes(name))
        .toSorted(),
    );
    expect(Object.keys(answers?.[0]?.entry ?? {}).toSorted()).toEqual([
      "by",
      "id",
      "kind",
      "of",
      "request",
      "seq",
      "status",
      "ts",
      "user",
    ]);
  });
});

describe("what a segment entry carries on", () => {
  const whole = registerOf(
    request(1, "q"),
    about(2, "approved", "q", 1),
    grant(3, "g", { uses: 2 }),
    changed(4, "revoked", "g", 3),
    request(5, "r"),
    about(6, "consumed", "r", 5),
  ).carried();
  const { requests: [asked] = [], grants: [granted] = [], ended: [over] = [] } = whole ?? {};

  it.each<readonly [string, unknown, boolean]>([
    ["all of it", whole, true],
    ["nothing", undefined, true],
    ["null", null, true],
    ["requests alone", { requests: [asked] }, true],
    ["grants alone", { grants: [granted] }, true],
    ["what has ended alone", { ended: [over] }, true],
    ["an empty object", {}, false],
    ["empty lists", { requests: [] }, false],
    ["text", "nothing", false],
    ["something more", { ...whole, more: 1 }, false],
    ["lists that are none", { requests: { 0: asked } }, false],
    ["a list with something else in it", { requests: [asked, 7] }, false],
    ["a list with null in it", { requests: [null, asked] }, false],
    ["a request twice", { requests: [asked, asked] }, false],
    ["a request with the payload", { requests: [{ ...asked, entry: { ...asked?.entry, payload: {} } }] }, false],
    ["a request without its hash", { requests: [{ entry: asked?.entry, answers: [] }] }, false],
    ["a request without its entry", { requests: [{ hash: asked?.hash, answers: [] }] }, false],
    ["a request with null as its entry", { requests: [{ ...asked, entry: null }] }, false],
    ["an answer without its entry", { requests: [{ ...asked, answers: [{ hash: "hash 2" }] }] }, false],
    ["a grant without its entry", { grants: [{ hash: granted?.hash, left: 2 }] }, false],
    ["a request with something more", { requests: [{ ...asked, more: 1 }] }, false],
    ["a request without answers", { requests: [{ hash: asked?.hash, entry: asked?.entry }] }, false],
    ["an answer to another request", { requests: [{ ...asked, hash: "other" }] }, false],
    ["a grant with a count that is text", { grants: [{ ...granted, left: "2" }] }, false],
    ["a grant with another count", { grants: [{ ...granted, left: 0 }] }, true],
    ["a grant that is revoked otherwise", { grants: [{ ...granted, revoked: 1 }] }, false],
    ["a grant of the wrong shape", { grants: [{ ...granted, entry: { ...granted?.entry, by: 7 } }] }, false],
    ["an end with something more", { ended: [{ ...over, more: 1 }] }, false],
    ["an end whose id is no text", { ended: [{ ...over, id: 7 }] }, false],
    ["an end whose id can't be made text", { ended: [{ ...over, id: { toString: 1 } }] }, false],
    ["an end whose hash is no text", { ended: [{ ...over, hash: 7 }] }, false],
    ["an end without a number", { ended: [{ ...over, seq: "7" }] }, false],
    ["an end that is none", { ended: [{ ...over, status: "approved" }] }, false],
    ["a grant whose hash is nested too deep", { grants: [{ ...granted, hash: nested(100_000) }] }, false],
    ["a grant with half a use", { grants: [{ ...granted, left: 0.5 }] }, false],
    ["what is nested too deep to be written", { more: nested(100_000) }, false],
    ["a number that can't be written", { more: JSON.parse("1e999") as unknown }, false],
    ["text that can't be written", { more: "\uD800" }, false],
  ])("%s is what a register carries: %#", (_name, carried, isPossible) => {
    const register = OpenItemsRegister.resume(carried);
    expect(register !== undefined).toBe(isPossible);
    if (isPossible) expect(register?.carries(carried)).toBe(true);
  });

  it("ends when its time is over, as it would have without it", () => {
    const register = resumed(whole);
    register.passes(T1);
    expect(register.requests.size).toBe(1);
    register.passes(T2);
    expect(open(register)).toBe("r 5 hash 5 consumed, q 1 hash 1 expired");
  });
});

describe("a copy of what is open", () => {
  const former = [
    request(1, "q"),
    request(2, "p"),
    about(3, "approved", "q", 1),
    grant(4, "g", { uses: 2 }),
    request(5, "r"),
    about(6, "consumed", "r", 5),
  ];
  const later = [about(7, "consumed", "q", 1), request(8, "s"), changed(9, "used", "g", 4)];

  it("goes its own way, as the first would have", () => {
    const first = registerOf(...former);
    const copy = first.copy();
    for (const each of later) apply(copy, each);
    expect(open(first)).toBe(open(registerOf(...former)));
    expect(open(copy)).toBe(open(registerOf(...former, ...later)));
  });

  it("ends what time ends", () => {
    const copy = registerOf(...former).copy();
    copy.passes(T2);
    const first = registerOf(...former);
    first.passes(T2);
    expect(open(copy)).toBe(open(first));
    expect(copy.requests.size + copy.grants.size).toBe(0);
  });
});
