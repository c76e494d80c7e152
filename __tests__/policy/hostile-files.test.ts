import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, describe, expect, it, vi } from "vitest";

import type { Decision } from "../../src/event.ts";
import { Policy } from "../../src/policy/policy.ts";
import { call } from "./calls.ts";
import { issuesIn, issuesOf } from "./load-errors.ts";

const MIB = 1_048_576;

/** What is decided, and how many characters are looked at. The engine that backtracks, and may never end, is not to be asked. */
function readingText(
  expression: string,
  decide: () => Decision,
): { readonly decision: string; readonly looks: number } {
  const exec = Reflect.get(RegExp.prototype, "exec");
  const native = vi.spyOn(RegExp.prototype, "exec").mockImplementation(function (this: RegExp, text) {
    if (this.source === expression) throw new Error(`JavaScript's own engine was asked for ${expression}`);
    return Reflect.apply(exec, this, [text]);
  });
  const looks = [vi.spyOn(String.prototype, "charCodeAt"), vi.spyOn(String.prototype, "codePointAt")];
  try {
    const { decision } = decide();
    return { decision, looks: looks.reduce((sum, { mock }) => sum + mock.calls.length, 0) };
  } finally {
    for (const spy of [native, ...looks]) spy.mockRestore();
  }
}

describe("Policy.parse refuses", () => {
  it.each<[string, string, number, number, string]>([
    ["an empty text", "", 1, 1, "this text is empty"],
    ["white space", " \n\n", 1, 1, "this text is empty"],
    ["only comments", "# allow: ['*']\n", 1, 1, "this text is empty"],
    ["an empty document", "---\n...\n", 1, 1, "this text is empty"],
    ["null", "null", 1, 1, "has no value"],
    ["several documents", "allow: [a]\n---\ndeny: [a]\n", 2, 1, "a second document"],
    ["an empty document before another", "---\n---\nallow: [a]\n", 2, 1, "a second document"],
    ["an empty document after another", "allow: [a]\n---\n", 2, 1, "a second document"],
    ["a second document without a line ---", "allow: [a]\n...\n# deny\ndeny: [a]\n", 4, 1, "a second document"],
    [
      "a second document after a text that looks like its start",
      "description: |\n  ---\n--- x\n",
      3,
      1,
      "a second document",
    ],
    ["an alias", "deny: [x]\nallow: [*a]", 2, 9, "an alias"],
    ["an anchor on a value", "allow: &a [b]", 1, 8, "an anchor"],
    ["an anchor on a key", "&a allow: [b]", 1, 1, "an anchor"],
    ["a tag", "allow: [!custom b]", 1, 9, "a tag"],
    ["a tag of YAML itself", "allow: !!seq [b]", 1, 8, "a tag"],
    ["a tag that makes binary", "allow: [!!binary aGk=]", 1, 9, "a tag"],
    ["a merge key", "allow:\n  - capability: a\n    <<: {contains: b}\n", 3, 5, "a merge key"],
    ["a merge key with an alias", "deny: [&r {capability: a}]\nallow: [{<<: *r}]", 1, 8, "an anchor"],
    ["a key twice", "allow: [a]\nallow: [b]\n", 2, 1, "`allow` is already in this mapping"],
    [
      "a key twice, once in quotes",
      "allow:\n  - {capability: a, 'capability': b}\n",
      2,
      21,
      "is already in this mapping",
    ],
    ["a key twice, by an escape", 'allow: [a]\n"\\u0061llow": [b]\n', 2, 1, "is already in this mapping"],
    ["a list as a key", "allow: []\n? [a]\n: b\n", 2, 3, "a list or a mapping as a key"],
    ["a mapping as a key", "{allow: [], {a: b}: c}", 1, 13, "a list or a mapping as a key"],
    ["__proto__", "__proto__: {allow: ['*']}", 1, 1, "`__proto__` is not allowed"],
    ["__proto__ in quotes, in a rule", 'allow: [{capability: a, "__proto__": b}]', 1, 25, "`__proto__` is not allowed"],
    ["constructor", "constructor: 1", 1, 1, "`constructor` is not allowed"],
    ["prototype", "allow: []\nprototype: 1", 2, 1, "`prototype` is not allowed"],
    [
      "a key twice, as a number and as text",
      "risk_levels: {1: {action: deny}, '1': {action: deny}}",
      1,
      15,
      "unknown key `1`",
    ],
    [
      "a key twice in a mapping of fields",
      "deny: [{capability: a, payload: {1: b, '1': c}}]",
      1,
      40,
      "`1` is already in this mapping",
    ],
    [
      "a key twice, as true and as text",
      "deny: [{capability: a, payload: {true: b, 'true': c}}]",
      1,
      43,
      "`true` is already in this mapping",
    ],
    ["__proto__ among fields", "deny: [{capability: a, payload: {__proto__: b}}]", 1, 34, "`__proto__` is not allowed"],
    [
      "constructor in an example",
      "deny: [{capability: a, examples: {match: [{payload: {constructor: 1}}]}}]",
      1,
      54,
      "`constructor` is not allowed",
    ],
    [
      "constructor among risk levels",
      "risk_levels: {constructor: {action: deny}}",
      1,
      15,
      "`constructor` is not allowed",
    ],
    [
      "a zero-width character in a field's name",
      "deny: [{capability: a, payload: {t\u200bo: b}}]",
      1,
      34,
      "invisible character U+200B",
    ],
    [
      "a bidirectional control in a field's name",
      "deny: [{capability: a, payload: {t\u202eo: b}}]",
      1,
      34,
      "invisible character U+202E",
    ],
    [
      "an expression that is too long",
      `deny: [{capability: a, match_regex: ${"a".repeat(1025)}}]`,
      1,
      37,
      "longer than 1024 characters",
    ],
    [
      "an expression that would grow too large",
      "deny: [{capability: a, match_regex: '((a{1,100}){1,100}){1,100}'}]",
      1,
      37,
      "repeat count",
    ],
    [
      "an expression nested too deep",
      `deny: [{capability: a, match_regex: "${"(".repeat(1020)}"}]`,
      1,
      37,
      "is not a regular expression",
    ],
    ["a file to extend, by an alias", "extends: *a\nallow: []", 1, 10, "an alias"],
    ["a file to extend, as a mapping", "extends: {a: b}", 1, 10, "must be the path of a file, not a mapping"],
    ["NUL", "allow: [a]\n# \0\n", 2, 3, "NUL"],
    ["half a surrogate pair", "allow: [a]\n# x\ud800\n", 2, 4, "surrogate"],
    ["an escape for half a surrogate pair", 'allow: [{capability: a, contains: "\\udc00"}]', 1, 35, "surrogate"],
    ["an escape for half a surrogate pair in a key", '{"\\ud83d": 1}', 1, 2, "surrogate"],
    ["a zero-width character in a key", "al\u200blow: [a]", 1, 1, "invisible character U+200B"],
    ["a byte order mark in a key", "deny: []\n\uFEFFallow: [a]", 2, 1, "invisible character U+FEFF"],
    ["a bidirectional control in a key", '"\\u202eallow": [a]', 1, 1, "invisible character U+202E"],
    ["a soft hyphen in a key", "al\u00adlow: [a]", 1, 1, "invisible character U+00AD"],
    ["a tab as indentation of a list", "allow:\n\t- a\n", 2, 1, "a tab in the indentation"],
    ["a tab as indentation of a mapping", "allow:\n- capability: a\n\tcontains: b\n", 3, 1, "a tab in the indentation"],
    ["a tab as indentation of the document", "\tallow: [a]\n", 1, 1, "a tab in the indentation"],
    ["a tab after spaces", "allow:\n  \t- a\n", 2, 3, "a tab in the indentation"],
    ["a tab as indentation in brackets", "allow: [\n\ta]\n", 2, 1, "a tab in the indentation"],
    ["YAML 1.1", "# x\n%YAML 1.1\n---\nallow: [a]", 2, 1, "policies are YAML 1.2"],
    ["YAML 2.0", "%YAML 2.0\n---\nallow: [a]", 2, 1, "this is not YAML"],
    ["an open bracket", "allow: [a\n", 1, 10, "this is not YAML"],
    ["an open quote", "allow: ['a\n", 1, 11, "this is not YAML"],
    ["bad indentation", "deny:\n - a\n  - b\nallow:\n   - c\n  - d\n", 6, 3, "this is not YAML"],
    ["text after a value", "allow: [a] b\n", 1, 12, "this is not YAML"],
    ["33 levels", `description: ${"[".repeat(32)}${"]".repeat(32)}`, 1, 45, "nested more than 32 deep"],
    ["33 mappings", `${"{a: ".repeat(33)}1${"}".repeat(33)}`, 1, 129, "nested more than 32 deep"],
    ["33 dashes", `${"- ".repeat(33)}a`, 1, 65, "nested more than 32 deep"],
    ["20,000 brackets", "[".repeat(20_000), 1, 35, "nested more than 32 deep"],
    ["20,000 braces", "{a: ".repeat(20_000), 1, 134, "nested more than 32 deep"],
    ["20,000 dashes", "- ".repeat(20_000), 1, 71, "nested more than 32 deep"],
    ["20,000 question marks", "? ".repeat(20_000), 1, 70, "nested more than 32 deep"],
    ["2 MiB and a byte", `#${"x".repeat(2 * MIB)}`, 1, 1, "larger than 2097152 bytes"],
    [
      "2 MiB and a byte of characters that take three",
      `#${"€".repeat(Math.ceil((2 * MIB) / 3))}`,
      1,
      1,
      "larger than 2097152 bytes",
    ],
  ])("%s", (_, text, line, column, message) => {
    const [issue] = issuesIn(text, "hostile.yaml");
    expect(issue).toMatchObject({ source: "hostile.yaml", line, column });
    expect(issue?.message).toContain(message);
  });

  it("a bomb of aliases, without opening it", () => {
    const levels = "bcdefghij".split("").map((name, index) => {
      const before = String.fromCharCode("a".charCodeAt(0) + index);
      return `${name}: &${name} [${Array.from({ length: 9 }, () => `*${before}`).join(", ")}]`;
    });
    const issues = issuesIn(["a: &a [lol]", ...levels].join("\n"));
    expect(issues).toHaveLength(101);
    expect(issues[1]).toMatchObject({ line: 1, column: 4, path: "a" });
    expect(issues[1]?.message).toContain("an anchor");
  });
});

describe("Policy.parse takes without harm", () => {
  it.each<[string, string]>([
    ["32 levels, which only the schema refuses", `description: ${"[".repeat(31)}1${"]".repeat(31)}`],
    ["32 mappings, which only the schema refuses", `${"{a: ".repeat(32)}1${"}".repeat(32)}`],
    ["2 MiB of comments, which only emptiness refuses", `#${"x".repeat(2 * MIB - 1)}`],
    ["2 MiB of line ends", "\n".repeat(2 * MIB)],
    ["2 MiB of dashes", `allow:\n${"-\n".repeat(MIB - 8)}`],
    ["2 MiB of commas", `allow: [${",".repeat(2 * MIB - 8)}`],
    ["2 MiB of the same key", "a:\n".repeat(600_000)],
    ["2 MiB of closing brackets", `allow: [a${"]".repeat(2 * MIB - 20)}`],
    ["an open quote of 2 MiB", `allow: ["${"x\n ".repeat(600_000)}`],
    ["a key of 2 MiB", `? ${"x".repeat(2 * MIB - 20)}\n: 1`],
    ["2 MiB of byte order marks", `a: x\n${"\uFEFF#\n".repeat(400_000)}`],
  ])("%s", (_, text) => {
    const issues = issuesIn(text);
    expect(issues.length).toBeGreaterThan(0);
    for (const { message, frame, path } of issues) {
      expect(message).not.toContain("nested");
      expect(message.length + (frame ?? "").length + path.length).toBeLessThan(1000);
    }
  });

  it.each<[string, string, object, string]>([
    ["a date is text", "allow: [{capability: shell, table: 2024-01-01}]", { table: "2024-01-01" }, "allow"],
    ["yes is text", "allow: [{capability: shell, table: yes}]", { table: "yes" }, "allow"],
    ["NO is text", "allow: [{capability: shell, table: NO}]", { table: "NO" }, "allow"],
    ["a time is text", "allow: [{capability: shell, table: 1:30}]", { table: "1:30" }, "allow"],
    ["0o10 is eight", "allow: [{capability: shell, table: 0o10}]", { table: 8 }, "allow"],
    ["010 is ten", "allow: [{capability: shell, table: 010}]", { table: 10 }, "allow"],
    ["= is text", "allow: [{capability: shell, table: =}]", { table: "=" }, "allow"],
    ["1_000 is text", "allow: [{capability: shell, table: 1_000}]", { table: "1_000" }, "allow"],
    ["true is true", "allow: [{capability: shell, table: True}]", { table: true }, "allow"],
    ["1 is not true", "allow: [{capability: shell, table: 1}]", { table: true }, "deny"],
  ])("%s", (_, text, payload, decision) => {
    expect(Policy.parse(text).evaluate(call({ payload })).decision).toBe(decision);
  });

  it.each([
    ["(a+)+$", `${"a".repeat(30_000)}b`, "allow"],
    ["(a|a)*b", "a".repeat(30_000), "allow"],
    ["(.*a){25}", "a".repeat(30_000), "deny"],
    ["(x+x+)+y", "x".repeat(30_000), "allow"],
    ["^(([a-z])+.)+[A-Z]([a-z])+$", "a".repeat(30_000), "allow"],
  ])("the expression %s, in linear time", (expression, text, expected) => {
    const deny = [{ capability: "shell", match_regex: expression }];
    const policy = Policy.parse(JSON.stringify({ deny, allow: ["shell"] }));
    const { decision, looks } = readingText(expression, () => policy.evaluate(call({ payload: { text } })));
    expect(decision).toBe(expected);
    expect(looks).toBeLessThan(4 * text.length);
  });

  it("a policy of 2 MiB of expressions, texts and fields", () => {
    const rules = Array.from({ length: 8000 }, (_, index) => ({
      capability: `tool${index % 7}`,
      contains: [`text ${index}`, "é".repeat(index % 20)].filter((text) => text !== ""),
      match_regex: `^(?:a|b${index})+$`,
      payload: { [`field${index}`]: { in: ["a", index] } },
    }));
    const policy = Policy.parse(JSON.stringify({ deny: rules, allow: ["*"] }));
    expect(policy.evaluate(call({ capability: "tool1", payload: { a: "text 1" } })).decision).toBe("allow");
  });

  it("a policy of 2 MiB", () => {
    const rule = "  - {capability: shell.execute, contains: rm}\n";
    const policy = Policy.parse(`deny:\n${rule.repeat(Math.floor((2 * MIB - 6) / rule.length))}`);
    expect(policy.digest).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe("Policy.load", () => {
  const directory = mkdtempSync(join(tmpdir(), "capfence-policy-"));
  afterAll(() => rmSync(directory, { recursive: true }));
  const file = (name: string, content: string | Uint8Array): string => {
    const path = join(directory, name);
    writeFileSync(path, content);
    return path;
  };

  it("names file and line in decisions and errors", () => {
    const path = file("good.yaml", "allow:\n  - '*'\n");
    expect(issuesOf(() => Policy.load(path))).toEqual([]);
    const bad = file("bad.yaml", "allow:\n  - ''\n");
    expect(issuesOf(() => Policy.load(bad))[0]).toMatchObject({ source: bad, line: 2, column: 5 });
  });

  it.each<[string, Uint8Array, number, number]>([
    ["Latin-1", Buffer.from("allow: [a]\n# caf\xe9\n", "latin1"), 2, 6],
    ["UTF-16", Buffer.from("\uFEFFallow: [a]", "utf16le"), 1, 1],
    ["a cut character", Buffer.from("allow: [a]\n# €", "utf8").subarray(0, -1), 2, 3],
    ["a surrogate in UTF-8", Buffer.from([0x23, 0x20, 0xed, 0xa0, 0x80]), 1, 3],
    ["an overlong form", Buffer.from([0x23, 0xc0, 0xaf]), 1, 2],
    ["bad bytes after a true U+FFFD", Buffer.from([0x23, 0xef, 0xbf, 0xbd, 0x0a, 0x23, 0xff]), 2, 2],
  ])("refuses %s where it stops being UTF-8", (name, bytes, line, column) => {
    const path = file(`${name}.yaml`, bytes);
    const issues = issuesOf(() => Policy.load(path));
    expect(issues).toHaveLength(1);
    expect(issues[0]).toMatchObject({ source: path, line, column });
    expect(issues[0]?.message).toContain("UTF-8");
  });

  it("takes a true U+FFFD", () => {
    expect(issuesOf(() => Policy.load(file("replacement.yaml", "# \uFFFD\nallow: []\n")))).toEqual([]);
  });

  it.each<[string, () => string, string]>([
    ["a missing file", () => join(directory, "none.yaml"), "there is no such file"],
    ["a file in a file", () => join(file("plain", ""), "x.yaml"), "a part of its path is not a directory"],
    ["an empty path", () => "", "there is no such file"],
    ["a path with NUL", () => "a\0b", "without null bytes"],
    ["a directory", () => directory, "this is a directory"],
    ["a device", () => "/dev/null", "not an ordinary file"],
    ["a file of 2 MiB and a byte", () => file("big.yaml", "#".repeat(2 * MIB + 1)), "larger than 2097152 bytes"],
    [
      "a loop of links",
      () => {
        const path = join(directory, "loop.yaml");
        symlinkSync(path, path);
        return path;
      },
      "a loop of symbolic links",
    ],
    [
      "a named pipe, without waiting for a writer",
      () => {
        const path = join(directory, "pipe.yaml");
        expect(spawnSync("mkfifo", [path]).status).toBe(0);
        return path;
      },
      "not an ordinary file",
    ],
  ])("refuses %s", (_, make, message) => {
    const path = make();
    const issues = issuesOf(() => Policy.load(path));
    expect(issues).toHaveLength(1);
    expect(issues[0]).toMatchObject({ source: path, line: 1, column: 1, path: "" });
    expect(issues[0]?.message).toContain(message);
  });

  // The superuser may read everything.
  it.skipIf(process.getuid?.() === 0)("refuses a file that may not be read", () => {
    const path = file("secret.yaml", "allow: []\n");
    chmodSync(path, 0);
    expect(issuesOf(() => Policy.load(path))[0]?.message).toContain("permission");
  });

  it("does not read on when a directory bears a policy's name", () => {
    const path = join(directory, "policy.yaml");
    mkdirSync(path);
    expect(issuesOf(() => Policy.load(path))[0]?.message).toContain("name the policy file in it");
  });
});
