import { describe, expect, it } from "vitest";

import type { DecisionKind, Reason } from "../../src/event.ts";
import { Policy } from "../../src/policy/policy.ts";
import { call, decide } from "./calls.ts";

const DESTRUCTIVE = { payload: { command: "rm -rf /var/lib/postgresql" } };
const HARMLESS = { payload: { command: "ls -la /tmp" } };

const denying = (...texts: string[]): string =>
  JSON.stringify({ deny: texts.map((contains) => ({ capability: "shell.execute", contains })) });

const digest = (text: string, source?: string): string => Policy.parse(text, { source }).digest;

describe("Policy.evaluate", () => {
  const deny = "deny: [{capability: shell.execute, contains: rm -rf}]";
  const ask = "require_approval: [{capability: shell.execute, contains: rm}]";
  const allow = "allow: [shell.execute]";

  it.each<[string, object, DecisionKind, Reason, string | undefined]>([
    [allow, HARMLESS, "allow", "policy_allow", "allow[0]"],
    [`${deny}\n${allow}`, HARMLESS, "allow", "policy_allow", "allow[0]"],
    [`${deny}\n${allow}`, DESTRUCTIVE, "deny", "policy_deny", "deny[0]"],
    [`${allow}\n${deny}`, DESTRUCTIVE, "deny", "policy_deny", "deny[0]"],
    [`${allow}\n${ask}`, DESTRUCTIVE, "require_approval", "approval_required", "require_approval[0]"],
    [`${allow}\n${ask}\n${deny}`, DESTRUCTIVE, "deny", "policy_deny", "deny[0]"],
    [deny, HARMLESS, "deny", "policy_default_deny", undefined],
    [ask, HARMLESS, "deny", "policy_default_deny", undefined],
    ["{}", HARMLESS, "deny", "policy_default_deny", undefined],
    ["allow: []", HARMLESS, "deny", "policy_default_deny", undefined],
  ])("%j judges %j: %s", (policy, fields, decision, reason, id) => {
    const decided = decide(policy, fields);
    expect({ decision: decided.decision, reason: decided.reason, id: decided.rule?.id }).toEqual({
      decision,
      reason,
      id,
    });
  });

  it("names the rule that decided, its section, position, file and line", () => {
    const policy = Policy.parse(
      "# comment\nallow:\n  - fs.read\n  - id: tidy\n    capability: shell.execute\n    reason: fine\n",
      { source: "agents.yaml" },
    );
    expect(policy.evaluate(call())).toEqual({
      decision: "allow",
      reason: "policy_allow",
      message: "fine",
      rule: { id: "tidy", section: "allow", index: 1, source: { file: "agents.yaml", line: 4 } },
    });
  });

  it("prefers a rule that answers yes, then the first in the file", () => {
    const spaced = { payload: { command: "rm  -rf /" } };
    expect(decide(denying("rm -rf", "rm"), spaced).rule?.id).toBe("deny[1]");
    expect(decide(denying("nothing", "rm -rf", "m -rf"), spaced).rule?.id).toBe("deny[1]");
    expect(decide(denying("rm", "rf"), spaced).rule?.id).toBe("deny[0]");
  });

  it.each<[unknown, string, DecisionKind]>([
    [true, "allow: [shell]", "require_approval"],
    ["yes", "allow: [shell]", "require_approval"],
    [false, "allow: [shell]", "allow"],
    [null, "allow: [shell]", "allow"],
    [true, "deny: [shell]", "deny"],
    [true, "require_approval: [shell]", "require_approval"],
    [true, "{}", "deny"],
  ])("with require_approval %j in the context, %j makes it %s", (require_approval, policy, decision) => {
    expect(decide(policy, { context: { require_approval } }).decision).toBe(decision);
    // What the model writes asks nobody.
    expect(decide("allow: [shell]", { payload: { require_approval } }).decision).toBe("allow");
  });

  it("denies a payload that could not be taken, whatever the rules", () => {
    expect(decide("allow: ['*']", { payload: { when: Number.NaN } })).toEqual({
      decision: "deny",
      reason: "payload_invalid",
    });
  });

  it("gives frozen decisions", () => {
    const decided = decide("allow: ['*']");
    expect(() => Object.assign(decided, { decision: "deny" })).toThrow(TypeError);
    expect(() => Object.assign(decided.rule ?? {}, { id: "x" })).toThrow(TypeError);
    expect(() => Object.assign(decided.rule?.source ?? {}, { line: 0 })).toThrow(TypeError);
    expect(Object.isFrozen(decide("{}"))).toBe(true);
  });

  it("refuses to judge what is not an event", () => {
    const policy = Policy.parse("allow: ['*']");
    const lookalike = { capability: "shell.execute", environment: "production", payload: {}, context: {} };
    expect(() => policy.evaluate(lookalike as never)).toThrow(TypeError);
  });
});

describe("Policy", () => {
  it("is frozen, ready at once and known by isInstance", async () => {
    const policy = Policy.parse("allow: []");
    await expect(policy.ready()).resolves.toBeUndefined();
    expect(Object.isFrozen(policy)).toBe(true);
    expect(Policy.isInstance(policy)).toBe(true);
    expect(Policy.isInstance(Object.create(Policy.prototype))).toBe(false);
    expect(Policy.isInstance(null)).toBe(false);
  });

  it.each([undefined, null, 5, Buffer.from("allow: []")])("does not parse %j, which is no string", (text) => {
    expect(() => Policy.parse(text as never)).toThrow(TypeError);
    expect(() => Policy.load(text as never)).toThrow(TypeError);
  });

  it("does not take a source that is no string", () => {
    expect(() => Policy.parse("allow: []", { source: 5 as never })).toThrow("source");
  });

  it("takes JSON, a byte order mark, CR LF, %YAML 1.2 and an explicit key", () => {
    for (const text of [
      '{\n\t"allow": [\n\t\t{"capability": "shell.execute"}\n\t]\n}',
      "\uFEFFallow: [shell.execute]\n",
      "allow:\r\n  - shell.execute\r\n",
      "%YAML 1.2\n---\nallow: [shell.execute]\n...\n# the end\n",
      "? allow\n: [shell.execute]\n",
      "version: 1.0\npolicy_name: x\ndescription: y\nallow: [shell.execute]\n",
    ]) {
      expect(decide(text).decision, text).toBe("allow");
    }
  });

  it("decides as the demonstration policy says", () => {
    const policy = Policy.load("policies/demo.yaml");
    expect(policy.evaluate(call(HARMLESS)).reason).toBe("policy_allow");
    expect(policy.evaluate(call(DESTRUCTIVE)).reason).toBe("policy_deny");
    expect(policy.evaluate(call(DESTRUCTIVE)).rule?.source).toEqual({ file: "policies/demo.yaml", line: 3 });
    expect(policy.evaluate(call({ resource: "fs", action: "read" })).reason).toBe("policy_default_deny");
  });
});

describe("Policy.digest", () => {
  it("is the SHA-256 of the canonical JSON of the policy", () => {
    // printf '%s' '{"allow":[{"capability":"a.b"}],"deny":[],"require_approval":[]}' | sha256sum
    expect(digest("allow: [a.b]")).toBe("ff5f647115bba44ec759fd18aede68a714aa9fc4116ea465d236961ea801eb1d");
  });

  it("does not depend on comments, key order, spelling or file", () => {
    const first = "allow:\n  - {capability: a.b, contains: x}\n  - c\ndeny: [d]\n";
    const second = "# comment\ndeny:\n  - capability: d\nallow:\n  - contains: 'x'\n    capability: a.b\n  - c\n";
    expect(digest(first, "one.yaml")).toBe(digest(second, "two.yaml"));
  });

  it.each([
    ["allow: [a.b]", "allow: [a.c]"],
    ["allow: [a.b]", "deny: [a.b]"],
    ["allow: [a, b]", "allow: [b, a]"],
    ["allow: [{capability: a, contains: x}]", "allow: [{capability: a}]"],
    ["allow: [a]", "allow: [{capability: a, id: x}]"],
  ])("tells %j from %j", (one, other) => {
    expect(digest(one)).not.toBe(digest(other));
  });
});
