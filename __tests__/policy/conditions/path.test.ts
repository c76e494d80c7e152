import { posix } from "node:path";

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { Answer } from "../../../src/policy/answer.ts";
import { issuesIn } from "../load-errors.ts";
import { asked } from "./asked.ts";

const allow = (terms: object, path: unknown): Answer => asked("allow", "path", terms, { path });
const deny = (terms: object, path: unknown): Answer => asked("deny", "path", terms, { path });

describe("path in an allow rule", () => {
  it.each<[object, unknown, Answer]>([
    [{ within: "/srv/app" }, "a.txt", "yes"],
    [{ within: "/srv/app/" }, "/srv/app/a.txt", "yes"],
    [{ within: "/srv/app" }, "/srv/app/..foo", "yes"],
    [{ within: "/srv/app" }, "a/../b", "yes"],
    [{ within: "/srv/app" }, "..", "no"],
    [{ within: "/srv/app" }, "../app/x", "yes"],
    [{ within: "/srv/app" }, "/srv/App/x", "maybe"],
    [{ within: "/srv/app" }, "/srv", "no"],
    [{ within: "/srv/app" }, 5, "maybe"],
    [{ within: "/srv/app" }, null, "maybe"],
    [{ within: "/srv/app" }, ["a", "b/c"], "yes"],
    [{ within: "/srv/app" }, ["a", "/etc/passwd"], "maybe"],
    [{ within: "/srv/app" }, ["/etc/passwd"], "no"],
    [{ within: "/srv/app" }, [], "no"],
    [{ within: ["/srv/app", "/tmp"] }, "/tmp/x", "yes"],
    [{ within: ["/srv/app", "/tmp"] }, "x", "yes"],
    [{ within: ["/srv/app", "/tmp"] }, "../x", "no"],
    [{ within: ["/srv/app", "/srv"] }, "../x", "maybe"],
    [{ within: "/srv/app", base: "/srv" }, "app/x", "yes"],
    [{ within: "/srv/app", base: "/srv" }, "x", "no"],
    [{ within: "/srv/app", base: "/srv/app/deep" }, "../x", "yes"],
    [{ within: "workspace" }, "workspace/x", "yes"],
    [{ within: "workspace" }, "x", "no"],
    [{ within: "workspace", base: "/srv" }, "/srv/workspace/x", "maybe"],
    [{ within: "workspace" }, "workspace:x", "maybe"],
    [{ within: "." }, "a/b", "yes"],
    [{ within: "." }, "..", "maybe"],
    [{ within: "." }, "/etc/passwd", "no"],
    [{ within: "/srv/app", not_within: "/srv/app/.git" }, "src/a", "yes"],
    [{ within: "/srv/app", not_within: "/srv/app/.git" }, ".git/config", "no"],
    [{ within: "/srv/app", not_within: "/srv/app/.git" }, "src/../.git", "no"],
    [{ within: "/srv/app", not_within: "/srv/app/.git" }, ".GIT/config", "maybe"],
    [{ within: "/srv/app", not_within: "/srv/app/.git" }, ".gｉt/config", "maybe"],
    [{ not_within: "/etc" }, "/tmp/x", "yes"],
    [{ not_within: "/etc" }, "x", "maybe"],
    [{ within: "/srv/app", glob: "*.md" }, "docs/a.md", "yes"],
    [{ within: "/srv/app", glob: "*.md" }, "docs/a.MD", "maybe"],
    [{ within: "/srv/app", glob: "*.md" }, ".md", "yes"],
    [{ within: "/srv/app", glob: "docs/*" }, "docs/a", "yes"],
    [{ within: "/srv/app", glob: "docs/*" }, "/srv/app/docs/a", "yes"],
    [{ within: "/srv/app", glob: "docs/*" }, "docs/a/b", "no"],
    [{ within: "/srv/app", glob: "docs/**" }, "docs/a/b", "yes"],
    [{ within: "/srv/app", glob: "docs/**/*.ts" }, "docs/a.ts", "yes"],
    [{ within: "/srv/app", glob: "docs/**" }, "x/docs/a", "no"],
    [{ glob: "/srv/**" }, "/srv/a/b", "yes"],
    [{ glob: "/srv/**" }, "a/b", "maybe"],
    [{ glob: "src/**" }, "/home/src/a", "maybe"],
    [{ glob: "**/src/**" }, "/home/src/a", "yes"],
  ])("%j with %j: %s", (terms, path, answer) => {
    expect(allow(terms, path)).toBe(answer);
  });

  it.each([
    ["empty", ["", " ", "\u00a0"]],
    ["tilde", ["~", "~/x", "~root/x", " ~/x"]],
    ["shells", ["$HOME/x", "${HOME}", "$(pwd)/x", "`pwd`", "%HOME%/x", "a/%TEMP%/b"]],
    [
      "percent",
      ["%2e%2e/x", "..%2fx", "..%5Cx", "%252e%252e/x", "a%00b", "%c0%ae%c0%ae/x", "a%0ab", "%EF%BC%8E", "%ff"],
    ],
    [
      "characters",
      ["a\0b", "a\nb", "a\tb", "a\u001b[2J", "a\u007f", "a\u0085", "a\u202eb", "a\u200bb", "\ufeffa", "a\u2028b"],
    ],
    ["Unicode", ["e\u0301", "\u2025/x", "\uff0e\uff0e/x", "a\uff0fb", "a\u2215b", "a\u2044b", "\u2024\u2024/x", "…/x"]],
    ["wildcards", ["*", "a/*.ts", "a?", "src/**/../..", "{a,../b}", "a/{1..3}"]],
    [
      "Windows",
      ["C:\\x", "c:/x", "C:x", "\\\\server\\share", "//server/share", "..\\x", "a\\..\\..\\x", "\\etc\\passwd"],
    ],
    ["devices", ["CON", "nul", "src/aux.c", "COM1", "LPT9.txt", "con:", "CONIN$"]],
    ["URLs", ["file:///srv/app/x", "file:x", "http://example.com/x", "FILE:/x"]],
    ["blanks", [" /etc/passwd", ".. /x"]],
    ["quotes", ["'/etc/passwd'", '"../x"']],
    ["length", ["a/".repeat(2049)]],
  ])("cannot tell about %s", (_, paths) => {
    for (const path of paths) {
      expect([path, allow({ within: "/srv/app" }, path)]).toEqual([path, "maybe"]);
      expect([path, deny({ not_within: "/srv/app" }, path)]).toEqual([path, "maybe"]);
    }
  });

  it.each([
    "a b.txt",
    "a%20b.txt",
    "100%.txt",
    "100%25.txt",
    "caf\u00e9.txt",
    "caf%C3%A9.txt",
    "日本語.txt",
    "資料１.txt",
    "a\\b.txt",
    "src/~backup",
    "src/[id].ts",
    "src/(group)/page.tsx",
    "{id}.ts",
    "it's.txt",
    "a;b",
    "a&b",
    "-rf",
    "...",
    "..a",
    "a..",
    "xy:z/10:30.log",
    "10:30.log",
    "a.",
    "notes.txt ",
    "price$.txt",
    "#a",
    "a=b",
    "a,b",
    "a+b",
    "@scope/x",
    "console.log",
    "a/./b//c/",
  ])("reads %j as every reader does", (path) => {
    expect(allow({ within: "/srv/app" }, path)).toBe("yes");
  });

  it.each<[string, Answer]>([
    ["notes.txt", "yes"],
    ["sub/notes.txt", "yes"],
    ["C:\\SRV\\APP", "yes"],
    ["C:/srv/app/x", "yes"],
    ["C:\\srv\\app2", "no"],
    ["C:\\..\\..\\srv\\app\\x", "yes"],
    ["..\\..\\..\\..\\x", "no"],
    ["\\srv\\app\\x", "maybe"],
    ["C:", "maybe"],
    ["NUL", "maybe"],
    ["a.txt:s", "maybe"],
    ["a.txt::$DATA", "maybe"],
    ["C:\\srv\\app\\a:b", "maybe"],
    ["PROGRA~1", "maybe"],
    ["a.\\b", "maybe"],
    ["a|b", "maybe"],
    ["\\\\.\\pipe\\x", "maybe"],
  ])("where directories are those of Windows, %j: %s", (path, answer) => {
    expect(allow({ within: "C:\\srv\\app" }, path)).toBe(answer);
  });
});

describe("path in a deny rule", () => {
  it.each<[object, unknown, Answer]>([
    [{ within: "/etc" }, "/etc/passwd", "yes"],
    [{ within: "/etc" }, "/tmp/../etc/passwd", "yes"],
    [{ within: "/etc" }, "etc/passwd", "no"],
    [{ within: "/etc" }, "x", "no"],
    [{ within: "/etc" }, "../x", "maybe"],
    [{ within: "/etc", base: "/" }, "etc/passwd", "yes"],
    [{ within: "/etc" }, "/ETC/passwd", "maybe"],
    [{ within: "secrets" }, "secrets/x", "yes"],
    [{ within: "secrets" }, "/srv/secrets/x", "maybe"],
    [{ within: "secrets" }, "/srv/x", "no"],
    [{ not_within: "/srv/app" }, "x", "no"],
    [{ not_within: "/srv/app" }, "../x", "maybe"],
    [{ not_within: "/srv/app" }, "/srv/app/x", "no"],
    [{ not_within: "/srv/app" }, "/srv/x", "yes"],
    [{ glob: ["**/.env", "*.pem"] }, "a/.env", "yes"],
    [{ glob: ["**/.env", "*.pem"] }, "/srv/.env", "yes"],
    [{ glob: ["**/.env", "*.pem"] }, "keys/x.pem", "yes"],
    [{ glob: ["**/.env", "*.pem"] }, "../.env", "yes"],
    [{ glob: ["**/.env", "*.pem"] }, "a/.ENV", "maybe"],
    [{ glob: ["**/.env", "*.pem"] }, "a/b", "no"],
  ])("%j with %j: %s", (terms, path, answer) => {
    expect(deny(terms, path)).toBe(answer);
  });
});

describe("path", () => {
  it("is about the fields it names, or all that usually hold a path", () => {
    const within = "/srv/app";
    expect(asked("allow", "path", { within }, { path: "a", target: "b" })).toBe("yes");
    expect(asked("allow", "path", { within }, { path: "a", target: "/b" })).toBe("maybe");
    expect(asked("allow", "path", { within }, { source: "a" })).toBe("no");
    expect(asked("allow", "path", { within, field: "source" }, { source: "a", path: "/b" })).toBe("yes");
    expect(asked("allow", "path", { within, field: ["source", "to.path"] }, { source: "a", to: { path: "/b" } })).toBe(
      "maybe",
    );
    expect(asked("allow", "path", { within, field: "edits.path" }, { edits: [{ path: "a" }, { path: "b" }] })).toBe(
      "yes",
    );
    expect(asked("allow", "path", { within, field: "edits.path" }, { edits: [{ path: "a" }, { path: "/b" }] })).toBe(
      "maybe",
    );
  });

  it.each([
    ["{}", "must not be empty"],
    ["{base: /x}", "says nothing about paths"],
    ["{within: [/x, 'C:\\x']}", "directories of Windows and of POSIX"],
    ["{within: ''}", "must not be empty"],
    ["{wihtin: /x}", "did you mean"],
    ["/x", "must be a mapping"],
  ])("refuses %s", (written, message) => {
    const [issue] = issuesIn(`allow:\n  - {capability: a.b, path: ${written}}\n`);
    expect(issue).toMatchObject({ line: 2 });
    expect(issue?.message).toContain(message);
  });

  it("never allows a path that Node resolves to a place outside, nor throws", () => {
    const part = fc.constantFrom(
      "..",
      ".",
      "a",
      "b c",
      "",
      "~",
      "/",
      "\\",
      "%2e",
      "…",
      "C:",
      "srv",
      "app",
      "$x",
      "*",
      "\0",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(part).map((parts) => parts.join("/")),
          fc.string({ unit: "binary" }),
        ),
        (path) => {
          if (!path.isWellFormed() || allow({ within: "/srv/app" }, path) !== "yes") return;
          const resolved = posix.resolve("/srv/app", path);
          expect(resolved === "/srv/app" || resolved.startsWith("/srv/app/")).toBe(true);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
