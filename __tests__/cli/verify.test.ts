import { appendFileSync, chmodSync, copyFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";

import initSqlJs from "sql.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { nodeFiles } from "../../src/audit/file/files.ts";
import { LogWriter } from "../../src/audit/file/writer.ts";
import { Policy } from "../../src/policy/policy.ts";
import { ActionRuntime } from "../../src/runtime/runtime.ts";
import { Workplace } from "./captured-host.ts";
import { record, WALKTHROUGH } from "./recorded-calls.ts";

const place = new Workplace();
afterAll(() => place[Symbol.dispose]());

/** Changes a log the way somebody with an SQLite client would. */
async function edit(path: string, sql: string): Promise<void> {
  const engine = await initSqlJs();
  const database = new engine.Database(readFileSync(path));
  database.run(sql);
  writeFileSync(path, database.export());
  database.close();
}

describe("an intact log", () => {
  it("is said to be intact, how far, and that it is not anchored", async () => {
    await record(place.path("audit.db"), WALKTHROUGH);
    expect(await place.run(["verify", "--audit-log", "./audit.db"])).toEqual({
      code: 0,
      stdout: [
        "✓ Audit chain intact. 2 entries verified.",
        "Last entry: 2 at 2026-01-15 10:23:02 UTC.",
        "Unanchored: a cut tail or a full rewrite would not show. See capfence checkpoint.",
        "1 decision without an outcome; 0 outcomes without an allowing decision.",
        "",
      ].join("\n"),
      stderr: "",
    });
  });

  it("counts one entry in the singular", async () => {
    await record(place.path("one.db"), WALKTHROUGH.slice(0, 1));
    const { stdout } = await place.run(["verify", "--audit-log", "one.db"]);
    expect(stdout.split("\n")[0]).toBe("✓ Audit chain intact. 1 entry verified.");
  });

  it("counts outcomes too", async () => {
    await record(place.path("outcome.db"), [{ command: "ls", ended: "finished" }]);
    const { stdout } = await place.run(["verify", "--audit-log", "outcome.db"]);
    expect(stdout.split("\n")[0]).toBe("✓ Audit chain intact. 2 entries verified.");
  });

  it("may have no entries yet", async () => {
    const writer = await LogWriter.open(place.path("none.db"), { files: nodeFiles, now: Date.now });
    await writer.close();
    const { code, stdout } = await place.run(["verify", "--audit-log", "none.db"]);
    expect({ code, first: stdout.split("\n")[0] }).toEqual({
      code: 0,
      first: "✓ Audit chain intact. 0 entries verified.",
    });
  });

  it("may end in an unfinished write, which is told and no fault", async () => {
    const path = place.path("torn.db");
    const runtime = ActionRuntime.fromPolicy(Policy.parse("allow: [shell.execute]"), { auditLog: path });
    await runtime.execute({ actor: "ann", action: "execute", resource: "shell", payload: {} });
    copyFileSync(path, place.path("copy.db"));
    copyFileSync(`${path}-tail`, place.path("copy.db-tail"));
    await runtime.close();
    appendFileSync(place.path("copy.db-tail"), `${"0".repeat(64)} {"ac`);
    const { code, stdout, stderr } = await place.run(["verify", "--audit-log", "copy.db"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.split("\n")).toEqual([
      "✓ Audit chain intact. 1 entry verified.",
      expect.stringMatching(/^Last entry: 1 at [-0-9]{10} [:0-9]{8} UTC\.$/),
      "Unanchored: a cut tail or a full rewrite would not show. See capfence checkpoint.",
      "1 decision without an outcome; 0 outcomes without an allowing decision.",
      "Warning: 69 bytes at the end of the tail are an unfinished write, and no entry",
      "",
    ]);
  });

  it("is one object in JSON", async () => {
    const { code, stdout, stderr } = await place.run(["verify", "--audit-log", "audit.db", "--json"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.split("\n")).toHaveLength(2);
    expect(JSON.parse(stdout)).toMatchObject({
      intact: true,
      entries: 2,
      last: { seq: 2, ts: "2026-01-15T10:23:02.000Z" },
      problems: [],
      warnings: [],
    });
  });

  it.each([
    ["green on a terminal", { isTTY: true }, "\u{1b}[32m✓ Audit chain intact. 2 entries verified.\u{1b}[39m"],
    ["plain with NO_COLOR", { isTTY: true, env: { NO_COLOR: "1" } }, "✓ Audit chain intact. 2 entries verified."],
  ])("is %s", async (_, surroundings, first) => {
    const { stdout } = await place.run(["verify", "--audit-log", "audit.db"], surroundings);
    expect(stdout.split("\n")[0]).toBe(first);
  });
});

describe("a broken log exits 3 and names the entry", () => {
  beforeAll(() =>
    record(
      place.path("sound.db"),
      Array.from({ length: 20 }, (_, index) => ({ command: `echo ${index}` })),
    ),
  );

  it.each([
    [
      "a changed text",
      "UPDATE entries SET body = replace(body, 'echo 1\"', 'echo 7\"') WHERE seq = 2",
      ["✗ Audit chain broken at entry 2: its text and its hash do not agree"],
    ],
    [
      "a changed column",
      "UPDATE entries SET agent_id = 'somebody' WHERE seq = 2",
      ["✗ Audit chain broken at entry 2: its column agent_id does not agree with its text"],
    ],
    ["a removed entry", "DELETE FROM entries WHERE seq = 5", ["✗ Audit chain broken at entry 5: it is missing"]],
    [
      "two changed texts",
      "UPDATE entries SET body = body || ' ' WHERE seq IN (3, 9)",
      [
        "✗ Audit chain broken at entry 3: its text and its hash do not agree",
        "  entry 9: its text and its hash do not agree",
      ],
    ],
    [
      "everything changed, of which some is told",
      "UPDATE entries SET body = body || ' ' WHERE seq > 0",
      [
        "✗ Audit chain broken at entry 1: its text and its hash do not agree",
        ...Array.from({ length: 10 }, (_, index) => `  entry ${index + 2}: its text and its hash do not agree`),
        "  and at least 9 more",
      ],
    ],
    [
      "a text that would deceive a reader",
      'CREATE TABLE "\u{1b}[2J" (x)',
      [expect.stringMatching(/^✗ Audit chain broken: [\x20-\x7e]+$/)],
    ],
  ])("%s", async (what, sql, lines) => {
    const name = `${what.replaceAll(/\W/g, "-")}.db`;
    copyFileSync(place.path("sound.db"), place.path(name));
    await edit(place.path(name), sql);
    const { code, stdout, stderr } = await place.run(["verify", "--audit-log", name]);
    expect({ code, stdout: stdout.split("\n"), stderr }).toEqual({ code: 3, stdout: [...lines, ""], stderr: "" });

    const json = await place.run(["verify", "--audit-log", name, "--json"]);
    expect(json.code).toBe(3);
    expect(JSON.parse(json.stdout)).toMatchObject({ intact: false });
  });

  it("red on a terminal", async () => {
    copyFileSync(place.path("sound.db"), place.path("red.db"));
    await edit(place.path("red.db"), "DELETE FROM entries WHERE seq = 5");
    const { stdout } = await place.run(["verify", "--audit-log", "red.db"], { isTTY: true });
    expect(stdout).toBe("\u{1b}[31m✗ Audit chain broken at entry 5: it is missing\u{1b}[39m\n");
  });

  it.each([
    ["a file that is no database", "text.db", "2026-01-15 all is well\n"],
    ["an empty file", "empty.db", ""],
  ])("%s is a finding too, and names no entry", async (_, name, content) => {
    writeFileSync(place.path(name), content);
    const { code, stdout, stderr } = await place.run(["verify", "--audit-log", name]);
    expect({ code, stderr }).toEqual({ code: 3, stderr: "" });
    expect(stdout).toMatch(/^✗ Audit chain broken: [^\n]+\n$/);
  });

  it("when the database is gone and its tail is there", async () => {
    const path = place.path("gone.db");
    const runtime = ActionRuntime.fromPolicy(Policy.parse("allow: [shell.execute]"), { auditLog: path });
    await runtime.execute({ actor: "ann", action: "execute", resource: "shell", payload: {} });
    copyFileSync(`${path}-tail`, place.path("lost.db-tail"));
    await runtime.close();
    const { code, stdout } = await place.run(["verify", "--audit-log", "lost.db"]);
    expect({ code, broken: stdout.startsWith("✗ Audit chain broken: ") }).toEqual({ code: 3, broken: true });
  });
});

describe("a log that cannot be read exits 1, with one line on stderr", () => {
  it.each([
    ["a missing file", "missing.db", () => undefined],
    ["a missing directory", "missing/audit.db", () => undefined],
    ["a directory", "directory.db", (path: string) => mkdirSync(path)],
  ])("%s", async (_, name, make) => {
    make(place.path(name));
    for (const options of [[], ["--json"]]) {
      const { code, stdout, stderr } = await place.run(["verify", "--audit-log", name, ...options]);
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toMatch(/^capfence: Audit log [^\n]+\n$/);
      expect(stderr).toContain(place.path(name));
    }
  });

  it.skipIf(process.getuid?.() === 0)("a file that may not be read", async () => {
    await record(place.path("secret.db"), WALKTHROUGH);
    chmodSync(place.path("secret.db"), 0);
    const { code, stdout, stderr } = await place.run(["verify", "--audit-log", "secret.db"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^capfence: Audit log [^\n]+\n$/);
  });

  it("one of a newer format", async () => {
    await record(place.path("newer.db"), WALKTHROUGH);
    await edit(place.path("newer.db"), "PRAGMA user_version = 999");
    const { code, stdout, stderr } = await place.run(["verify", "--audit-log", "newer.db"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^capfence: Audit log [^\n]+\n$/);
  });

  it("one whose name holds a line break, still on one line", async () => {
    const { stderr } = await place.run(["verify", "--audit-log", "a\nb.db"]);
    expect(stderr).toContain(String.raw`a\u{a}b.db`);
    expect(stderr.split("\n")).toHaveLength(2);
  });
});

it("never writes", async () => {
  await record(place.path("kept.db"), WALKTHROUGH);
  renameSync(place.path("kept.db"), place.path("moved.db"));
  const before = readFileSync(place.path("moved.db"));
  await place.run(["verify", "--audit-log", "moved.db"]);
  expect(readFileSync(place.path("moved.db")).equals(before)).toBe(true);
});
