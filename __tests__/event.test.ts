import { isDeepStrictEqual } from "node:util";

import { afterEach, describe, expect, it, vi } from "vitest";

import { ActionEvent, defaultEnvironment, namedBy, type ActionEventFields } from "../src/event.ts";
import { MAX_BYTES } from "../src/snapshot.ts";

const FIELDS: ActionEventFields = { actor: "agent", action: "execute", resource: "shell" };
const LONGEST = "x".repeat(1024);

afterEach(() => {
  vi.unstubAllEnvs();
  vi.resetModules();
});

describe("an event", () => {
  it("has the fields it is given", () => {
    const event = ActionEvent.create({
      actor: "demo-agent",
      action: "transfer",
      resource: "bank.account",
      environment: "staging",
      payload: { amount: 12.5, to: ["a", { iban: null }] },
      context: { user_role: "clerk", caller_depth: 1 },
      capability: "payments.transfer",
      scope: "eu",
      risk: "high",
      sessionId: "session-1",
    });
    expect(event).toEqual({
      id: event.id,
      actor: "demo-agent",
      action: "transfer",
      resource: "bank.account",
      environment: "staging",
      capability: "payments.transfer",
      scope: "eu",
      risk: "high",
      sessionId: "session-1",
      payload: { amount: 12.5, to: ["a", { iban: null }] },
      payloadProblem: undefined,
      context: { user_role: "clerk", caller_depth: 1 },
    });
  });

  it("defaults to an empty payload and context, and to resource.action as capability", () => {
    vi.stubEnv("CAPFENCE_ENVIRONMENT", undefined);
    const event = ActionEvent.create(FIELDS);
    expect(event).toEqual({
      id: event.id,
      actor: "agent",
      action: "execute",
      resource: "shell",
      environment: "production",
      capability: "shell.execute",
      scope: undefined,
      risk: undefined,
      sessionId: undefined,
      payload: {},
      payloadProblem: undefined,
      context: {},
    });
  });

  it.each([0, -1.5, 10, "low", "high"])("takes %j as its risk", (risk) => {
    expect(ActionEvent.create({ ...FIELDS, risk }).risk).toBe(risk);
  });

  it("takes text of 1,024 characters, of any script", () => {
    const event = ActionEvent.create({ ...FIELDS, actor: LONGEST, sessionId: "セッション 🔒" });
    expect(event.actor).toBe(LONGEST);
    expect(event.sessionId).toBe("セッション 🔒");
  });

  it("is frozen, payload and context to the bottom", () => {
    const payload = { list: [{ deep: 1 }] };
    const context = { tenant: { id: 7 } };
    const event = ActionEvent.create({ ...FIELDS, payload, context });
    payload.list.push({ deep: 2 });
    context.tenant.id = 8;
    expect(event.payload).toEqual({ list: [{ deep: 1 }] });
    expect(event.context).toEqual({ tenant: { id: 7 } });
    const frozen = [event, event.payload, event.payload["list"], event.context, event.context["tenant"]];
    expect(frozen.map((part) => Object.isFrozen(part))).toEqual(frozen.map(() => true));
    expect(() => Object.assign(event, { capability: "harmless.read" })).toThrow(TypeError);
  });
});

describe("the environment", () => {
  it.each([
    ["what CAPFENCE_ENVIRONMENT says", "staging", undefined, "staging"],
    ["production when CAPFENCE_ENVIRONMENT is not set", undefined, undefined, "production"],
    ["production when CAPFENCE_ENVIRONMENT is empty", "", undefined, "production"],
    ["the one given, whatever CAPFENCE_ENVIRONMENT says", "staging", "development", "development"],
  ])("is %s", (_name, configured, given, expected) => {
    vi.stubEnv("CAPFENCE_ENVIRONMENT", configured);
    expect(ActionEvent.create({ ...FIELDS, environment: given }).environment).toBe(expected);
    if (given === undefined) expect(defaultEnvironment()).toBe(expected);
  });

  it("from CAPFENCE_ENVIRONMENT is held to the same rules as one given", () => {
    vi.stubEnv("CAPFENCE_ENVIRONMENT", "x".repeat(1025));
    expect(() => ActionEvent.create(FIELDS)).toThrow(
      TypeError("ActionEvent: environment is longer than 1024 characters"),
    );
  });
});

describe("an id", () => {
  it("is a UUIDv7 (RFC 9562): version 7, variant 10, the time in its first 48 bits", () => {
    const before = Date.now();
    const { id } = ActionEvent.create(FIELDS);
    const after = Date.now();
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const made = Number.parseInt(id.replace("-", "").slice(0, 12), 16);
    expect(made).toBeGreaterThanOrEqual(before);
    expect(made).toBeLessThanOrEqual(after);
  });

  it("sorts by the time of making, and is never used twice", () => {
    const ids = Array.from({ length: 5000 }, () => ActionEvent.create(FIELDS).id);
    expect(ids.toSorted()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

const CYCLE: Record<string, unknown> = {};
CYCLE["self"] = CYCLE;

const MISSING = "must be a non-empty string";
const MALFORMED = "is not well-formed Unicode";

describe("a bad field is a TypeError that names it", () => {
  const REQUIRED = ["actor", "action", "resource"] as const;
  const TEXTS = [...REQUIRED, "environment", "capability", "scope", "sessionId"] as const;

  it.each(REQUIRED)("%s missing", (field) => {
    for (const value of [undefined, null]) {
      expect(() => ActionEvent.create({ ...FIELDS, [field]: value })).toThrow(
        TypeError(`ActionEvent: ${field} ${MISSING}`),
      );
    }
  });

  it.each(TEXTS)("%s of another kind, empty, too long or malformed", (field) => {
    const create = (value: unknown) => () => ActionEvent.create({ ...FIELDS, [field]: value });
    for (const value of ["", 1, true, {}, ["shell"], Symbol("shell"), Object("shell")]) {
      expect(create(value)).toThrow(TypeError(`ActionEvent: ${field} ${MISSING}`));
    }
    expect(create(`${LONGEST}x`)).toThrow(TypeError(`ActionEvent: ${field} is longer than 1024 characters`));
    for (const value of ["\uD800", "a\uDC00b", "\uDC00\uD800"]) {
      expect(create(value)).toThrow(TypeError(`ActionEvent: ${field} ${MALFORMED}`));
    }
  });

  it.each([
    [Number.NaN, "must be a finite number or a non-empty string"],
    [Number.POSITIVE_INFINITY, "must be a finite number or a non-empty string"],
    ["", "must be a finite number or a non-empty string"],
    [true, "must be a finite number or a non-empty string"],
    [1n, "must be a finite number or a non-empty string"],
    ["\uD800", MALFORMED],
  ])("risk %s", (risk, problem) => {
    expect(() => ActionEvent.create({ ...FIELDS, risk: risk as never })).toThrow(
      TypeError(`ActionEvent: risk ${problem}`),
    );
  });

  it.each([
    ["a string", "admin", "context: not an object"],
    ["a list", ["admin"], "context: not an object"],
    ["a cycle", CYCLE, "self: a cycle"],
    ["a function inside", { user: { role: () => "admin" } }, "user.role: a function"],
    ["a Map", new Map([["user_role", "admin"]]), "context: an instance of a class"],
    ["a getter", Object.defineProperty({}, "role", { get: () => "admin", enumerable: true }), "role: an accessor"],
    ["more than 1 MiB", { text: "x".repeat(MAX_BYTES) }, "context: more than 1048576 bytes of JSON"],
  ])("context that is %s", (_name, context, problem) => {
    expect(() => ActionEvent.create({ ...FIELDS, context })).toThrow(
      TypeError(`ActionEvent: context cannot be taken (${problem})`),
    );
  });

  it.each([undefined, null, "shell.execute", 1, true])("no fields at all: %j", (fields) => {
    expect(() => ActionEvent.create(fields as never)).toThrow(TypeError);
  });
});

describe("a payload", () => {
  it.each([
    ["a string", "rm -rf /", "payload: not an object"],
    ["a list", [{ command: "ls" }], "payload: not an object"],
    ["null", null, "payload: not an object"],
    ["a number", 7, "payload: not an object"],
    ["a function", () => ({}), "payload: a function"],
    ["a Date", new Date(0), "payload: an instance of a class"],
    ["a Proxy", new Proxy({}, {}), "payload: a Proxy"],
    ["an object with NaN inside", { list: [{ amount: Number.NaN }] }, "list[0].amount: NaN is not a JSON number"],
  ])("that is %s is no error: the event says what is wrong and holds nothing of it", (_name, payload, problem) => {
    const event = ActionEvent.create({ ...FIELDS, payload });
    expect(event.payloadProblem).toBe(problem);
    expect(event.payload).toEqual({});
    expect(Object.isFrozen(event.payload)).toBe(true);
    expect(event.payloadCopy()).toEqual({});
  });

  it("is copied anew at each call of payloadCopy, with Dates where it had Dates", () => {
    const event = ActionEvent.create({ ...FIELDS, payload: { when: new Date(0), list: [1] } });
    expect(event.payload).toEqual({ when: "1970-01-01T00:00:00.000Z", list: [1] });
    const first = event.payloadCopy();
    expect(first).toEqual({ when: new Date(0), list: [1] });
    (first["when"] as Date).setTime(1);
    (first["list"] as number[]).push(2);
    first["command"] = "rm -rf /";
    expect(event.payloadCopy()).toEqual({ when: new Date(0), list: [1] });
    expect(event.payload).toEqual({ when: "1970-01-01T00:00:00.000Z", list: [1] });
  });
});

describe("fields that change while they are read", () => {
  const NAMES = [
    "actor",
    "action",
    "resource",
    "environment",
    "payload",
    "context",
    "capability",
    "scope",
    "risk",
    "sessionId",
  ] as const;

  it("are read once each, so what was checked is what the event holds", () => {
    const reads = new Map<string, number>();
    const fields = {} as ActionEventFields;
    for (const name of NAMES) {
      Object.defineProperty(fields, name, {
        enumerable: true,
        get: () => {
          const read = (reads.get(name) ?? 0) + 1;
          reads.set(name, read);
          const good = name === "payload" || name === "context" ? { first: true } : "first";
          return read === 1 ? good : { toString: () => "second" };
        },
      });
    }
    const event = ActionEvent.create(fields);
    expect([...reads].filter(([name, count]) => NAMES.includes(name as "actor") && count !== 1)).toEqual([]);
    for (const name of NAMES) {
      expect(event[name]).toEqual(name === "payload" || name === "context" ? { first: true } : "first");
    }
  });

  it("cannot make an event out of an error: a getter that throws throws", () => {
    const fields = Object.defineProperty({ ...FIELDS }, "actor", {
      get: () => {
        throw new RangeError("no actor");
      },
    });
    expect(() => ActionEvent.create(fields)).toThrow(new RangeError("no actor"));
  });
});

describe("isInstance", () => {
  const event = ActionEvent.create(FIELDS);

  it("knows the events of this copy of the package", () => {
    expect(ActionEvent.isInstance(event)).toBe(true);
  });

  const { proxy: revoked, revoke } = Proxy.revocable(event, {});
  revoke();
  it.each<[string, unknown]>([
    ["undefined", undefined],
    ["null", null],
    ["a string", event.id],
    ["the class", ActionEvent],
    ["a plain object", Object.fromEntries(Object.entries(event))],
    [
      "an object with an event's prototype",
      Object.create(ActionEvent.prototype, Object.getOwnPropertyDescriptors(event)),
    ],
    ["an object that inherits from an event", Object.create(event)],
    ["a Proxy of an event", new Proxy(event, {})],
    ["a revoked Proxy", revoked],
    ["a structured clone", structuredClone(Object.fromEntries(Object.entries(event)))],
  ])("does not take %s for one", (_name, value) => {
    expect(ActionEvent.isInstance(value)).toBe(false);
  });

  it("does not take an event of another copy for one, nor that copy one of ours", async () => {
    vi.resetModules();
    const copy = await import("../src/event.ts");
    const foreign = copy.ActionEvent.create(FIELDS);
    expect(copy.ActionEvent.isInstance(foreign)).toBe(true);
    expect(ActionEvent.isInstance(foreign)).toBe(false);
    expect(copy.ActionEvent.isInstance(event)).toBe(false);
  });

  it("is not fooled by a class that extends ActionEvent to hand out another payload", () => {
    class Swapped extends (ActionEvent as unknown as new (fields: ActionEventFields) => ActionEvent) {
      override payloadCopy(): Record<string, unknown> {
        return { command: "rm -rf /" };
      }
    }
    expect(() => new Swapped({ ...FIELDS, payload: { command: "ls" } })).toThrow(TypeError);
  });
});

describe("an event made from another event", () => {
  it("has the same fields and payload, and an id of its own", () => {
    const event = ActionEvent.create({ ...FIELDS, payload: { command: "ls" }, context: { tenant: "a" }, scope: "eu" });
    const again = ActionEvent.create(event);
    const differing = Object.keys(event).filter(
      (field) => !isDeepStrictEqual(Reflect.get(again, field), Reflect.get(event, field)),
    );
    expect(differing).toEqual(["id"]);
  });

  it("keeps what was wrong with the payload: the empty one in its place was never asked for", async () => {
    vi.resetModules();
    const copy = await import("../src/event.ts");
    const foreign = copy.ActionEvent.create({ ...FIELDS, payload: { amount: Number.NaN } });
    const again = ActionEvent.create(foreign);
    expect(again.payloadProblem).toBe("amount: NaN is not a JSON number");
    expect(again.payload).toEqual({});
  });

  it.each([
    ["", "payload: it could not be taken"],
    [["a cycle"], "payload: it could not be taken"],
    [null, "payload: it could not be taken"],
    ["\uD800", "payload: it could not be taken"],
    ["x".repeat(1025), "payload: it could not be taken"],
  ])("whose payloadProblem is no text that can be recorded (%j) has one all the same", (payloadProblem, expected) => {
    const fields = { ...FIELDS, payload: { command: "ls" }, payloadProblem };
    const event = ActionEvent.create(fields);
    expect(event.payloadProblem).toBe(expected);
    expect(event.payload).toEqual({});
    expect(event.payloadCopy()).toEqual({});
  });
});

describe("what a capability names by itself", () => {
  it.each([
    ["shell.execute", "shell", "execute"],
    ["files.archive.read", "files.archive", "read"],
    ["deploy", "deploy", "execute"],
    [".a", ".a", "execute"],
    ["a.", "a.", "execute"],
    [".", ".", "execute"],
    ["a..b", "a.", "b"],
    [`${"a".repeat(1024)}.b`, "a".repeat(1024), "execute"],
  ])("%s: %s, %s", (capability, resource, action) => {
    expect(namedBy(capability)).toEqual({ resource, action });
  });
});
