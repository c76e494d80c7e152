import { inspect } from "node:util";
import { runInNewContext } from "node:vm";

import { afterEach, describe, expect, it, vi } from "vitest";

import {
  AgentActionBlocked,
  AuditCorruptError,
  AuditUnavailableError,
  CapFenceError,
  PolicyLoadError,
  TraceInvalidError,
  type PolicyIssue,
} from "../src/errors.ts";
import type { Verdict } from "../src/event.ts";

const BRAND = Symbol.for("capfence.error");

const verdict: Verdict = {
  decision: "deny",
  reason: "policy_deny",
  rule: { id: "deny[0]", section: "deny", index: 0, source: { file: "demo.yaml", line: 2 } },
  authorized: false,
  enforced: true,
  eventId: "0199c0de-0000-7000-8000-000000000000",
  entry: { seq: 1, hash: "00" },
};

const issue: PolicyIssue = {
  source: "demo.yaml",
  line: 3,
  column: 5,
  path: "deny[0].contians",
  message: 'unknown key; did you mean "contains"?',
  frame: "    contians: rm\n    ^",
};

const cause = new Error("the cause");

/** Every class: how it is made, its code, what its message must be. */
const CLASSES = [
  {
    name: "AgentActionBlocked",
    type: AgentActionBlocked,
    code: "ERR_ACTION_BLOCKED",
    make: (options?: ErrorOptions) => new AgentActionBlocked(verdict, options),
    message: "Blocked: policy_deny",
  },
  {
    name: "PolicyLoadError",
    type: PolicyLoadError,
    code: "ERR_POLICY_INVALID",
    make: (options?: ErrorOptions) => new PolicyLoadError([issue], options),
    message: 'demo.yaml:3:5 deny[0].contians: unknown key; did you mean "contains"?\n    contians: rm\n    ^',
  },
  {
    name: "AuditUnavailableError",
    type: AuditUnavailableError,
    code: "ERR_AUDIT_UNAVAILABLE",
    make: (options?: ErrorOptions) => new AuditUnavailableError("/var/log/audit.db", "no room", options),
    message: "Audit log /var/log/audit.db: no room",
  },
  {
    name: "AuditCorruptError",
    type: AuditCorruptError,
    code: "ERR_AUDIT_CORRUPT",
    make: (options?: ErrorOptions) => new AuditCorruptError("/var/log/audit.db", "entry 3 is damaged", options),
    message: "Audit log /var/log/audit.db: entry 3 is damaged",
  },
  {
    name: "TraceInvalidError",
    type: TraceInvalidError,
    code: "ERR_TRACE_INVALID",
    make: (options?: ErrorOptions) => new TraceInvalidError("trace.jsonl", 3, "it is not JSON", options),
    message: "trace.jsonl:3: it is not JSON",
  },
] as const;

describe.each(CLASSES)("$name", ({ name, type, code, make, message }) => {
  it("has its code, name and message, and is an Error", () => {
    const error = make();
    expect(error).toBeInstanceOf(Error);
    expect(error).toBeInstanceOf(CapFenceError);
    expect(error).toMatchObject({ code, name, message });
    expect(error.stack).toContain("errors.test.ts");
    expect(inspect(error)).toContain(code);
  });

  it("keeps the cause it is given, and has none otherwise", () => {
    expect(make({ cause }).cause).toBe(cause);
    expect("cause" in make()).toBe(false);
  });

  it("is not frozen: a property can be written", () => {
    const error: Error & { pregelTaskId?: string } = make();
    error.pregelTaskId = "task-1";
    error.message = `${error.message} (again)`;
    expect(error.pregelTaskId).toBe("task-1");
    expect(Object.isExtensible(error)).toBe(true);
    expect(type.isInstance(error)).toBe(true);
  });

  it("is recognised by its own class and the base, and by no other class", () => {
    const recognising = CLASSES.filter((other) => other.type.isInstance(make())).map((other) => other.name);
    expect(recognising).toEqual([name]);
    expect(CapFenceError.isInstance(make())).toBe(true);
  });
});

describe("an error of another copy of the package", () => {
  afterEach(() => {
    vi.resetModules();
  });

  it.each(CLASSES)("is recognised by its brand, not by instanceof: $name", async ({ name, type, make }) => {
    vi.resetModules();
    const copy = await import("../src/errors.ts");
    const ofCopy = {
      AgentActionBlocked: () => new copy.AgentActionBlocked(verdict),
      PolicyLoadError: () => new copy.PolicyLoadError([issue]),
      AuditUnavailableError: () => new copy.AuditUnavailableError("audit.db", "no room"),
      AuditCorruptError: () => new copy.AuditCorruptError("audit.db", "damaged"),
      TraceInvalidError: () => new copy.TraceInvalidError("trace.jsonl", 1, "damaged"),
    }[name]();
    expect(ofCopy).not.toBeInstanceOf(CapFenceError);
    expect(type.isInstance(ofCopy)).toBe(true);
    expect(CapFenceError.isInstance(ofCopy)).toBe(true);
    expect(CLASSES.filter((other) => other.type.isInstance(ofCopy)).map((other) => other.name)).toEqual([name]);
    expect(copy[name].isInstance(make())).toBe(true);
  });
});

describe("isInstance says no, and never throws, for", () => {
  const { proxy: revoked, revoke } = Proxy.revocable(new AgentActionBlocked(verdict), {});
  revoke();
  const throwing = new Proxy(new AgentActionBlocked(verdict), {
    get: () => {
      throw new Error("get trap");
    },
    getPrototypeOf: () => {
      throw new Error("getPrototypeOf trap");
    },
  });
  const throwingGetter = Object.defineProperty(new Error("getter"), BRAND, {
    get: () => {
      throw new Error("brand getter");
    },
  });
  it.each<[string, unknown]>([
    ["undefined", undefined],
    ["null", null],
    ["a string", "ERR_ACTION_BLOCKED"],
    ["a number", 0],
    ["a symbol", BRAND],
    ["a function", () => "ERR_ACTION_BLOCKED"],
    ["an ordinary error", new Error("Blocked: policy_deny")],
    ["an error with the code of ours", Object.assign(new Error("x"), { code: "ERR_ACTION_BLOCKED" })],
    ["an error with the brand alone", Object.assign(new Error("x"), { [BRAND]: true })],
    ["an error with the brand and a code that is no text", Object.assign(new Error("x"), { [BRAND]: true, code: 1 })],
    ["an object that is no error, brand or not", { [BRAND]: true, code: "ERR_ACTION_BLOCKED" }],
    ["the prototype of the class", AgentActionBlocked.prototype],
    ["an error of another realm", runInNewContext("new Error('x')")],
    ["a revoked Proxy", revoked],
    ["a Proxy with throwing traps", throwing],
    ["an error with a throwing getter in the brand's place", throwingGetter],
    ["an error with a throwing Proxy as prototype", Object.setPrototypeOf(new Error("x"), throwing)],
  ])("%s", (_name, value) => {
    for (const type of [CapFenceError, ...CLASSES.map((row) => row.type)]) {
      expect(type.isInstance(value)).toBe(false);
    }
  });
});

describe("what errors carry", () => {
  it("a refusal carries its verdict, and nothing else of the call", () => {
    const error = new AgentActionBlocked(verdict);
    expect(error.verdict).toBe(verdict);
    expect(Object.keys(error).toSorted()).toEqual(["code", "name", "verdict"]);
  });

  it.each(["policy_default_deny", "approval_required", "payload_invalid"] as const)(
    "a refusal's message is the reason alone: %s",
    (reason) => {
      expect(new AgentActionBlocked({ ...verdict, reason }).message).toBe(`Blocked: ${reason}`);
    },
  );

  it("a policy error shows every issue with its position, and the path only where there is one", () => {
    const document: PolicyIssue = { source: "demo.yaml", line: 1, column: 1, path: "", message: "the file is empty" };
    const error = new PolicyLoadError([document, issue]);
    expect(error.issues).toEqual([document, issue]);
    expect(error.message.split("\n")).toEqual([
      "demo.yaml:1:1 the file is empty",
      'demo.yaml:3:5 deny[0].contians: unknown key; did you mean "contains"?',
      "    contians: rm",
      "    ^",
    ]);
  });

  it("an audit error names the log, and the entry when one is at fault", () => {
    expect(new AuditUnavailableError("audit.db", "no room").path).toBe("audit.db");
    expect(new AuditCorruptError("audit.db", "damaged", { seq: 0 })).toMatchObject({ path: "audit.db", seq: 0 });
    expect(new AuditCorruptError("audit.db", "damaged", { cause }).seq).toBeUndefined();
  });
});
