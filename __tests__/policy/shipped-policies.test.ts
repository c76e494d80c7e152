import { readdirSync, readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { lintPolicy } from "../../src/policy/lint/index.ts";
import { Policy } from "../../src/policy/policy.ts";
import { runSuite } from "../../src/policy/suite/suite-run.ts";
import { loadSuite } from "../../src/policy/suite/suite.ts";

const policies = readdirSync("policies").filter((name) => name.endsWith(".yaml") && !name.endsWith(".test.yaml"));
const withSuites = policies.filter((name) => name !== "demo.yaml");

describe("shipped policies", () => {
  it("are those that the documentation names", () => {
    expect(policies.toSorted()).toEqual([
      "database.yaml",
      "demo.yaml",
      "filesystem.yaml",
      "http.yaml",
      "mcp.yaml",
      "payments.yaml",
      "shell.yaml",
    ]);
  });

  it.each(withSuites)("%s decides as its suite says, every rule and condition tried", async (name) => {
    const policy = Policy.load(`policies/${name}`);
    await policy.ready();
    const result = runSuite(policy, loadSuite(`policies/${name.replace(".yaml", ".test.yaml")}`));
    expect(result.cases.filter(({ passed }) => !passed)).toEqual([]);
    expect(result.passed).toBe(true);
    expect(result.rules.missed).toEqual([]);
    expect(result.conditions.missed).toEqual([]);
  });

  it.each(withSuites)("%s has nothing to warn about, denies by default and says what it does not stop", (name) => {
    const path = `policies/${name}`;
    expect(lintPolicy(Policy.load(path))).toEqual([]);
    const text = readFileSync(path, "utf8");
    expect(text.split("\n")[0]).toBe("# yaml-language-server: $schema=../policy.schema.json");
    expect(text).toContain("# Stops:");
    expect(text).toContain("# Does not stop:");
    expect(text).toContain("capfence-itself");
  });
});
