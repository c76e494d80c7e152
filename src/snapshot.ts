/** One private, frozen copy of untrusted data, taken without running any of its code. */

import { types } from "node:util";

/** Plain JSON, deeply read-only. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** A plain JSON object, deeply read-only. */
export interface JsonObject {
  readonly [key: string]: Json;
}

/** Deepest nesting accepted, counting the outermost object as 1. */
export const MAX_DEPTH = 64;

/** Largest value accepted, in bytes of its UTF-8 JSON text: 1 MiB. */
export const MAX_BYTES = 1_048_576;

/** What `takeSnapshot` answers: the copy, or why the value can't be judged. */
export type SnapshotResult =
  | {
      readonly ok: true;
      /** The deep-frozen plain-JSON copy. Dates are their ISO strings, `undefined` properties are gone. */
      readonly json: JsonObject;
      /** A new unfrozen copy of `json` each time, with Dates in the places where the value had them. */
      readonly thaw: () => Record<string, unknown>;
    }
  | {
      readonly ok: false;
      /** Where and what, for example `items[2].when: a Date that is no time`. Never a value, only its kind. */
      readonly problem: string;
    };

/**
 * Copies `value`, which must be a plain object, into a frozen JSON snapshot. Synchronous; never throws; runs no getter,
 * Proxy trap, `toJSON` or iterator of the value. Refuses what JSON cannot say faithfully: cycles, accessors, Proxies,
 * class instances (a Date excepted), BigInt, NaN, infinities, functions, symbols, lone surrogates, sparse arrays,
 * nesting over {@link MAX_DEPTH}, size over {@link MAX_BYTES}. `name` is what a problem calls the value as a whole.
 */
export function takeSnapshot(value: unknown, name = "payload"): SnapshotResult {
  const walk = new Walk(name);
  try {
    const json = walk.copy(value);
    if (typeof json !== "object" || json === null || Array.isArray(json)) throw walk.refuse("not an object");
    if (walk.maximumBytes > MAX_BYTES && Buffer.byteLength(JSON.stringify(json)) > MAX_BYTES) throw walk.tooLarge();
    const root = json as JsonObject;
    const dates = walk.dates;
    return { ok: true, json: root, thaw: () => thaw(root, dates) as Record<string, unknown> };
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, problem: error.message };
    return { ok: false, problem: "a value that cannot be read" };
  }
}

class Refusal extends Error {}

/** Bytes a UTF-16 code unit takes at most in JSON text (a control character as `\\u0000`). */
const MAX_BYTES_PER_UNIT = 6;

class Walk {
  /** Which members of the copies stand for Dates. */
  readonly dates: Map<object, Set<string>> = new Map();
  /** Never more than the JSON text has; a cheap bound that stops huge values early. */
  #minimumBytes = 0;
  /** Never less than the JSON text has; below the limit no exact count is needed. */
  maximumBytes = 0;
  /** Members of objects that were looked at, those that are dropped included. */
  #members = 0;
  readonly #ancestors: object[] = [];
  readonly #path: (string | number)[] = [];
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  refuse(what: string): Refusal {
    return new Refusal(`${this.#path.length === 0 ? this.#name : describePath(this.#path)}: ${what}`);
  }

  tooLarge(): Refusal {
    this.#path.length = 0;
    return this.refuse(`more than ${MAX_BYTES} bytes of JSON`);
  }

  copy(value: unknown): Json {
    switch (typeof value) {
      case "string":
        return this.#text(value);
      case "number":
        if (!Number.isFinite(value)) throw this.refuse(`${value} is not a JSON number`);
        this.#count(1, 25);
        return value === 0 ? 0 : value;
      case "boolean":
        this.#count(4, 5);
        return value;
      case "object":
        if (value === null) {
          this.#count(4, 4);
          return null;
        }
        return this.#container(value);
      case "undefined":
      case "bigint":
      case "function":
      case "symbol":
      default:
        throw this.refuse(value === undefined ? "undefined" : `a ${typeof value}`);
    }
  }

  #count(minimum: number, maximum: number): void {
    this.#minimumBytes += minimum;
    this.maximumBytes += maximum;
    if (this.#minimumBytes > MAX_BYTES) throw this.tooLarge();
  }

  #text(value: string): string {
    this.#count(value.length + 2, value.length * MAX_BYTES_PER_UNIT + 2);
    if (!value.isWellFormed()) throw this.refuse("text with a lone surrogate");
    return value;
  }

  #container(value: object): Json {
    // Asked first: every other question about a Proxy would run its traps.
    if (types.isProxy(value)) throw this.refuse("a Proxy");
    if (this.#ancestors.includes(value)) throw this.refuse("a cycle");
    if (this.#ancestors.length >= MAX_DEPTH) throw this.refuse(`nested more than ${MAX_DEPTH} deep`);
    this.#ancestors.push(value);
    this.#count(2, 2);
    const copied = Array.isArray(value) ? this.#array(value) : this.#object(value);
    this.#ancestors.pop();
    return Object.freeze(copied);
  }

  #array(value: readonly unknown[]): Json[] {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (!isPrototypeWith("concat", prototype)) throw this.refuse("an array of another class");
    const commas = Math.max(0, value.length - 1);
    this.#count(commas, commas);
    if (Reflect.ownKeys(value).length !== value.length + 1) {
      throw this.refuse("an array with holes or named properties");
    }
    const copied: Json[] = [];
    for (let index = 0; index < value.length; index += 1) {
      const item = this.#member(value, index);
      copied.push(isDate(item) ? this.#date(item, copied, String(index)) : this.copy(item));
      this.#path.pop();
    }
    return copied;
  }

  #object(value: object): Record<string, Json> {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (!isPlainPrototype(prototype) || isMoreThanItsProperties(value)) throw this.refuse("an instance of a class");
    const copied: Record<string, Json> = {};
    const keys = Reflect.ownKeys(value);
    // Each visit counts, or many references to one object of many undefined members would cost their product. No JSON
    // text within MAX_BYTES has as many.
    this.#members += keys.length;
    if (this.#members > MAX_BYTES) throw this.refuse(`more than ${MAX_BYTES} members`);
    let separators = 1;
    for (const key of keys) {
      if (typeof key === "symbol") throw this.refuse("a symbol as a key");
      const item = this.#member(value, key);
      if (item !== undefined) {
        this.#text(key);
        this.#count(separators, separators);
        separators = 2;
        define(copied, key, isDate(item) ? this.#date(item, copied, key) : this.copy(item));
      }
      this.#path.pop();
    }
    return copied;
  }

  /** The value of an own property, without running a getter. Leaves `key` on the path for the caller to pop. */
  #member(value: object, key: string | number): unknown {
    this.#path.push(key);
    const descriptor = Object.getOwnPropertyDescriptor(value, key);
    if (descriptor === undefined) throw this.refuse("a hole");
    if (!Object.hasOwn(descriptor, "value")) throw this.refuse("an accessor");
    if (!descriptor.enumerable) throw this.refuse("a hidden property");
    return descriptor.value;
  }

  /** The text of a Date; notes that `owner` had it as its member `key`. */
  #date(value: Date, owner: object, key: string): string {
    if (!isPrototypeWith("getTime", Object.getPrototypeOf(value))) throw this.refuse("a Date of another class");
    const time = Date.prototype.getTime.call(value);
    if (Number.isNaN(time)) throw this.refuse("a Date that is no time");
    if (Reflect.ownKeys(value).length > 0) throw this.refuse("a Date with properties");
    this.#count(26, 29);
    const noted = this.dates.get(owner);
    if (noted === undefined) this.dates.set(owner, new Set([key]));
    else noted.add(key);
    return new Date(time).toISOString();
  }
}

function isDate(value: unknown): value is Date {
  return typeof value === "object" && types.isDate(value);
}

/** Whether an object with this prototype is a plain one: `null`, or an `Object.prototype` of any realm. */
function isPlainPrototype(prototype: unknown): boolean {
  if (prototype === null || prototype === Object.prototype) return true;
  return (
    !types.isProxy(prototype) &&
    Object.getPrototypeOf(prototype) === null &&
    Object.getOwnPropertyDescriptor(prototype, "isPrototypeOf") !== undefined
  );
}

/** Whether this is the prototype, of any realm, of the built-in class that has `method`, and not that of a subclass. */
function isPrototypeWith(method: "concat" | "getTime", prototype: unknown): boolean {
  return (
    typeof prototype === "object" &&
    prototype !== null &&
    !types.isProxy(prototype) &&
    Object.getOwnPropertyDescriptor(prototype, method) !== undefined &&
    isPlainPrototype(Object.getPrototypeOf(prototype))
  );
}

/** What `JSON.rawJSON` makes, where there is such a thing, is an object that JSON shows as something else. */
const isRawJson = (JSON as { isRawJSON?: (value: unknown) => boolean }).isRawJSON ?? (() => false);

/**
 * What a built-in object is stands in its internal slots, and stays when it is given a plain object's prototype. Asked one by
 * one for every object of a payload: calls by name cost a third of a loop over a list.
 */
function isMoreThanItsProperties(value: object): boolean {
  return (
    types.isArrayBufferView(value) ||
    types.isBoxedPrimitive(value) ||
    types.isDate(value) ||
    types.isMap(value) ||
    types.isSet(value) ||
    types.isRegExp(value) ||
    types.isPromise(value) ||
    types.isNativeError(value) ||
    types.isAnyArrayBuffer(value) ||
    types.isWeakMap(value) ||
    types.isWeakSet(value) ||
    isRawJson(value)
  );
}

/** Sets an own property. A plain assignment would go to a setter that is inherited, `__proto__` for one. */
function define(target: object, key: string, value: unknown): void {
  if (key in target) {
    Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
  } else {
    (target as Record<string, unknown>)[key] = value;
  }
}

function thaw(value: Json, dates: ReadonlyMap<object, ReadonlySet<string>>): unknown {
  if (typeof value !== "object" || value === null) return value;
  const marked = dates.get(value);
  const revive = (key: string, item: Json): unknown =>
    marked?.has(key) === true ? new Date(item as string) : thaw(item, dates);
  if (Array.isArray(value)) return value.map((item: Json, index) => revive(String(index), item));
  const copied: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) define(copied, key, revive(key, item));
  return copied;
}

const MAX_PATH_TEXT = 120;

/** Names a place, `items[2].when`, cut to a length that a log line can carry; keys come from outside, so they are quoted. */
function describePath(path: readonly (string | number)[]): string {
  const text = path
    .map((key) => {
      if (typeof key === "number") return `[${key}]`;
      return /^[A-Za-z0-9_-]{1,64}$/.test(key) ? `.${key}` : `[${JSON.stringify(key.slice(0, 64).toWellFormed())}]`;
    })
    .join("")
    .replace(/^\./, "");
  return text.length > MAX_PATH_TEXT ? `${text.slice(0, MAX_PATH_TEXT).toWellFormed()}…` : text;
}
