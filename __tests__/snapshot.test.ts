import { isDeepStrictEqual } from "node:util";
import { runInNewContext } from "node:vm";

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { MAX_BYTES, MAX_DEPTH, takeSnapshot, type Json } from "../src/snapshot.ts";
import { bytesOf, expectExactSize, SHAPES } from "./snapshot-sizes.ts";
import { problemOf, taken } from "./taken.ts";

/** Every object in a value, the value included. */
function objectsIn(value: unknown): object[] {
  if (typeof value !== "object" || value === null) return [];
  return [value, ...Object.values(value).flatMap(objectsIn)];
}

/** `value` inside so many lists that the whole is `depth` deep. */
function nested(depth: number, value: unknown = []): Record<string, unknown> {
  let inner = value;
  for (let level = 2; level < depth; level += 1) inner = level % 2 === 0 ? [inner] : { inner };
  return { inner };
}

const WHEN = new Date("2026-01-15T10:23:01.042Z");
const shared = { tag: "shared" };

describe("accepts", () => {
  it.each<[string, object, object]>([
    ["an empty object", {}, {}],
    [
      "text, numbers, booleans and null",
      { a: "", b: 0, c: -1.5e-7, d: true, e: false, f: null },
      JSON.parse('{"a":"","b":0,"c":-1.5e-7,"d":true,"e":false,"f":null}'),
    ],
    [
      "the largest and the smallest numbers",
      { a: Number.MAX_VALUE, b: Number.MIN_VALUE, c: -Number.MAX_SAFE_INTEGER },
      { a: 1.7976931348623157e308, b: 5e-324, c: -9007199254740991 },
    ],
    ["-0, as JSON does, as 0", { zero: -0, list: [-0] }, { zero: 0, list: [0] }],
    ["empty and nested lists", { list: [], deep: [[], [[1]], {}] }, { list: [], deep: [[], [[1]], {}] }],
    [
      "text with controls, quotes and astral characters",
      { 'k\n"\\': "\u0000\u001F\u2028\u{1F512}\uFFFF" },
      { 'k\n"\\': "\u0000\u001F\u2028🔒\uFFFF" },
    ],
    ["undefined members, which it drops", { a: undefined, b: { c: undefined }, d: 1 }, { b: {}, d: 1 }],
    [
      "the same object in two places, as two copies",
      { first: shared, list: [shared, shared] },
      { first: { tag: "shared" }, list: [{ tag: "shared" }, { tag: "shared" }] },
    ],
    [
      "objects without a prototype",
      Object.assign(Object.create(null), { a: Object.assign(Object.create(null), { b: 1 }) }),
      { a: { b: 1 } },
    ],
    [
      "objects and lists of another realm",
      runInNewContext("({ list: [1, { a: [] }], when: new Date(0) })"),
      { list: [1, { a: [] }], when: "1970-01-01T00:00:00.000Z" },
    ],
    [
      "an object without a prototype of another realm",
      runInNewContext("Object.assign(Object.create(null), { a: 1 })"),
      { a: 1 },
    ],
    [
      "frozen, sealed and inextensible objects",
      Object.freeze({ a: Object.seal([1]), b: Object.preventExtensions({ c: 2 }) }),
      { a: [1], b: { c: 2 } },
    ],
    [
      "Dates, as their ISO text",
      { when: WHEN, list: [WHEN] },
      { when: "2026-01-15T10:23:01.042Z", list: ["2026-01-15T10:23:01.042Z"] },
    ],
    [
      "the first and the last Date there are",
      { a: new Date(-8.64e15), b: new Date(8.64e15) },
      { a: "-271821-04-20T00:00:00.000Z", b: "+275760-09-13T00:00:00.000Z" },
    ],
    ["text that only looks like a Date", { when: "2026-01-15T10:23:01.042Z" }, { when: "2026-01-15T10:23:01.042Z" }],
    [
      "names that every object inherits",
      { constructor: "a", toString: "b", valueOf: "c", hasOwnProperty: "d", toJSON: "e", length: 1 },
      { constructor: "a", toString: "b", valueOf: "c", hasOwnProperty: "d", toJSON: "e", length: 1 },
    ],
    [
      "numbers as names, in the order of JSON.stringify",
      { b: 1, 10: 2, 9: 3, "-1": 4 },
      { 9: 3, 10: 2, b: 1, "-1": 4 },
    ],
    ["the empty name", { "": { "": [""] } }, { "": { "": [""] } }],
  ])("%s", (_name, value, expected) => {
    const { json } = taken(value);
    expect(json).toStrictEqual(expected);
    expect(JSON.stringify(json)).toBe(JSON.stringify(value));
    expect(objectsIn(json).filter((part) => !Object.isFrozen(part))).toEqual([]);
  });
});

class Shell {
  command = "ls";
}
class List extends Array<unknown> {}
class Moment extends Date {}

/** What a class made with a function and a prototype, before there was `class`, extends. */
const OLD_LIST: unknown[] = [];

const cycle: Record<string, unknown> = { list: [] };
cycle["self"] = { inner: [cycle] };
const endless: unknown[] = [];
endless.push([endless]);
const sparse = [1, 2, 3];
Reflect.deleteProperty(sparse, 1);
const { proxy: revokedObject, revoke: revokeObject } = Proxy.revocable({}, {});
const { proxy: revokedArray, revoke: revokeArray } = Proxy.revocable([], {});
revokeObject();
revokeArray();

const getter = { get: () => "ls", enumerable: true, configurable: true };
const setter = { set: () => undefined, enumerable: true, configurable: true };
const hidden = { value: "rm -rf /", enumerable: false };
const ARGUMENTS: unknown = runInNewContext("(function () { return arguments; })(1, 2)");

describe("refuses, naming the place and the kind,", () => {
  it.each<[string, unknown, string]>([
    ["undefined in a list", { list: [1, undefined] }, "list[1]: undefined"],
    ["a function", { run: () => "ls" }, "run: a function"],
    ["a class", { type: Shell }, "type: a function"],
    ["a method called toJSON", { a: { toJSON: () => ({ command: "ls" }) } }, "a.toJSON: a function"],
    ["a symbol", { list: [Symbol("x")] }, "list[0]: a symbol"],
    ["a BigInt", { amount: 1n }, "amount: a bigint"],
    ["NaN", { amount: Number.NaN }, "amount: NaN is not a JSON number"],
    ["Infinity", { amount: Number.POSITIVE_INFINITY }, "amount: Infinity is not a JSON number"],
    ["-Infinity", { amount: Number.NEGATIVE_INFINITY }, "amount: -Infinity is not a JSON number"],
    ["a lone high surrogate", { text: "a\uD800" }, "text: text with a lone surrogate"],
    ["a lone low surrogate", { text: "\uDC00a" }, "text: text with a lone surrogate"],
    ["surrogates the wrong way round", { list: ["\uDC00\uD800"] }, "list[0]: text with a lone surrogate"],
    ["a lone surrogate in a name", { "a\uD800": 1 }, '["a\uFFFD"]: text with a lone surrogate'],
    ["a symbol as a name", { a: { [Symbol("x")]: 1 } }, "a: a symbol as a key"],
    ["a hidden symbol as a name", Object.defineProperty({}, Symbol("x"), hidden), "payload: a symbol as a key"],
    ["Symbol.toStringTag", { [Symbol.toStringTag]: "Object" }, "payload: a symbol as a key"],

    ["a cycle", cycle, "self.inner[0]: a cycle"],
    ["a list that holds itself", { endless }, "endless[0][0]: a cycle"],

    ["a getter", { a: Object.defineProperty({}, "command", getter) }, "a.command: an accessor"],
    ["a setter", Object.defineProperty({}, "command", setter), "command: an accessor"],
    ["a getter in a list", { list: Object.defineProperty([1, 2], 1, getter) }, "list[1]: an accessor"],
    ["a getter called __proto__", Object.defineProperty({}, "__proto__", getter), "__proto__: an accessor"],
    ["a hidden member", Object.defineProperty({ a: 1 }, "command", hidden), "command: a hidden property"],
    ["a hidden member that is undefined", Object.defineProperty({}, "a", { value: undefined }), "a: a hidden property"],
    ["a hidden item", { list: Object.defineProperty([1], 0, { enumerable: false }) }, "list[0]: a hidden property"],

    ["a list with a hole", { sparse }, "sparse: an array with holes or named properties"],
    [
      "a list of holes",
      { list: Array.from({ length: 3 }).fill(0).concat(Array(2)) },
      "list: an array with holes or named properties",
    ],
    [
      "a list with a named member",
      { list: Object.assign(["ls"], { command: "rm" }) },
      "list: an array with holes or named properties",
    ],
    ["a list with a named member and a hole", { list: Object.assign(Array(1), { command: "rm" }) }, "list[0]: a hole"],
    [
      "a list with its own iterator",
      { list: Object.assign([1], { [Symbol.iterator]: () => [2].values() }) },
      "list: an array with holes or named properties",
    ],
    [
      "a list with its own toJSON",
      { list: Object.assign([1], { toJSON: () => [2] }) },
      "list: an array with holes or named properties",
    ],
    ["a list of a subclass", { list: List.from([1]) }, "list: an array of another class"],
    [
      "a list of a subclass made the old way",
      { list: Object.setPrototypeOf([1], OLD_LIST) },
      "list: an array of another class",
    ],
    ["a list without a prototype", { list: Object.setPrototypeOf([1], null) }, "list: an array of another class"],
    [
      "a list with a plain object's prototype",
      { list: Object.setPrototypeOf([1], Object.prototype) },
      "list: an array of another class",
    ],
    ["Array.prototype as a plain object", { list: Object.create(Array.prototype) }, "list: an instance of a class"],
    ["a list called arguments", { list: ARGUMENTS }, "list.length: a hidden property"],

    ["a Proxy", { a: new Proxy({}, {}) }, "a: a Proxy"],
    ["a Proxy of a list", { a: new Proxy([], {}) }, "a: a Proxy"],
    ["a Proxy of a Date", { list: [new Proxy(WHEN, {})] }, "list[0]: a Proxy"],
    ["a Proxy of a function", { a: new Proxy(() => "ls", {}) }, "a: a function"],
    ["a Proxy of a Proxy", { a: new Proxy(new Proxy({}, {}), {}) }, "a: a Proxy"],
    ["a revoked Proxy", { a: [revokedObject] }, "a[0]: a Proxy"],
    ["a revoked Proxy of a list", { a: revokedArray }, "a: a Proxy"],
    ["a Proxy as prototype", { a: Object.create(new Proxy({}, {})) }, "a: an instance of a class"],
    [
      "a Proxy as a list's prototype",
      { a: Object.setPrototypeOf([], new Proxy([], {})) },
      "a: an array of another class",
    ],
    [
      "a Proxy as a Date's prototype",
      { a: Object.setPrototypeOf(new Date(0), new Proxy(Date.prototype, {})) },
      "a: a Date of another class",
    ],
    [
      "a Proxy behind a list's prototype",
      { a: Object.setPrototypeOf([], Object.setPrototypeOf(Object.assign([], { concat: 1 }), new Proxy({}, {}))) },
      "a: an array of another class",
    ],

    ["an instance of a class", { a: new Shell() }, "a: an instance of a class"],
    [
      "an object that inherits from one without a prototype",
      { a: Object.create(Object.create(null)) },
      "a: an instance of a class",
    ],
    ["an object that inherits from a plain one", { a: Object.create({ command: "rm" }) }, "a: an instance of a class"],
    ["a boxed text", { a: Object("ls") }, "a: an instance of a class"],
    ["a boxed number", { a: Object(1) }, "a: an instance of a class"],
    ["a boxed boolean", { a: Object(true) }, "a: an instance of a class"],
    ["a boxed BigInt", { a: Object(1n) }, "a: an instance of a class"],
    ["a boxed symbol", { a: Object(Symbol("x")) }, "a: an instance of a class"],
    ["a Map", { a: new Map([["a", 1]]) }, "a: an instance of a class"],
    ["a Set", { a: new Set([1]) }, "a: an instance of a class"],
    ["a WeakMap", { a: new WeakMap() }, "a: an instance of a class"],
    ["a URL", { a: new URL("https://example.com") }, "a: an instance of a class"],
    ["a RegExp", { a: /x/ }, "a: an instance of a class"],
    ["an Error", { a: new Error("x") }, "a: an instance of a class"],
    ["a Promise", { a: Promise.resolve(1) }, "a: an instance of a class"],
    ["a typed array", { a: new Uint8Array([1]) }, "a: an instance of a class"],
    ["a DataView", { a: new DataView(new ArrayBuffer(1)) }, "a: an instance of a class"],
    ["a Buffer", { a: Buffer.from("ls") }, "a: an instance of a class"],
    ["an ArrayBuffer", { a: new ArrayBuffer(1) }, "a: an instance of a class"],
    ["a SharedArrayBuffer", { a: new SharedArrayBuffer(1) }, "a: an instance of a class"],
    ["a generator", { a: [1].values() }, "a: an instance of a class"],
    ["an instance of a class of another realm", { a: runInNewContext("new Map()") }, "a: an instance of a class"],
    ["process.env", { a: process.env }, "a: an instance of a class"],
    ["Object.prototype itself", { a: Object.prototype }, "a.constructor: a hidden property"],
    ["Math", { a: Math }, "a.abs: a hidden property"],

    ["a Date that is no time", { when: new Date(Number.NaN) }, "when: a Date that is no time"],
    ["a Date of a subclass", { when: new Moment(0) }, "when: a Date of another class"],
    ["a Date without a prototype", { when: Object.setPrototypeOf(new Date(0), null) }, "when: a Date of another class"],
    [
      "a Date with a plain object's prototype",
      { when: Object.setPrototypeOf(new Date(0), Object.prototype) },
      "when: a Date of another class",
    ],
    [
      "a Date with its own toISOString",
      { list: [Object.assign(new Date(0), { toISOString: () => "never" })] },
      "list[0]: a Date with properties",
    ],
    [
      "a Date with a hidden member",
      { when: Object.defineProperty(new Date(0), "toJSON", hidden) },
      "when: a Date with properties",
    ],
    ["an object with a Date's prototype", { when: Object.create(Date.prototype) }, "when: an instance of a class"],
  ])("%s", (_name, value, problem) => {
    expect(problemOf(value)).toBe(problem);
  });

  it.each<[string, unknown, string]>([
    ["undefined", undefined, "payload: undefined"],
    ["null", null, "payload: not an object"],
    ["text", "ls", "payload: not an object"],
    ["a number", 1, "payload: not an object"],
    ["a list", [{ command: "ls" }], "payload: not an object"],
    ["a function", () => "ls", "payload: a function"],
    ["a Date", new Date(0), "payload: an instance of a class"],
    ["a Proxy", new Proxy({}, {}), "payload: a Proxy"],
    ["a revoked Proxy", revokedObject, "payload: a Proxy"],
  ])("as the whole, %s", (_name, value, problem) => {
    expect(problemOf(value)).toBe(problem);
  });

  it("by the name that the whole is given", () => {
    expect(takeSnapshot(null, "context")).toEqual({ ok: false, problem: "context: not an object" });
    expect(takeSnapshot({ a: 1n }, "context")).toEqual({ ok: false, problem: "a: a bigint" });
  });
});

describe("a problem's text", () => {
  it("quotes names that are no plain words, so that none can be taken for something else", () => {
    expect(problemOf({ "a.b": { "x: ok\n": [1n] } })).toBe('["a.b"]["x: ok\\n"][0]: a bigint');
    expect(problemOf({ "": 1n })).toBe('[""]: a bigint');
  });

  it("stays short and well formed, however long and many the names are", () => {
    const long = "🔒".repeat(1000);
    for (const value of [{ [long]: 1n }, { x: { [`a${long}`]: { [long]: 1n } } }, nested(60, { [long]: 1n })]) {
      const problem = problemOf(value);
      expect(problem.length).toBeLessThan(200);
      expect(problem.isWellFormed()).toBe(true);
      expect(problem).toMatch(/: a bigint$/);
    }
  });

  it("never holds a value", () => {
    for (const secret of [["hunter2\uD800"], { toString: () => "hunter2" }, Object("hunter2"), Symbol("hunter2")]) {
      expect(problemOf({ password: secret })).not.toContain("hunter2");
    }
  });
});

describe("depth", () => {
  it(`is accepted up to ${MAX_DEPTH}, the outermost object counted as 1`, () => {
    const value = nested(MAX_DEPTH);
    expect(taken(value).json).toStrictEqual(value);
    expect(taken(value).thaw()).toStrictEqual(value);
    expect(taken(nested(MAX_DEPTH - 1, ["leaf", WHEN])).json).toStrictEqual(
      nested(MAX_DEPTH - 1, ["leaf", WHEN.toISOString()]),
    );
  });

  it(`is refused from ${MAX_DEPTH + 1}, in objects and in lists`, () => {
    expect(problemOf(nested(MAX_DEPTH + 1))).toMatch(/…: nested more than 64 deep$/);
    expect(problemOf(nested(MAX_DEPTH + 1, {}))).toMatch(/: nested more than 64 deep$/);
    expect(problemOf(nested(MAX_DEPTH, [{}]))).toMatch(/: nested more than 64 deep$/);
  });

  it("is counted along each branch, not over all of them", () => {
    const value = { branches: Array.from({ length: 100 }, () => nested(MAX_DEPTH - 2)) };
    expect(taken(value).json).toStrictEqual(value);
  });
});

describe("size, counted as the bytes of the JSON text in UTF-8,", () => {
  it.each(SHAPES)("is exact: %s (the slow suite fills all of it)", (_name, shape) => {
    expectExactSize(shape, 20_000);
  });

  it("counts nothing for undefined members", () => {
    const dropped = Object.fromEntries(Array.from({ length: 90_000 }, (_, at) => [`name${at}`, undefined]));
    const room = MAX_BYTES - bytesOf({ pad: "" });
    expect(taken({ dropped: undefined, ...dropped, pad: "x".repeat(room) }).json).toStrictEqual({
      pad: "x".repeat(room),
    });
  });
});

/** JSON that JSON.parse could have made, every awkward name included. */
const name = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: "binary", maxLength: 8 }) },
  fc.constantFrom("__proto__", "constructor", "prototype", "toJSON", "toString", "length", "0", "then", ""),
);
const leaf = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
);
const { json } = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaf,
    fc.array(tie("json"), { maxLength: 5 }),
    fc.array(fc.tuple(name, tie("json")), { maxLength: 5 }).map((members) => Object.fromEntries(members)),
  ),
}));
const { withDates } = fc.letrec<{ withDates: unknown }>((tie) => ({
  withDates: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaf.map((value) => (Object.is(value, -0) ? 0 : value)),
    fc.date({ noInvalidDate: true }),
    fc.array(tie("withDates"), { maxLength: 5 }),
    fc.array(fc.tuple(name, tie("withDates")), { maxLength: 5 }).map((members): unknown => Object.fromEntries(members)),
  ),
}));

describe("of any JSON value", () => {
  it("the copy is what JSON.parse makes of JSON.stringify, and frozen to the bottom", () => {
    fc.assert(
      fc.property(json, (v) => {
        const copy = taken({ v }).json;
        expect(isDeepStrictEqual(copy, JSON.parse(JSON.stringify({ v })))).toBe(true);
        expect(JSON.stringify(copy)).toBe(JSON.stringify({ v }));
        expect(objectsIn(copy).every((part) => Object.isFrozen(part))).toBe(true);
      }),
    );
  });

  it("with Dates, thaw gives back an equal value, Dates as Dates", () => {
    fc.assert(
      fc.property(withDates, (v) => {
        const { json: copy, thaw } = taken({ v });
        expect(isDeepStrictEqual(thaw(), { v })).toBe(true);
        expect(isDeepStrictEqual(copy, JSON.parse(JSON.stringify({ v })))).toBe(true);
      }),
    );
  });

  it("the copy, two thaws and the value itself have no object in common", () => {
    fc.assert(
      fc.property(withDates, (v) => {
        const value = { v };
        const { json: copy, thaw } = taken(value);
        const all = [value, copy, thaw(), thaw()].map((whole) => new Set(objectsIn(whole)));
        expect(new Set(all.flatMap((part) => [...part])).size).toBe(all.reduce((sum, part) => sum + part.size, 0));
      }),
    );
  });

  it("a thaw is not frozen anywhere", () => {
    fc.assert(
      fc.property(withDates, (v) => {
        expect(objectsIn(taken({ v }).thaw()).every((part) => Object.isExtensible(part))).toBe(true);
      }),
    );
  });

  it("a snapshot of the copy, or of a thaw, says the same again", () => {
    fc.assert(
      fc.property(withDates, (v) => {
        const { json: copy, thaw } = taken({ v });
        expect(isDeepStrictEqual(taken(copy).json, copy)).toBe(true);
        expect(isDeepStrictEqual(taken(thaw()).json, copy)).toBe(true);
      }),
    );
  });
});

describe("thaw", () => {
  it("makes fresh Dates each time, wherever there were Dates", () => {
    const { json: copy, thaw } = taken({ when: WHEN, list: [{ deep: [WHEN] }, WHEN], text: WHEN.toISOString() });
    const first = thaw() as { when: Date; list: [{ deep: [Date] }, Date]; text: string };
    expect(first).toStrictEqual({ when: WHEN, list: [{ deep: [WHEN] }, WHEN], text: WHEN.toISOString() });
    first.when.setTime(0);
    first.list[0].deep[0].setTime(0);
    first.list[1].setTime(0);
    expect(thaw()).toStrictEqual({ when: WHEN, list: [{ deep: [WHEN] }, WHEN], text: WHEN.toISOString() });
    expect(copy["when"]).toBe(WHEN.toISOString());
  });

  it("makes ordinary objects and lists of this realm, whatever the value was made of", () => {
    const value: unknown = runInNewContext("Object.assign(Object.create(null), { list: [{}], when: new Date(0) })");
    const thawed = taken(value).thaw() as { list: object[]; when: Date };
    expect(thawed).toStrictEqual({ list: [{}], when: new Date(0) });
    expect(Object.getPrototypeOf(thawed)).toBe(Object.prototype);
    expect(thawed.list).toBeInstanceOf(Array);
    expect(thawed.when).toBeInstanceOf(Date);
  });

  it("gives a Date that JSON shows as the text that was judged", () => {
    const extremes = { a: new Date(-8.64e15), b: new Date(8.64e15), c: new Date(-62_198_755_200_000), d: new Date(-1) };
    const { json: copy, thaw } = taken(extremes);
    expect(JSON.stringify(thaw())).toBe(JSON.stringify(copy));
    expect(thaw()).toStrictEqual(extremes);
  });
});

describe("a member called __proto__", () => {
  const TEXT =
    '{"__proto__":{"admin":true},"list":[{"__proto__":null}],"b":{"__proto__":"x","constructor":{"prototype":{}}}}';

  it("stays an own member of the copy and of each thaw, and no prototype changes", () => {
    const { json: copy, thaw } = taken(JSON.parse(TEXT));
    for (const whole of [copy, thaw()]) {
      expect(JSON.stringify(whole)).toBe(TEXT);
      expect(Object.keys(whole)).toEqual(["__proto__", "list", "b"]);
      for (const part of objectsIn(whole)) {
        expect(Object.getPrototypeOf(part)).toBe(Array.isArray(part) ? Array.prototype : Object.prototype);
      }
      expect(Reflect.get(whole, "admin")).toBeUndefined();
    }
    expect(Reflect.get({}, "admin")).toBeUndefined();
  });

  it("may hold a Date", () => {
    const value: unknown = Object.defineProperty({}, "__proto__", { value: WHEN, enumerable: true });
    const { json: copy, thaw } = taken(value);
    expect(JSON.stringify(copy)).toBe(`{"__proto__":"${WHEN.toISOString()}"}`);
    expect(Object.getOwnPropertyDescriptor(thaw(), "__proto__")?.value).toStrictEqual(WHEN);
  });
});

describe("changing the value afterwards", () => {
  it("changes neither the copy nor a thaw", () => {
    const value = { command: "ls", list: [{ path: "/tmp" }], when: new Date(0) };
    const { json: copy, thaw } = taken(value);
    value.command = "rm -rf /";
    value.list[0] = { path: "/" };
    value.list.push({ path: "/etc" });
    value.when.setTime(1);
    Object.assign(value, { added: true });
    expect(copy).toStrictEqual({ command: "ls", list: [{ path: "/tmp" }], when: "1970-01-01T00:00:00.000Z" });
    expect(thaw()).toStrictEqual({ command: "ls", list: [{ path: "/tmp" }], when: new Date(0) });
  });
});
