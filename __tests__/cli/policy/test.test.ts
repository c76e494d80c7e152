import { writeFileSync } from "node:fs";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { Workplace } from "../captured-host.ts";
import { FILES, inPlace, writeFiles } from "./policy-files.ts";

const place = new Workplace();
afterAll(() => place[Symbol.dispose]());
beforeAll(() => {
  writeFiles(place);
  const write = (name: string, text: string): void => writeFileSync(place.path(name), text);
  const suite = FILES["pay.test.yaml"] ?? "";
  write("wrong.yaml", FILES["pay.yaml"] ?? "");
  write("wrong.test.yaml", suite.replace("decision: allow", "decision: deny, rule: null"));
  write("some.yaml", FILES["pay.yaml"] ?? "");
  write("some.test.yaml", suite.slice(0, suite.indexOf("  - name: denies a country")));
  write("other-rule.yaml", FILES["pay.yaml"] ?? "");
  write("other-rule.test.yaml", suite.replace("rule: no-xx", "rule: no-yy"));
  write("full.yaml", "allow: [files.read]\n");
  write(
    "full.test.yaml",
    "cases:\n  - { name: reads, event: { capability: files.read }, expect: { decision: allow } }\n",
  );
  write("broken.test.yaml", suite);
  write("torn.yaml", "allow: [files.read]\n");
  write("torn.test.yaml", "cases:\n  - name: one\n");
  write("hostile.yaml", "allow: [files.read]\n");
  write(
    "hostile.test.yaml",
    'cases:\n  - { name: "a\\e[2J\\u202E", event: { capability: files.read }, expect: { decision: allow } }\n',
  );
});

describe("exit codes", () => {
  it.each([
    [["pay.yaml"], 0],
    [["pay.test.yaml"], 0],
    [["full.yaml", "--min-coverage", "100"], 0],
    [["pay.yaml", "--min-coverage", "0"], 0],
    [["pay.yaml", "--min-coverage", "100"], 0],
    [["some.yaml"], 0],
    [["some.yaml", "--min-coverage", "33"], 0],
    [["some.yaml", "--min-coverage", "34"], 3],
    [["some.yaml", "--min-coverage", "100", "--json"], 3],
    [["wrong.yaml"], 3],
    [["wrong.yaml", "--json"], 3],
    [["other-rule.yaml"], 3],
    [["pay.yaml", "wrong.yaml"], 3],
    [["broken.yaml"], 3],
    [["broken.yaml", "missing.yaml"], 3],
    [["looser.yaml"], 1],
    [["torn.yaml"], 1],
    [["torn.yaml", "pay.yaml"], 1],
    [["torn.yaml", "wrong.yaml"], 3],
    [[], 2],
    [["pay.yaml", "--min-coverage", "101"], 2],
    [["pay.yaml", "--min-coverage", "-1"], 2],
    [["pay.yaml", "--min-coverage", "5.5"], 2],
  ])("%j exits %d", async (argv, code) => {
    expect((await place.run(["policy", "test", ...argv])).code).toBe(code);
  });
});

describe("what it prints", () => {
  it("says which rules and conditions no case has tried", async () => {
    const { stdout } = await place.run(["policy", "test", "some.yaml", "--min-coverage", "34"], { isTTY: true });
    const lines = inPlace(place, stdout);
    expect(lines.slice(3)).toEqual([
      "  rules tried: 2 of 3 (66 %)",
      "    not some.yaml:no-xx",
      "\u{1b}[31m  conditions tried: 1 of 3 (33 %)\u{1b}[39m",
      "    not some.yaml:no-xx.payload",
      "    not some.yaml:allow[0].amount_lte",
      "\u{1b}[31m✗ 2 cases: 1 suite tried less than 34 %.\u{1b}[39m",
    ]);
  });

  it("names the cases", async () => {
    const { stdout, stderr } = await place.run(["policy", "test", "pay.yaml"]);
    expect(stderr).toBe("");
    expect(inPlace(place, stdout)).toEqual([
      "pay.test.yaml (pay.yaml)",
      "  ✓ asks for large amounts",
      "  ✓ allows small amounts",
      "  ✓ denies a country",
      "  rules tried: 3 of 3 (100 %)",
      "  conditions tried: 3 of 3 (100 %)",
      "✓ 3 cases passed.",
    ]);
  });

  it("shows what was expected and what was decided", async () => {
    const { stdout } = await place.run(["policy", "test", "wrong.yaml", "other-rule.yaml"]);
    const lines = inPlace(place, stdout);
    expect(lines.slice(2, 6)).toEqual([
      "  ✗ allows small amounts",
      "      at wrong.test.yaml:6",
      "      expected deny, by no rule",
      "      decided  allow (policy_allow), by allow[0] at wrong.yaml:10",
    ]);
    expect(lines).toContain("      expected deny, by no-yy");
    expect(lines.at(-1)).toBe("✗ 6 cases: 2 failed.");
  });

  it("runs a suite once, whether it is named or its policy or both", async () => {
    const { stdout } = await place.run(["policy", "test", "pay.yaml", "pay.test.yaml"]);
    expect(inPlace(place, stdout).at(-1)).toBe("✓ 3 cases passed.");
  });

  it("goes on after a suite that can't be run", async () => {
    const { stdout } = await place.run(["policy", "test", "broken.yaml", "looser.yaml", "full.yaml"]);
    const lines = inPlace(place, stdout);
    expect(lines[0]).toBe("broken.test.yaml (broken.yaml)");
    expect(lines[1]).toMatch(/^ {2}broken\.yaml:3:5 error: /);
    expect(lines.find((line) => line.includes("looser.test.yaml:1:1 error: there is no such file"))).toBeDefined();
    expect(lines).toContain("  ✓ reads");
    expect(lines.at(-1)).toBe("✗ 1 case: 2 suites could not be run.");
  });

  it("has one object for programs", async () => {
    const { stdout } = await place.run(["policy", "test", "wrong.yaml", "torn.yaml", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      suites: [
        {
          suite: "wrong.test.yaml",
          policy: "wrong.yaml",
          enough: true,
          result: {
            passed: false,
            cases: [
              { passed: true },
              { name: "allows small amounts", passed: false, source: { line: 6 } },
              { passed: true },
            ],
            rules: { covered: 3, total: 3, missed: [] },
          },
        },
        { suite: "torn.test.yaml", policyErrors: [], suiteErrors: [{ line: 2 }] },
      ],
    });
  });

  it("escapes what comes from outside", async () => {
    const { stdout } = await place.run(["policy", "test", "hostile.yaml"]);
    expect(stdout).toContain(String.raw`✓ a\u{1b}[2J\u{202e}`);
  });
});
