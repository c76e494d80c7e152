import { isDeepStrictEqual } from "node:util";
import { createContext, runInContext } from "node:vm";

import * as fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";

import { takeSnapshot } from "../src/snapshot.ts";

function problemOf(value: unknown): string {
  const result = takeSnapshot(value);
  if (result.ok) throw new Error(`accepted as ${JSON.stringify(result.json).slice(0, 200)}`);
  return result.problem;
}

/** Everything of a value's that ran, in order. */
let ran: string[] = [];

afterEach(() => {
  ran = [];
});

function note(what: string): void {
  ran.push(what);
}

const TRAPS: (keyof ProxyHandler<object>)[] = [
  "apply",
  "construct",
  "defineProperty",
  "deleteProperty",
  "get",
  "getOwnPropertyDescriptor",
  "getPrototypeOf",
  "has",
  "isExtensible",
  "ownKeys",
  "preventExtensions",
  "set",
  "setPrototypeOf",
];

/** A Proxy all of whose traps leave a note; even looking for a trap does. */
function watched<T extends object>(target: T): T {
  const traps = Object.fromEntries(
    TRAPS.map((trap) => [
      trap,
      (...values: unknown[]): unknown => {
        note(trap);
        return Reflect.apply(Reflect[trap], Reflect, values);
      },
    ]),
  );
  return new Proxy(target, traps);
}

/** A descriptor of a getter and setter that leave notes. */
function watchedAccessor(what: string): PropertyDescriptor {
  return {
    get: () => {
      note(`get ${what}`);
      return "ls";
    },
    set: () => note(`set ${what}`),
    enumerable: true,
    configurable: true,
  };
}

/** A function that leaves a note, as methods that a careless reader would call. */
function method(what: string): () => unknown {
  return () => {
    note(what);
    return "ls";
  };
}

const METHODS = {
  toJSON: method("toJSON"),
  toString: method("toString"),
  valueOf: method("valueOf"),
  inspect: method("inspect"),
  [Symbol.iterator]: method("iterator"),
  [Symbol.asyncIterator]: method("asyncIterator"),
  [Symbol.toPrimitive]: method("toPrimitive"),
  [Symbol.for("nodejs.util.inspect.custom")]: method("custom inspect"),
};

const WATCHED_SYMBOLS = Object.defineProperties(
  {},
  {
    [Symbol.toStringTag]: watchedAccessor("toStringTag"),
    [Symbol.toPrimitive]: watchedAccessor("toPrimitive"),
    constructor: watchedAccessor("constructor"),
    __proto__: watchedAccessor("__proto__"),
  },
);

class Sly {
  get command(): string {
    note("class getter");
    return "ls";
  }
  toJSON(): unknown {
    note("class toJSON");
    return { command: "ls" };
  }
  static get [Symbol.species](): unknown {
    note("species");
    return Sly;
  }
}

class SlyList extends Array<unknown> {
  override *[Symbol.iterator](): ArrayIterator<unknown> {
    note("subclass iterator");
    yield* super[Symbol.iterator]();
  }
  static override get [Symbol.species](): ArrayConstructor {
    note("species");
    return Array;
  }
  override get length(): number {
    note("length");
    return 0;
  }
}

class SlyDate extends Date {
  override toISOString(): string {
    note("subclass toISOString");
    return "never";
  }
  override getTime(): number {
    note("subclass getTime");
    return 0;
  }
}

describe("runs nothing of the value's and refuses it", () => {
  it.each<[string, () => unknown]>([
    ["a Proxy", () => watched({ command: "ls" })],
    ["a Proxy in a member", () => ({ a: watched({}) })],
    ["a Proxy in a list", () => ({ a: [watched([])] })],
    ["a Proxy of a Proxy", () => ({ a: watched(watched({})) })],
    ["a Proxy of a Date", () => ({ a: watched(new Date(0)) })],
    ["a Proxy of a Map", () => ({ a: watched(new Map()) })],
    ["a Proxy that is called", () => ({ a: watched(() => "ls") })],
    ["a Proxy as prototype", () => ({ a: Object.create(watched({ isPrototypeOf: 1 })) })],
    ["a Proxy as a prototype's prototype", () => ({ a: Object.create(Object.create(watched({}))) })],
    ["a Proxy as a list's prototype", () => ({ a: Object.setPrototypeOf([1], watched([])) })],
    [
      "a Proxy behind a list's prototype",
      () => ({ a: Object.setPrototypeOf([1], Object.setPrototypeOf([], watched({}))) }),
    ],
    ["a Proxy as a Date's prototype", () => ({ a: Object.setPrototypeOf(new Date(0), watched(Date.prototype)) })],
    ["a Proxy as the handler of a Proxy", () => ({ a: new Proxy({}, watched({})) })],
    ["a getter", () => Object.defineProperty({}, "command", watchedAccessor("command"))],
    ["a getter in a list", () => ({ list: Object.defineProperty([1], 0, watchedAccessor("0")) })],
    ["getters with well-known names", () => ({ a: WATCHED_SYMBOLS })],
    ["methods with well-known names", () => ({ a: Object.assign({}, METHODS) })],
    ["inherited methods with well-known names", () => ({ a: Object.create(METHODS) })],
    ["a list with such methods", () => ({ a: Object.assign([1], METHODS) })],
    [
      "a Date with such methods",
      () => ({ a: Object.defineProperties(new Date(0), Object.getOwnPropertyDescriptors(METHODS)) }),
    ],
    ["a class with a getter and a toJSON", () => ({ a: new Sly() })],
    ["a list of a subclass", () => ({ a: Object.setPrototypeOf([1, 2], SlyList.prototype) })],
    ["a Date of a subclass", () => ({ a: new SlyDate(0) })],
    ["a thenable", () => ({ a: { ["th".concat("en")]: METHODS.valueOf } })],
    [
      "an object that says it is something else",
      () => ({
        a: {
          get [Symbol.toStringTag]() {
            note("tag");
            return "Object";
          },
        },
      }),
    ],
  ])("%s", (_name, make) => {
    const value = make();
    ran = [];
    expect(takeSnapshot(value).ok).toBe(false);
    expect(ran).toEqual([]);
  });
});

describe("runs nothing of the value's and copies what it really holds", () => {
  it("a plain object whose prototype passes for another realm's Object.prototype", () => {
    const prototype: object = Object.assign(Object.create(null), METHODS, { isPrototypeOf: 1, inherited: "rm -rf /" });
    Object.defineProperty(prototype, "command", watchedAccessor("command"));
    const value: unknown = Object.defineProperty(Object.create(prototype), "own", { value: 1, enumerable: true });
    const result = takeSnapshot({ value });
    if (!result.ok) throw new Error(result.problem);
    expect(result.json).toStrictEqual({ value: { own: 1 } });
    expect(result.thaw()).toStrictEqual({ value: { own: 1 } });
    expect(ran).toEqual([]);
  });

  it("another realm whose prototypes have been changed", () => {
    const context = createContext({ note });
    const value: unknown = runInContext(
      `Object.prototype.toJSON = Array.prototype.toJSON = Date.prototype.toJSON = () => note("toJSON");
       Date.prototype.toISOString = Date.prototype.getTime = () => note("Date");
       Array.prototype[Symbol.iterator] = Array.prototype.map = () => note("Array");
       ({ list: [1, { a: 2 }], when: new Date(0) })`,
      context,
    );
    const result = takeSnapshot(value);
    if (!result.ok) throw new Error(result.problem);
    expect(result.json).toStrictEqual({ list: [1, { a: 2 }], when: "1970-01-01T00:00:00.000Z" });
    expect(result.thaw()).toStrictEqual({ list: [1, { a: 2 }], when: new Date(0) });
    expect(ran).toEqual([]);
  });
});

/** What an ordinary object becomes when something has been added to a prototype of this realm. */
function withPrototype<T>(prototype: object, key: PropertyKey, descriptor: PropertyDescriptor, run: () => T): T {
  Object.defineProperty(prototype, key, { ...descriptor, configurable: true });
  try {
    return run();
  } finally {
    Reflect.deleteProperty(prototype, key);
  }
}

describe("where the host's own prototypes have been changed", () => {
  it("a setter for a name takes nothing out of the copy, and is not called", () => {
    const result = withPrototype(Object.prototype, "command", watchedAccessor("command"), () => {
      const taken = takeSnapshot({ command: "rm -rf /", a: [{ command: "ls" }] });
      return taken.ok ? { json: taken.json, thawed: taken.thaw() } : undefined;
    });
    expect(result?.json).toStrictEqual({ command: "rm -rf /", a: [{ command: "ls" }] });
    expect(result?.thawed).toStrictEqual({ command: "rm -rf /", a: [{ command: "ls" }] });
    expect(ran).toEqual([]);
  });

  it("a constant that is inherited stands in no name's way", () => {
    const result = withPrototype(Object.prototype, "command", { value: "ls", writable: false }, () => {
      const taken = takeSnapshot({ command: "rm -rf /" });
      return taken.ok ? [JSON.stringify(taken.json), JSON.stringify(taken.thaw())] : taken.problem;
    });
    expect(result).toEqual(['{"command":"rm -rf /"}', '{"command":"rm -rf /"}']);
  });
});

/** An object that holds `value`, which has been given another prototype. */
function withPrototypeOf(value: object, prototype: object | null): unknown {
  return { a: Object.setPrototypeOf(value, prototype) as unknown };
}

describe("what JSON, or a tool, would see as something else", () => {
  it.each<[string, () => object]>([
    ["a boxed number", () => Object(5)],
    ["a boxed boolean", () => Object(true)],
    ["a boxed BigInt", () => Object(5n)],
    ["a boxed symbol", () => Object(Symbol("x"))],
    ["a boxed text", () => Object("ls")],
    ["a Map", () => new Map([["command", "rm"]])],
    ["a Set", () => new Set(["rm"])],
    ["a WeakMap", () => new WeakMap()],
    ["a WeakSet", () => new WeakSet()],
    ["a RegExp", () => /rm/],
    ["a Promise", () => Promise.resolve("rm")],
    ["an Error", () => new Error("rm")],
    ["an ArrayBuffer", () => new ArrayBuffer(4)],
    ["a SharedArrayBuffer", () => new SharedArrayBuffer(4)],
    ["a typed array", () => new Uint8Array(4)],
    ["a large typed array", () => new Uint8Array(500_000_000)],
    ["a DataView", () => new DataView(new ArrayBuffer(4))],
  ])("is refused, even when it passes for a plain object: %s", (_name, make) => {
    expect(problemOf(withPrototypeOf(make(), Object.prototype))).toBe("a: an instance of a class");
    expect(problemOf(withPrototypeOf(make(), null))).toBe("a: an instance of a class");
  });

  it("is refused: a Date that passes for a plain object", () => {
    expect(problemOf(withPrototypeOf(new Date(0), Object.prototype))).toBe("a: a Date of another class");
    expect(problemOf(Object.setPrototypeOf(new Date(0), Object.prototype))).toBe("payload: an instance of a class");
  });

  const { rawJSON } = JSON as { rawJSON?: (text: string) => object };
  it.skipIf(rawJSON === undefined)("is refused: raw JSON text", () => {
    expect(problemOf({ a: rawJSON?.("1") })).toBe("a: an instance of a class");
  });

  it("is refused: the global object of another realm, whatever stands behind it", () => {
    const context = createContext(watched({ command: "ls" }));
    const global: unknown = runInContext("this", context);
    ran = [];
    expect(problemOf({ global })).toBe("global: an instance of a class");
    expect(ran).toEqual([]);
  });
});

describe("a value that answers differently each time", () => {
  it("is read once: what a getter or Proxy says later is never seen", () => {
    let reads = 0;
    const turning = Object.defineProperty({}, "command", {
      enumerable: true,
      get: () => {
        reads += 1;
        return reads === 1 ? "ls" : "rm -rf /";
      },
    });
    const copied = { ...turning };
    expect(problemOf(turning)).toBe("command: an accessor");
    expect(takeSnapshot(copied)).toMatchObject({ ok: true, json: { command: "ls" } });
    expect(reads).toBe(1);
  });

  it("says the same in the copy, in each thaw and in JSON, when it is accepted at all", () => {
    const anything = fc.anything({
      maxDepth: 4,
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withObjectString: true,
      withSet: true,
      withSparseArray: true,
      withTypedArray: true,
      stringUnit: "binary",
    });
    let accepted = 0;
    fc.assert(
      fc.property(anything, (payload) => {
        const result = takeSnapshot({ payload });
        if (!result.ok) return;
        accepted += 1;
        const text = JSON.stringify(result.json);
        expect(text).toBe(JSON.stringify({ payload }));
        expect(text).toBe(JSON.stringify(result.thaw()));
        expect(isDeepStrictEqual(result.json, JSON.parse(text))).toBe(true);
      }),
      { numRuns: 2000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });
});

const UNJUDGEABLE: [kind: string, make: () => unknown][] = [
  ["a Proxy", () => watched({})],
  ["a bigint", () => 1n],
  ["a function", () => () => "ls"],
  ["a symbol", () => Symbol("x")],
  ["NaN is not a JSON number", () => Number.NaN],
  ["text with a lone surrogate", () => "\uD800"],
  ["an instance of a class", () => new Sly()],
  ["an instance of a class", () => new Map()],
  ["an array of another class", () => new SlyList()],
  ["a Date that is no time", () => new Date(Number.NaN)],
  ["a Date of another class", () => new SlyDate(0)],
  ["an array with holes or named properties", () => Array(1)],
  ["a symbol as a key", () => ({ [Symbol("x")]: 1 })],
];

describe("whatever can't be judged", () => {
  it("is found wherever it stands, and its place is named", () => {
    const step = fc.oneof(fc.nat(3), fc.constantFrom("a", "b_c", "d-e", "items"));
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 0, maxLength: 10 }),
        fc.constantFrom(...UNJUDGEABLE),
        fc.jsonValue({ maxDepth: 1 }),
        (steps, [kind, make], sibling) => {
          let value = make();
          let place = "";
          for (const key of steps.toReversed()) {
            value =
              typeof key === "number"
                ? [...Array.from({ length: key }, () => sibling), value]
                : { z: sibling, [key]: value };
            place = `${typeof key === "number" ? `[${key}]` : `.${key}`}${place}`;
          }
          expect(problemOf({ root: value })).toBe(`root${place}: ${kind}`);
        },
      ),
    );
    expect(ran).toEqual([]);
  });
});

/** An object that holds itself `width` times, `levels` deep: small in memory, `width ** levels` as JSON. */
function fan(levels: number, width: number, last: unknown): unknown {
  let value = last;
  for (let level = 0; level < levels; level += 1) {
    const inner = value;
    value =
      level % 2 === 0
        ? Array.from({ length: width }, () => inner)
        : Object.fromEntries(Array.from({ length: width }, (_, key) => [`k${key}`, inner]));
  }
  return value;
}

/** The limits hold while the value is read, so none of these takes more than about a million steps. */
describe("stops early at", () => {
  const TOO_LARGE = "payload: more than 1048576 bytes of JSON";
  const manyUndefined = Object.fromEntries(Array.from({ length: 100_000 }, (_, key) => [`k${key}`, undefined]));

  it.each<[string, () => unknown, string | RegExp]>([
    ["a list of a thousand million holes", () => ({ list: Array(1e9) }), TOO_LARGE],
    ["the longest list there can be", () => ({ list: Array(2 ** 32 - 1) }), TOO_LARGE],
    ["a list of two million numbers", () => ({ list: Array.from<number>({ length: 2e6 }).fill(0) }), TOO_LARGE],
    [
      "an object of a million members",
      () => Object.fromEntries(Array.from({ length: 1e6 }, (_, key) => [key, 0])),
      TOO_LARGE,
    ],
    [
      "an object of two million undefined members",
      () => ({ a: Object.fromEntries(Array.from({ length: 2e6 }, (_, key) => [key, undefined])) }),
      "a: more than 1048576 members",
    ],
    [
      "one object of many undefined members, in many places",
      () => ({ list: Array.from({ length: 100_000 }, () => manyUndefined) }),
      "list[10]: more than 1048576 members",
    ],
    ["a text of 500 million characters", () => ({ text: "x".repeat(500_000_000) }), TOO_LARGE],
    [
      "a text of 500 million characters, in many places",
      () => ({ list: Array.from({ length: 1000 }, () => "é".repeat(500_000_000)) }),
      TOO_LARGE,
    ],
    ["a name of 50 million characters", () => ({ ["x".repeat(50_000_000)]: 1 }), TOO_LARGE],
    [
      "a million levels of lists",
      () => {
        let value: unknown = [];
        for (let level = 0; level < 1e6; level += 1) value = [value];
        return { value };
      },
      /nested more than 64 deep$/,
    ],
    [
      "a million levels of objects",
      () => {
        let value: unknown = {};
        for (let level = 0; level < 1e6; level += 1) value = { value };
        return value;
      },
      /nested more than 64 deep$/,
    ],
    ["a value that is 2 ** 60 times as large as it looks", () => ({ a: fan(60, 2, {}) }), TOO_LARGE],
    ["a value that is 50 ** 30 times as large as it looks", () => ({ a: fan(30, 50, "x") }), TOO_LARGE],
    ["the same, of empty lists", () => ({ a: fan(30, 50, []) }), TOO_LARGE],
    [
      "the same, with something to refuse at its very end",
      () => ({ a: Object.assign(fan(30, 2, {}) as object[], [fan(29, 2, 1n)]) }),
      /: a bigint$/,
    ],
  ])("%s", (_name, make, problem) => {
    const found = problemOf(make());
    if (typeof problem === "string") expect(found).toBe(problem);
    else expect(found).toMatch(problem);
  });
});
