import { describe, expect, it } from "vitest";

import { CapabilityIndex } from "../../src/policy/matching/capability-index.ts";
import { Policy } from "../../src/policy/policy.ts";
import { call, decide } from "./calls.ts";

const answered = (pattern: string, request: string): string => {
  const index = new CapabilityIndex<string>();
  index.add(pattern, pattern);
  return index.find(request)[0]?.answer ?? "no";
};

describe("a capability pattern", () => {
  it.each([
    ["shell.execute.production", "shell.execute.production", "yes"],
    ["shell.execute", "shell.execute.production", "yes"],
    ["shell", "shell.execute.production", "yes"],
    ["*", "shell.execute.production", "yes"],
    ["shell.*", "shell.execute.production", "yes"],
    ["*.execute", "shell.execute.production", "yes"],
    ["*.*.production", "shell.execute.production", "yes"],
    ["*.*.*", "shell", "maybe"],
    ["shell.*.production", "shell.execute.staging", "no"],
    ["shell.execute.staging", "shell.execute.production", "no"],
    ["shell.exec", "shell.execute.production", "no"],
    ["SHELL.execute", "shell.execute.production", "no"],
    ["mcp.tool.fs.*", "mcp.tool.fs.read", "yes"],
    ["mcp.tool.fs.*", "mcp.tool.fs", "maybe"],
    ["mcp.tool.fs.read.all", "mcp.tool", "maybe"],
    ["mcp.tool.fs.*", "mcp.tool.fsx", "no"],
    ["mcp.tool.fs.*", "mcp.net", "no"],
    ["constructor", "constructor.a.b", "yes"],
    ["a", "constructor.a.b", "no"],
  ])("%s answers %s: %s", (pattern, request, answer) => {
    expect(answered(pattern, request)).toBe(answer);
  });

  it("finds rules behind several wildcards once each", () => {
    const index = new CapabilityIndex<string>();
    for (const pattern of ["*", "a", "a.*", "*.b", "*.*", "a.b", "a.b.c", "*.b.d", "x.b"]) index.add(pattern, pattern);
    const found = index.find("a.b").map(({ value, answer }) => `${value} ${answer}`);
    expect(found.toSorted()).toEqual(
      ["* yes", "a yes", "a.* yes", "*.b yes", "*.* yes", "a.b yes", "a.b.c maybe", "*.b.d maybe"].toSorted(),
    );
  });

  it("may stop, but does not permit, a request for more than it covers", () => {
    const request = { capability: "mcp.tool.fs" };
    expect(decide("deny: [mcp.tool.fs.*]\nallow: [mcp]", request).reason).toBe("policy_deny");
    expect(decide("require_approval: [mcp.tool.fs.read]\nallow: [mcp]", request).reason).toBe("approval_required");
    expect(decide("allow: [mcp.tool.fs.*]", request).reason).toBe("policy_default_deny");
  });
});

describe("a request", () => {
  it.each([
    ["is completed with the environment when it has two segments", { environment: "staging" }, "allow"],
    ["is completed with the scope rather than the environment", { scope: "staging" }, "allow"],
    ["is not in another environment", { environment: "production" }, "deny"],
    ["with three segments is taken as it is", { capability: "shell.execute.staging" }, "allow"],
    [
      "with two segments given as its capability is completed too",
      { capability: "shell.execute", scope: "staging" },
      "allow",
    ],
  ])("%s", (_, fields, decision) => {
    expect(decide("allow: [shell.execute.staging]", fields).decision).toBe(decision);
  });

  it.each([
    { environment: "prod/eu" },
    { environment: "prod\n" },
    { environment: "prod eu" },
    { environment: "prodé" },
    { environment: " " },
    { environment: "prod." },
    { environment: "*" },
    { scope: "a..b" },
    { capability: "shell." },
    { capability: ".shell" },
    { capability: "shell..execute" },
    { capability: "*" },
    { capability: "shell.*" },
    { capability: "*.*.*" },
    { capability: "shell.execute.production\n" },
    { capability: "shell\u200b.execute" },
    { resource: "shell;rm" },
  ])("%j is malformed: no rule is asked and it is denied", (fields) => {
    const policy = Policy.parse("allow: ['*', shell]\nrequire_approval: ['*.*']\ndeny: ['*.*.*']");
    expect(policy.evaluate(call(fields))).toEqual({ decision: "deny", reason: "policy_default_deny" });
  });

  it("that is malformed is not taken for another that was asked for before", () => {
    const policy = Policy.parse("allow: [a]");
    expect(policy.evaluate(call({ capability: "a", scope: "b c" })).decision).toBe("allow");
    expect(policy.evaluate(call({ capability: "a b", scope: "c" })).decision).toBe("deny");
  });

  it("stays cheap when many different capabilities are asked for", () => {
    const policy = Policy.parse("allow: [shell]");
    for (let index = 0; index < 2000; index += 1) {
      expect(policy.evaluate(call({ action: `execute${index}` })).decision).toBe("allow");
      expect(policy.evaluate(call({ resource: `shell${index}` })).decision).toBe("deny");
    }
  });
});
