import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { readEntries } from "../../src/audit/read.ts";
import { verifyLog } from "../../src/audit/verify.ts";
import { AuditCorruptError, AuditUnavailableError, CapFenceError } from "../../src/errors.ts";
import { ActionEvent } from "../../src/event.ts";
import { Policy } from "../../src/policy/policy.ts";
import type { Outcome } from "../../src/runtime/outcome.ts";
import { ActionRuntime } from "../../src/runtime/runtime.ts";

const ANYTHING_GOES = Policy.parse("allow: ['*']");
const FIELDS = { actor: "agent", action: "transfer", resource: "payments" };
const FINISHED: Outcome = { status: "finished", durationMs: 1, output: "paid" };

let directory = "";
let log = "";
const open: ActionRuntime[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "capfence-faults-"));
  mkdirSync(join(directory, "logs"));
  log = join(directory, "logs", "audit.db");
});

afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  // A log that has failed may refuse to be folded; it has been thrown away then.
  await Promise.allSettled(open.splice(0).map((runtime) => runtime.close()));
  rmSync(directory, { recursive: true, force: true });
});

function runtimeOf(onAuditError?: (error: Error) => void, auditLog = log): ActionRuntime {
  const runtime = ActionRuntime.fromPolicy(ANYTHING_GOES, { auditLog, onAuditError });
  open.push(runtime);
  return runtime;
}

async function countDecisions(path: string): Promise<number> {
  let count = 0;
  for await (const { entry } of readEntries(path)) if (entry.kind === "decision") count += 1;
  return count;
}

/** What a promise was rejected with; fails when it was not. */
async function rejection(promise: Promise<unknown>): Promise<unknown> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if (!("error" in outcome)) throw new Error(`resolved with ${JSON.stringify(outcome.value)}`);
  return outcome.error;
}

/** A runtime that has let a call through, and whose log has gone since. */
async function allowedThenLost(onAuditError?: (error: Error) => void) {
  const runtime = runtimeOf(onAuditError);
  const event = ActionEvent.create(FIELDS);
  const verdict = await runtime.execute(event);
  expect(verdict.authorized).toBe(true);
  rmSync(join(directory, "logs"), { recursive: true });
  return { runtime, event, verdict };
}

describe("a log that can't be folded", () => {
  it("goes on, and is told once to every runtime that holds it", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const told: string[] = [];
    const [first, second, third] = ["first", "second", "third"].map((name) =>
      runtimeOf((error) => told.push(`${name}: ${error.message}`)),
    );
    for (const runtime of [first, second, third]) await runtime?.execute(FIELDS);
    await third?.close();
    const owner = readdirSync(join(directory, "logs")).find((name) => name.includes("-owner."));
    // In the way of the database that is to be made.
    const obstacle = join(directory, "logs", `${owner}`.replace("-owner.", "-database."));
    mkdirSync(obstacle);
    for (let times = 0; times < 2; times += 1) {
      vi.advanceTimersByTime(5_000);
      await vi.waitFor(() => expect(told).toHaveLength(2));
      expect((await first?.execute(FIELDS))?.authorized).toBe(true);
    }
    expect(told.map((message) => message.split(": ").slice(0, 3))).toEqual([
      ["first", `Audit log ${log}`, expect.stringMatching(/^its tail could not be folded into the database/)],
      ["second", `Audit log ${log}`, expect.stringMatching(/^its tail could not be folded into the database/)],
    ]);
    rmdirSync(obstacle);
    vi.useRealTimers();
    await first?.close();
    await second?.close();
    expect(await verifyLog(log)).toMatchObject({ intact: true, entries: 5 });
  });
});

describe("a log that contradicts itself when it is folded", () => {
  it("is closed: that is told, and whoever waits for an answer waits no longer", async () => {
    const told: Error[] = [];
    const policy = join(directory, "asking.yaml");
    writeFileSync(policy, "require_approval: [shell.execute]\n");
    const runtime = ActionRuntime.fromPolicy(policy, { auditLog: log, onAuditError: (error) => void told.push(error) });
    const waiting = rejection(runtime.execute({ ...FIELDS, capability: "shell.execute" }, { onApproval: "wait" }));
    await vi.waitFor(async () => expect(await runtime.approvals.pending()).toHaveLength(1));
    // In place, in a line that the writer has read.
    const text = readFileSync(`${log}-tail`, "utf8");
    writeFileSync(`${log}-tail`, text.replace("approval_required", "approval_refused!"));
    const error = await waiting;
    expect(told).toEqual([error]);
    expect(CapFenceError.isInstance(error)).toBe(true);
  });
});

describe("an outcome that can't be recorded", () => {
  it("rejects nothing: the tool has run, and throwing would invite a second run", async () => {
    const errors: Error[] = [];
    const { runtime, event, verdict } = await allowedThenLost((error) => errors.push(error));
    await expect(runtime.recordOutcome(event, verdict, FINISHED)).resolves.toBeUndefined();
    expect(errors).toHaveLength(1);
    expect(errors[0]).toBeInstanceOf(CapFenceError);
    expect(errors[0]).toMatchObject({ path: log });
  });

  it("closes the log: nothing is let through any more, even when the directory is back", async () => {
    const { runtime, event, verdict } = await allowedThenLost(() => undefined);
    await runtime.recordOutcome(event, verdict, FINISHED);
    mkdirSync(join(directory, "logs"));
    for (const attempt of [1, 2]) {
      expect(CapFenceError.isInstance(await rejection(runtime.execute(FIELDS))), `attempt ${attempt}`).toBe(true);
    }
    expect(existsSync(log)).toBe(false);
  });

  it("closes the log for every runtime of the process that writes to it", async () => {
    const other = runtimeOf(() => undefined);
    await other.execute(FIELDS);
    const { runtime, event, verdict } = await allowedThenLost(() => undefined);
    await runtime.recordOutcome(event, verdict, FINISHED);
    mkdirSync(join(directory, "logs"));
    expect(CapFenceError.isInstance(await rejection(other.execute(FIELDS)))).toBe(true);
  });

  it("does not stop a new runtime, once what was wrong has been put right", async () => {
    const { runtime, event, verdict } = await allowedThenLost(() => undefined);
    await runtime.recordOutcome(event, verdict, FINISHED);
    mkdirSync(join(directory, "logs"));
    const next = runtimeOf();
    expect((await next.execute(FIELDS)).authorized).toBe(true);
    await next.close();
    expect(await verifyLog(log)).toMatchObject({ intact: true, entries: 1 });
  });

  it("is told to onAuditError, and what that throws is ignored", async () => {
    const onAuditError = vi.fn(() => {
      throw new Error("the handler is broken");
    });
    const { runtime, event, verdict } = await allowedThenLost(onAuditError);
    await expect(runtime.recordOutcome(event, verdict, FINISHED)).resolves.toBeUndefined();
    expect(onAuditError).toHaveBeenCalledOnce();
    await expect(runtime.execute(FIELDS)).rejects.toBeInstanceOf(CapFenceError);
  });

  it("is told to onAuditError, and what that rejects with is ignored", async () => {
    const awaited: boolean[] = [];
    const onAuditError = (): PromiseLike<never> => ({
      // oxlint-disable-next-line unicorn/no-thenable -- a real rejected promise would end the process that forgets it
      then: (_resolve, reject) => {
        awaited.push(typeof reject === "function");
        return Promise.resolve() as never;
      },
    });
    const { runtime, event, verdict } = await allowedThenLost(onAuditError);
    await runtime.recordOutcome(event, verdict, FINISHED);
    await new Promise((resolve) => setImmediate(resolve));
    expect(awaited).toEqual([true]);
  });

  it("is a process warning when there is no onAuditError", async () => {
    const emitWarning = vi.spyOn(process, "emitWarning").mockReturnValue();
    const { runtime, event, verdict } = await allowedThenLost();
    await runtime.recordOutcome(event, verdict, FINISHED);
    expect(emitWarning).toHaveBeenCalledOnce();
    expect(emitWarning.mock.calls[0]?.[0]).toBeInstanceOf(CapFenceError);
  });

  it("is also one that comes after close, and close itself still resolves", async () => {
    const onAuditError = vi.fn();
    const runtime = runtimeOf(onAuditError);
    const event = ActionEvent.create(FIELDS);
    const verdict = await runtime.execute(event);
    await runtime.close();
    await expect(runtime.recordOutcome(event, verdict, FINISHED)).resolves.toBeUndefined();
    expect(onAuditError).toHaveBeenCalledExactlyOnceWith(expect.any(AuditUnavailableError));
    expect(await verifyLog(log)).toMatchObject({ intact: true, entries: 1 });
  });

  it.each<[string, unknown]>([
    [
      "a Proxy with throwing traps",
      new Proxy(
        {},
        {
          get: () => {
            throw new Error("trap");
          },
          ownKeys: () => {
            throw new Error("trap");
          },
        },
      ),
    ],
    [
      "a toJSON that throws",
      {
        toJSON: () => {
          throw new Error("toJSON");
        },
      },
    ],
    [
      "a getter that throws",
      Object.defineProperty({}, "a", {
        get: () => {
          throw new Error("getter");
        },
        enumerable: true,
      }),
    ],
    ["text with a lone surrogate", "\uD800"],
    ["JSON with a lone surrogate", { a: ["\uD800"] }],
    ["64 levels of lists", Array.from({ length: 64 }).reduce<unknown[]>((inner) => [inner], [])],
    ["10 MB of text", "é".repeat(5_000_000)],
    ["an object that can't be made text", Object.create(null)],
  ])("is not one whose output is strange: %s", async (_name, output) => {
    const onAuditError = vi.fn();
    const runtime = runtimeOf(onAuditError);
    const event = ActionEvent.create(FIELDS);
    const verdict = await runtime.execute(event);
    await runtime.recordOutcome(event, verdict, { ...FINISHED, output });
    expect(onAuditError).not.toHaveBeenCalled();
    expect((await runtime.execute(FIELDS)).authorized).toBe(true);
    await runtime.close();
    expect(await verifyLog(log)).toMatchObject({ intact: true, entries: 3 });
  });
});

describe("a duration that is no number", () => {
  it.each([Number.NaN, Number.POSITIVE_INFINITY, undefined])(
    "costs neither the outcome nor the log: %s",
    async (durationMs) => {
      const onAuditError = vi.fn();
      const runtime = runtimeOf(onAuditError);
      const event = ActionEvent.create(FIELDS);
      const verdict = await runtime.execute(event);
      await runtime.recordOutcome(event, verdict, { ...FINISHED, durationMs: durationMs as number });
      expect(onAuditError).not.toHaveBeenCalled();
      await runtime.close();
      expect(await verifyLog(log)).toMatchObject({ intact: true, entries: 2 });
    },
  );
});

describe("a decision that can't be recorded", () => {
  it("is no decision: execute rejects, and the log stays closed", async () => {
    const runtime = runtimeOf();
    await runtime.execute(FIELDS);
    rmSync(join(directory, "logs"), { recursive: true });
    expect(CapFenceError.isInstance(await rejection(runtime.execute(FIELDS)))).toBe(true);
    expect(existsSync(log)).toBe(false);
  });

  it("refuses all calls that were waiting with it", async () => {
    const runtime = runtimeOf();
    await runtime.execute(FIELDS);
    rmSync(join(directory, "logs"), { recursive: true });
    const settled = await Promise.allSettled(Array.from({ length: 300 }, () => runtime.execute(FIELDS)));
    expect(settled.filter((call) => call.status === "fulfilled")).toEqual([]);
    expect(settled.every((call) => call.status === "rejected" && CapFenceError.isInstance(call.reason))).toBe(true);
  });

  it("whose log another file has been put in the place of is refused too, and that file is left as it is", async () => {
    const runtime = runtimeOf();
    await runtime.execute(FIELDS);
    const other = join(directory, "other.db");
    const intruder = runtimeOf(undefined, other);
    await intruder.execute(FIELDS);
    await intruder.close();
    rmSync(`${log}-tail`);
    renameSync(other, log);
    const before = readFileSync(log);
    expect(await rejection(runtime.execute(FIELDS))).toBeInstanceOf(AuditCorruptError);
    expect(await rejection(runtime.execute(FIELDS))).toBeInstanceOf(AuditCorruptError);
    expect(readFileSync(log).equals(before)).toBe(true);
  });
});

describe("a request for approval", () => {
  it("is told of, although what was recorded before it can't be read back", async () => {
    const runtime = ActionRuntime.fromPolicy(Policy.parse("require_approval: ['*']"), { auditLog: log });
    open.push(runtime);
    const first = await runtime.execute({ ...FIELDS, payload: { to: "somebody" } });
    const told: string[] = [];
    runtime.approvals.on("requested", ({ id }) => void told.push(id));
    const tail = readFileSync(`${log}-tail`, "utf8");
    writeFileSync(`${log}-tail`, tail.replaceAll("somebody", "everyone"));
    const second = await runtime.execute(FIELDS);
    expect(await rejection(runtime.approvals.pending())).toBeInstanceOf(AuditCorruptError);
    expect(second.approvalId).not.toBe(first.approvalId);
    expect(told).toEqual([second.approvalId]);
  });
});

/** A place where no log can be, and how to put it right. */
interface Spoilt {
  readonly path: string;
  readonly repair: () => void;
}

function missingDirectory(): Spoilt {
  const parent = join(directory, "missing");
  return { path: join(parent, "audit.db"), repair: () => mkdirSync(parent) };
}

function fileForDirectory(): Spoilt {
  const parent = join(directory, "file");
  writeFileSync(parent, "");
  const repair = () => {
    rmSync(parent);
    mkdirSync(parent);
  };
  return { path: join(parent, "audit.db"), repair };
}

function directoryForFile(): Spoilt {
  mkdirSync(log);
  return { path: log, repair: () => rmdirSync(log) };
}

async function isTriedAgain({ path, repair }: Spoilt): Promise<void> {
  const runtime = runtimeOf(undefined, path);
  for (const attempt of [1, 2]) {
    const error = await rejection(runtime.execute(FIELDS));
    expect(error, `attempt ${attempt}`).toBeInstanceOf(AuditUnavailableError);
    expect(error).toMatchObject({ path, message: expect.stringContaining(path) });
  }
  repair();
  const verdict = await runtime.execute(FIELDS);
  expect(verdict).toMatchObject({ authorized: true, entry: { seq: 1 } });
  await runtime.close();
  expect(await verifyLog(path)).toMatchObject({ intact: true, entries: 1 });
}

describe("a log in an unwritable place", () => {
  it("is AuditUnavailableError, and tried again by the next call: no such directory", async () => {
    await isTriedAgain(missingDirectory());
  });

  it.each<[string, () => Spoilt]>([
    ["a file instead of the directory", fileForDirectory],
    ["a directory instead of the file", directoryForFile],
  ])("is AuditUnavailableError, and tried again by the next call: %s", async (_name, spoil) => {
    await isTriedAgain(spoil());
  });

  it.each<[string, () => Spoilt]>([
    ["no such directory", missingDirectory],
    ["a file instead of the directory", fileForDirectory],
    ["a directory instead of the file", directoryForFile],
  ])(
    "refuses all calls made at the same time, and lets a new runtime's through after the repair: %s",
    async (_name, spoil) => {
      const { path, repair } = spoil();
      const runtime = runtimeOf(undefined, path);
      const calls = await Promise.allSettled(Array.from({ length: 20 }, () => runtime.execute(FIELDS)));
      const refused = calls.filter(
        (call) => call.status === "rejected" && AuditUnavailableError.isInstance(call.reason),
      );
      expect(refused).toHaveLength(20);
      repair();
      const next = runtimeOf(undefined, path);
      await Promise.all(Array.from({ length: 20 }, () => next.execute(FIELDS)));
      await next.close();
      expect(await verifyLog(path)).toMatchObject({ intact: true, entries: 20 });
    },
  );

  it("can be closed, and then stays closed", async () => {
    const runtime = runtimeOf(undefined, join(directory, "missing", "audit.db"));
    await rejection(runtime.execute(FIELDS));
    await runtime.close();
    mkdirSync(join(directory, "missing"));
    expect(await rejection(runtime.execute(FIELDS))).toBeInstanceOf(AuditUnavailableError);
  });

  it.each<[string, Buffer]>([
    ["text", Buffer.from("these are my notes\n".repeat(1000))],
    ["a truncated database", Buffer.concat([Buffer.from("SQLite format 3\0"), Buffer.alloc(50)])],
    ["an empty file", Buffer.alloc(0)],
  ])("lets nothing through when something else stands there, and leaves it as it is: %s", async (_name, bytes) => {
    writeFileSync(log, bytes);
    const runtime = runtimeOf();
    expect(CapFenceError.isInstance(await rejection(runtime.execute(FIELDS)))).toBe(true);
    await Promise.allSettled([runtime.close()]);
    expect(readFileSync(log).equals(bytes)).toBe(true);
  });
});

/** Whether JSON.parse could have made it; written without a look at how the package tells. */
function isPlainJson(value: unknown): boolean {
  if (value === null || typeof value === "boolean") return true;
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object") return false;
  const names = Object.getOwnPropertyNames(value);
  const isList = Array.isArray(value);
  if (Object.getOwnPropertySymbols(value).length > 0 || (isList && names.length !== value.length + 1)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== (isList ? Array.prototype : Object.prototype)) return false;
  return Object.entries(value).every(([name, item]) => name.isWellFormed() && isPlainJson(item));
}

/** The same without what is dropped (undefined members) or judged as text (Dates), at any depth. */
function normalised(value: unknown): unknown {
  if (Array.isArray(value))
    return Array.from(value, (item) => (item instanceof Date ? String(+item) : normalised(item)));
  const isPlain =
    typeof value === "object" &&
    value !== null &&
    [null, Object.prototype].includes(Object.getPrototypeOf(value) as null);
  if (!isPlain) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .map(([name, item]) => [name, item instanceof Date && !Number.isNaN(+item) ? String(+item) : normalised(item)]),
  );
}

const ANYTHING = fc.anything({
  maxDepth: 3,
  withBigInt: true,
  withBoxedValues: true,
  withDate: true,
  withMap: true,
  withNullPrototype: true,
  withObjectString: true,
  withSet: true,
  withSparseArray: true,
  withTypedArray: true,
});

describe("no payload whatever", () => {
  it("makes execute reject, or is let through without being a plain JSON object", async () => {
    const runtime = runtimeOf();
    let calls = 0;
    let authorizedCalls = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(ANYTHING, { minLength: 10, maxLength: 20 }), async (payloads) => {
        const verdicts = await Promise.all(payloads.map((payload) => runtime.execute({ ...FIELDS, payload })));
        for (const [index, payload] of payloads.entries()) {
          const isObject = typeof payload === "object" && payload !== null && !Array.isArray(payload);
          const isFine = payload === undefined || (isObject && isPlainJson(normalised(payload)));
          expect(verdicts[index]).toMatchObject(
            isFine ? { authorized: true, reason: "policy_allow" } : { authorized: false, reason: "payload_invalid" },
          );
          calls += 1;
          if (isFine) authorizedCalls += 1;
        }
      }),
    );
    await runtime.close();
    expect(authorizedCalls).toBeGreaterThan(20);
    expect(await countDecisions(log)).toBe(calls);
    expect(await verifyLog(log)).toMatchObject({ intact: true, entries: calls, problems: [] });
  });

  it("is let through where nothing is allowed", async () => {
    const runtime = ActionRuntime.fromPolicy(Policy.parse("deny: ['*']"), { auditLog: log });
    open.push(runtime);
    await fc.assert(
      fc.asyncProperty(fc.array(ANYTHING, { minLength: 10, maxLength: 20 }), async (payloads) => {
        const verdicts = await Promise.all(payloads.map((payload) => runtime.execute({ ...FIELDS, payload })));
        expect(verdicts.filter(({ authorized }) => authorized)).toEqual([]);
      }),
    );
  });
});
