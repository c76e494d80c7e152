import { mkdirSync, writeFileSync } from "node:fs";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { Workplace } from "../captured-host.ts";
import { inPlace, writeFiles } from "./policy-files.ts";

const place = new Workplace();
afterAll(() => place[Symbol.dispose]());
beforeAll(() => {
  writeFiles(place);
  writeFileSync(
    place.path("broken.test.yaml"),
    "cases:\n  - name: one\n    event: {}\n    expect: { decision: perhaps }\n",
  );
  writeFileSync(place.path("clean.yaml"), "allow: [files.read]\n");
  writeFileSync(place.path("child.yaml"), "extends: looser.yaml\n");
  writeFileSync(place.path("hostile.yaml"), 'deny:\n  - capability: "a\u{1b}[2J\u{202e}"\n    "\u{9b}31m": 1\n');
  mkdirSync(place.path("directory.yaml"));
});

describe("exit codes", () => {
  it.each([
    [["clean.yaml"], 0],
    [["pay.yaml", "pay.test.yaml"], 0],
    [["looser.yaml"], 0],
    [["looser.yaml", "--strict"], 3],
    [["clean.yaml", "--strict"], 0],
    [["broken.yaml"], 3],
    [["clean.yaml", "broken.yaml"], 3],
    [["broken.test.yaml"], 3],
    [["missing.yaml"], 3],
    [["directory.yaml"], 3],
    [["broken.yaml", "--json"], 3],
    [["looser.yaml", "--strict", "--json"], 3],
    [["looser.yaml", "--json"], 0],
    [[], 2],
    [[""], 2],
    [["clean.yaml", "--loud"], 2],
  ])("%j exits %d", async (argv, code) => {
    expect((await place.run(["policy", "check", ...argv])).code).toBe(code);
  });
});

describe("what it prints", () => {
  it("shows errors, then warnings, then each file", async () => {
    const { stdout, stderr } = await place.run([
      "policy",
      "check",
      "looser.yaml",
      "broken.yaml",
      "missing.yaml",
      "clean.yaml",
    ]);
    const lines = inPlace(place, stdout);
    expect(stderr).toBe("");
    expect(lines[0]).toMatch(/^broken\.yaml:3:5 error: deny\[0\]\.contians: .*did you mean `contains`\?$/);
    expect(lines.slice(1, 3)).toEqual(["3 |     contians: x", "  |     ^"]);
    expect(lines[3]).toMatch(/^broken\.yaml:4:8 error: allow: must be a list of rules/);
    expect(lines[6]).toMatch(/^missing\.yaml:1:1 error: there is no such file/);
    expect(lines[7]).toMatch(/^looser\.yaml:5:5 warning allow-everything: allow\[1\]: /);
    expect(lines.slice(10)).toEqual([
      "✓ looser.yaml: 2 rules, 1 warning",
      "✗ broken.yaml: 2 errors",
      "✗ missing.yaml: 1 error",
      "✓ clean.yaml: 1 rule",
    ]);
  });

  it("shows the warnings of a file once, also when others extend it", async () => {
    const { stdout } = await place.run(["policy", "check", "looser.yaml", "child.yaml"]);
    expect(stdout.match(/allow-everything/g)).toHaveLength(1);
    expect(inPlace(place, stdout).slice(-2)).toEqual([
      "✓ looser.yaml: 2 rules, 1 warning",
      "✓ child.yaml: 2 rules, 1 warning",
    ]);
  });

  it("marks what fails with --strict, in colour on a terminal", async () => {
    const { stdout } = await place.run(["policy", "check", "looser.yaml", "--strict"], { isTTY: true });
    expect(stdout).toContain("\u{1b}[31m✗ looser.yaml: 2 rules, 1 warning\u{1b}[39m\n");
    expect(stdout).toContain("\u{1b}[39m\n5 |");
    expect(stdout.startsWith("\u{1b}[33m")).toBe(true);
  });

  it("has one object for programs", async () => {
    const { stdout } = await place.run(["policy", "check", "broken.yaml", "looser.yaml", "pay.test.yaml", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      files: [
        {
          file: "broken.yaml",
          kind: "policy",
          errors: [
            { line: 3, column: 5 },
            { line: 4, column: 8 },
          ],
          warnings: [],
        },
        {
          file: "looser.yaml",
          size: 2,
          digest: expect.stringMatching(/^[0-9a-f]{64}$/),
          errors: [],
          warnings: [{ code: "allow-everything" }],
        },
        { file: "pay.test.yaml", kind: "suite", size: 3, errors: [], warnings: [] },
      ],
    });
  });

  it.each(["hostile.yaml", "mis\u{1b}[2Jsing.yaml"])("escapes what comes from outside: %j", async (file) => {
    const { code, stdout } = await place.run(["policy", "check", file]);
    expect(code).toBe(3);
    expect(stdout.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });
});
