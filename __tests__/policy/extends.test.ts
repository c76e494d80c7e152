import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { afterAll, describe, expect, it } from "vitest";

import { Policy } from "../../src/policy/policy.ts";
import { call } from "./calls.ts";
import { issuesIn, issuesOf } from "./load-errors.ts";

const directory = mkdtempSync(join(tmpdir(), "capfence-extends-"));
afterAll(() => rmSync(directory, { recursive: true }));
let count = 0;

/** Lays out files in a directory of their own; answers the path of the first. */
function layOut(files: Readonly<Record<string, string>>): string {
  count += 1;
  const root = join(directory, String(count));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return join(root, Object.keys(files)[0] ?? "");
}

/** As many files, each extending the next. */
const chain = (length: number): Record<string, string> =>
  Object.fromEntries(
    Array.from({ length }, (_, index) => [
      `${index}.yaml`,
      index === length - 1 ? "allow: []" : `extends: ${index + 1}.yaml`,
    ]),
  );

describe("extends", () => {
  it.each<[string, Record<string, string>, object, string]>([
    ["adds rules", { "a.yaml": "extends: b.yaml", "b.yaml": "allow: [shell]" }, {}, "allow"],
    ["keeps a parent's deny", { "a.yaml": "extends: b.yaml\nallow: [shell]", "b.yaml": "deny: [shell]" }, {}, "deny"],
    ["keeps a child's deny", { "a.yaml": "extends: b.yaml\ndeny: [shell]", "b.yaml": "allow: [shell]" }, {}, "deny"],
    [
      "reads from where the file is",
      { "x/a.yaml": "extends: ../y/b.yaml", "y/b.yaml": "extends: c.yaml", "y/c.yaml": "allow: [shell]" },
      {},
      "allow",
    ],
    [
      "takes several",
      { "a.yaml": "extends: [b.yaml, c.yaml]", "b.yaml": "allow: [shell]", "c.yaml": "require_approval: [shell]" },
      {},
      "require_approval",
    ],
    [
      "takes one twice without harm",
      {
        "a.yaml": "extends: [b.yaml, c.yaml]",
        "b.yaml": "extends: d.yaml",
        "c.yaml": "extends: d.yaml",
        "d.yaml": "allow: [{capability: shell, id: one}]",
      },
      {},
      "allow",
    ],
    [
      "lets the stricter risk level win, wherever it stands",
      {
        "a.yaml": "extends: b.yaml\nallow: [shell]\nrisk_levels: {high: {action: allow}, low: {action: deny}}",
        "b.yaml": "risk_levels: {high: {action: block}, low: {action: warn}}",
      },
      { risk: "high" },
      "deny",
    ],
  ])("%s", (_, files, fields, decision) => {
    expect(Policy.load(layOut(files)).evaluate(call(fields)).decision).toBe(decision);
  });

  it("names the file a rule stands in, and every file it read", () => {
    const path = layOut({
      "a.yaml": "extends: sub/b.yaml\nallow: [shell]\n",
      "sub/b.yaml": "# base\ndeny: [shell.execute]\n",
    });
    const policy = Policy.load(path);
    const base = join(dirname(path), "sub/b.yaml");
    expect(policy.files).toEqual([path, base]);
    expect(policy.evaluate(call()).rule).toMatchObject({ id: "deny[0]", source: { file: base, line: 2 } });
  });

  it.each<[string, Record<string, string>, readonly string[]]>([
    ["the file itself", {}, ["a.yaml"]],
    ["an extended file", { "a.yaml": "extends: [b.yaml, c.yaml]", "c.yaml": "" }, ["a.yaml", "b.yaml", "c.yaml"]],
    ["an extended text", { "a.yaml": "extends: b.yaml", "b.yaml": "allow: [" }, ["a.yaml", "b.yaml"]],
    ["a rule", { "a.yaml": "extends: b.yaml\ndeny: [{id: x}]", "b.yaml": "allow: [shell]" }, ["a.yaml", "b.yaml"]],
  ])("names every file it read or could not read when %s can't be taken", (_name, files, expected) => {
    const root = dirname(layOut({ "other.yaml": "", ...files }));
    const load = (): Policy => Policy.load(join(root, "a.yaml"));
    expect(load).toThrow(expect.objectContaining({ files: expected.map((name) => join(root, name)) }) as Error);
  });

  it("takes the shortest approval timeout", () => {
    const files = {
      "a.yaml": "extends: b.yaml\napproval_timeout_seconds: 60",
      "b.yaml": "approval_timeout_seconds: 30",
    };
    expect(Policy.load(layOut(files)).approvalTimeoutSeconds).toBe(30);
    expect(Policy.parse("allow: []").approvalTimeoutSeconds).toBeUndefined();
  });

  it("has one digest however it is split", () => {
    const split = layOut({ "a.yaml": "extends: b.yaml\nallow: [shell]\n", "b.yaml": "deny: [fs]\nallow: [net]\n" });
    expect(Policy.load(split).digest).toBe(Policy.parse("deny: [fs]\nallow: [net, shell]").digest);
  });

  it("works for a text whose source is a path, and for no other", () => {
    const base = layOut({ "base.yaml": "allow: [shell]\n" });
    const source = join(dirname(base), "child.yaml");
    expect(Policy.parse("extends: base.yaml", { source }).evaluate(call()).decision).toBe("allow");
    expect(Policy.parse("extends: base.yaml", { source }).files).toEqual([base]);
    expect(issuesIn("allow: [a]\nextends: base.yaml")[0]).toMatchObject({
      line: 2,
      column: 10,
      path: "extends",
      message: "a policy that came from no file cannot extend one; name its source",
    });
  });

  it.each<[string, Record<string, string>, string, number, number, string]>([
    ["itself", { "a.yaml": "extends: a.yaml" }, "a.yaml", 1, 10, "extends itself: `a.yaml` extends `a.yaml`"],
    [
      "a circle",
      { "a.yaml": "extends: b.yaml", "b.yaml": "extends: c.yaml", "c.yaml": "allow: []\nextends: [./b.yaml]" },
      "c.yaml",
      2,
      11,
      "extends itself: `b.yaml` extends `c.yaml` extends `b.yaml`",
    ],
    [
      "a missing file",
      { "a.yaml": "extends:\n  - none.yaml" },
      "a.yaml",
      2,
      5,
      "`none.yaml` cannot be extended: there is no such file",
    ],
    ["a directory", { "a.yaml": "extends: d", "d/x": "" }, "a.yaml", 1, 10, "cannot be extended: this is a directory"],
    ["no text", { "a.yaml": "extends: ''" }, "a.yaml", 1, 10, "must not be empty"],
    ["a number", { "a.yaml": "extends: [5]" }, "a.yaml", 1, 11, "must be the path of a file, not a number"],
    ["nothing", { "a.yaml": "extends: []" }, "a.yaml", 1, 10, "must not be empty"],
    ["a broken file", { "a.yaml": "extends: b.yaml", "b.yaml": "allow: [" }, "b.yaml", 1, 9, "this is not YAML"],
    [
      "a file with a bad rule",
      { "a.yaml": "extends: b.yaml", "b.yaml": "allow: ['bad cap/*', shell]" },
      "b.yaml",
      1,
      9,
      "has the character ` `",
    ],
    [
      "a file with the same id",
      { "a.yaml": "extends: b.yaml\nallow: [{capability: a, id: x}]", "b.yaml": "deny: [{capability: a, id: x}]" },
      "a.yaml",
      2,
      29,
      "is the id of a rule of `b.yaml`, which is extended",
    ],
  ])("refuses to extend %s", (_, files, file, line, column, message) => {
    const path = layOut(files);
    const [issue, ...others] = issuesOf(() => Policy.load(path));
    expect(others).toEqual([]);
    expect(issue).toMatchObject({ source: join(dirname(path), file), line, column });
    expect(issue?.message.replaceAll(`${dirname(path)}/`, "")).toContain(message);
  });

  it("tells of the problems of all files at once", () => {
    const path = layOut({ "a.yaml": "extends: b.yaml\nalow: []\n", "b.yaml": "deny: [5]\n" });
    expect(issuesOf(() => Policy.load(path)).map(({ line }) => line)).toEqual([2, 1]);
  });

  it("sees through links when it looks for circles", () => {
    const path = layOut({ "a.yaml": "extends: link.yaml\n" });
    symlinkSync(path, join(dirname(path), "link.yaml"));
    expect(issuesOf(() => Policy.load(path))[0]?.message).toContain("extends itself");
  });

  it("goes 16 files deep and no deeper", () => {
    expect(Policy.load(layOut(chain(16))).files).toHaveLength(16);
    expect(issuesOf(() => Policy.load(layOut(chain(17))))[0]?.message).toContain("more than 16 files");
  });
});
