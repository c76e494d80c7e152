import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { nodeFiles } from "../../src/audit/file/files.ts";
import { LogWriter } from "../../src/audit/file/writer.ts";
import { ActionRuntime } from "../../src/runtime/runtime.ts";
import { Policy } from "../../src/policy/policy.ts";
import { Workplace } from "./captured-host.ts";
import { appendSealing, record, WALKTHROUGH, type Call } from "./recorded-calls.ts";

const place = new Workplace();
afterAll(() => place[Symbol.dispose]());

describe("the walkthrough", () => {
  beforeAll(() => record(place.path("walkthrough.db"), WALKTHROUGH));

  it("shows two decisions under five columns", async () => {
    expect(await place.run(["logs", "--audit-log", "walkthrough.db"])).toEqual({
      code: 0,
      stdout: [
        "timestamp            agent_id    capability     decision  reason",
        "2026-01-15 10:23:01  demo-agent  shell.execute  allow     policy_allow",
        "2026-01-15 10:23:02  demo-agent  shell.execute  deny      policy_deny",
        "",
      ].join("\n"),
      stderr: "",
    });
  });

  it("prints one JSON object a line, with the entry's fields, its number and its hash", async () => {
    const { code, stdout, stderr } = await place.run(["logs", "--audit-log", "walkthrough.db", "--json"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const lines = stdout.trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      expect.objectContaining({
        seq: 1,
        hash: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown,
        ts: "2026-01-15T10:23:01.000Z",
        kind: "decision",
        actor: "demo-agent",
        capability: "shell.execute",
        environment: "production",
        decision: "allow",
        authorized: true,
        reason: "policy_allow",
        payload: { command: "ls -la /tmp" },
      }),
      expect.objectContaining({ seq: 2, decision: "deny", authorized: false, reason: "policy_deny" }),
    ]);
    const [first, second] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(second?.["prev"]).toBe(first?.["hash"]);
  });

  it.each([
    ["on a terminal", { isTTY: true }, true],
    ["on a terminal with NO_COLOR empty", { isTTY: true, env: { NO_COLOR: "" } }, true],
    ["on a terminal with NO_COLOR set", { isTTY: true, env: { NO_COLOR: "1" } }, false],
    ["in a pipe", {}, false],
    ["in a pipe with FORCE_COLOR set", { env: { FORCE_COLOR: "1" } }, false],
  ])("colours decisions %s: %j, %s", async (_, surroundings, coloured) => {
    const { stdout } = await place.run(["logs", "--audit-log", "walkthrough.db"], surroundings);
    expect(stdout.includes("\u{1b}[32mallow\u{1b}[39m     policy_allow")).toBe(coloured);
    expect(stdout.includes("\u{1b}")).toBe(coloured);
  });
});

/** The commands of the decisions shown, at noon on 15 January 2026. */
async function shown(options: readonly string[]): Promise<string> {
  const { stdout } = await place.run(["logs", "--audit-log", "calls.db", "--json", ...options]);
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => (JSON.parse(line) as { payload: { command: string } }).payload.command.replace("rm -rf ", ""))
    .join(" ");
}

describe("what is shown of a longer log", () => {
  const calls: readonly Call[] = [
    { command: "one", actor: "ann", at: "2026-01-13T23:59:59.999Z", ended: "finished" },
    { command: "rm -rf two", actor: "bob", at: "2026-01-14T00:00:00.000Z" },
    { command: "three", actor: "ann", at: "2026-01-15T10:00:00.000Z", ended: "finished" },
    { command: "four", actor: "bob", action: "deploy", at: "2026-01-15T11:30:00.000Z" },
    { command: "five", actor: "annie", action: "unknown", at: "2026-01-15T11:59:59.500Z" },
  ];
  beforeAll(() => record(place.path("calls.db"), calls));

  it.each([
    [[], "one two three four five"],
    [["--limit", "1"], "five"],
    [["--limit", "2"], "four five"],
    [["--limit", "5"], "one two three four five"],
    [["--limit", "100000000"], "one two three four five"],
    [["--agent", "ann"], "one three"],
    [["--agent", "ann", "--limit", "1"], "three"],
    [["--agent", "an"], ""],
    [["--agent", "ANN"], ""],
    [["--agent", ""], ""],
    [["--decision", "allow"], "one three"],
    [["--decision", "deny"], "two five"],
    [["--decision", "require_approval"], "four"],
    [["--decision", "deny", "--agent", "bob"], "two"],
    [["--since", "2026-01-14"], "two three four five"],
    [["--until", "2026-01-14"], "one"],
    [["--since", "2026-01-14", "--until", "2026-01-15"], "two"],
    [["--since", "2026-01-15T10:00"], "three four five"],
    [["--since", "2026-01-15t10:00:00z"], "three four five"],
    [["--since", "2026-01-15 10:00:00.001"], "four five"],
    [["--since", "2026-01-15T12:30:00+01:00"], "four five"],
    [["--since", "2026-01-15T06:30:00.0001-05:00"], "four five"],
    [["--since", "30m"], "four five"],
    [["--since", "1799s"], "five"],
    [["--since", "2h"], "three four five"],
    [["--until", "2h"], "one two"],
    [["--since", "1d"], "three four five"],
    [["--since", "1w"], "one two three four five"],
    [["--since", "0s"], ""],
    [["--since", "2h", "--until", "2h"], ""],
  ])("%j: %s", async (options, commands) => {
    expect(await shown(options)).toBe(commands);
  });

  it("is decisions only, in the table as in JSON", async () => {
    const { stdout } = await place.run(["logs", "--audit-log", "calls.db"]);
    expect(stdout).toBe(
      [
        "timestamp            agent_id  capability     decision          reason               outcome",
        "2026-01-13 23:59:59  ann       shell.execute  allow             policy_allow         ok",
        "2026-01-14 00:00:00  bob       shell.execute  deny              policy_deny          blocked",
        "2026-01-15 10:00:00  ann       shell.execute  allow             policy_allow         ok",
        "2026-01-15 11:30:00  bob       shell.deploy   require_approval  approval_required    blocked",
        "2026-01-15 11:59:59  annie     shell.unknown  deny              policy_default_deny  blocked",
        "",
      ].join("\n"),
    );
  });

  it("includes what a runtime that is still open has recorded", async () => {
    const runtime = ActionRuntime.fromPolicy(Policy.parse("allow: [shell.execute]"), {
      auditLog: place.path("open.db"),
    });
    await runtime.execute({ actor: "ann", action: "execute", resource: "shell", payload: {} });
    const { stdout } = await place.run(["logs", "--audit-log", "open.db"]);
    expect(stdout).toMatch(/ {2}ann {7}shell\.execute {2}allow {5}policy_allow\n$/);
    await runtime.close();
  });
});

describe("how calls ended", () => {
  beforeAll(() =>
    record(place.path("ended.db"), [
      { command: "one", ended: "finished" },
      { command: "two", ended: "failed" },
      { command: "three", ended: "aborted" },
      { command: "four" },
      { command: "rm -rf five" },
    ]),
  );

  it("is a column of its own", async () => {
    const { stdout } = await place.run(["logs", "--audit-log", "ended.db"]);
    expect(stdout.split("\n").map((line) => line.slice(58))).toEqual([
      "reason        outcome",
      "policy_allow  ok",
      "policy_allow  failed",
      "policy_allow  aborted",
      "policy_allow  unknown",
      "policy_deny   blocked",
      "",
    ]);
  });

  it("is a member in JSON, whether the table would have the column or not", async () => {
    for (const [log, outcomes] of [
      ["ended.db", ["ok", "failed", "aborted", "unknown", "blocked"]],
      ["walkthrough.db", ["unknown", "blocked"]],
    ] as const) {
      const { stdout } = await place.run(["logs", "--audit-log", log, "--json"]);
      const lines = stdout.trimEnd().split("\n");
      expect(lines.map((line) => (JSON.parse(line) as { outcome: string }).outcome)).toEqual(outcomes);
    }
  });

  it("has no column when none of the decisions shown has an outcome", async () => {
    const { stdout } = await place.run(["logs", "--audit-log", "ended.db", "--limit", "2"]);
    expect(stdout.split("\n")[0]).toMatch(/ {2}reason$/);
  });

  it("shows a failure in red on a terminal", async () => {
    const { stdout } = await place.run(["logs", "--audit-log", "ended.db"], { isTTY: true });
    expect(stdout).toContain("policy_allow  \u{1b}[31mfailed\u{1b}[39m\n");
    expect(stdout).toContain("policy_allow  ok\n");
  });
});

describe("what was only observed", () => {
  it("is marked, and found by what was decided", async () => {
    const policy = Policy.parse("allow: [shell.execute]");
    const runtime = ActionRuntime.fromPolicy(policy, { auditLog: place.path("observed.db"), mode: "observe" });
    for (const action of ["execute", "deploy"]) {
      await runtime.execute({ actor: "ann", action, resource: "shell", payload: {} });
    }
    await runtime.close();
    const { stdout } = await place.run(["logs", "--audit-log", "observed.db"], { isTTY: true });
    expect(stdout.split("\n").map((line) => line.slice(21))).toEqual([
      "agent_id  capability     decision         reason",
      "ann       shell.execute  \u{1b}[32mallow\u{1b}[39m            policy_allow",
      "ann       shell.deploy   \u{1b}[33mdeny (observed)\u{1b}[39m  policy_default_deny",
      "",
    ]);
    const json = await place.run(["logs", "--audit-log", "observed.db", "--json", "--decision", "deny"]);
    expect(JSON.parse(json.stdout)).toMatchObject({ decision: "deny", enforced: false, outcome: "unknown" });
  });
});

describe("a log in several parts", () => {
  const actors = Array.from({ length: 12 }, (_, index) => `agent-${index}`);

  it("is shown as one", async () => {
    for (const start of [0, 4, 8]) await appendSealing(place.path("parts.db"), actors.slice(start, start + 4));
    const segments = readdirSync(place.directory).filter((name) => /^parts\.db\.[0-9a-f]{8}\.\d+$/.test(name));
    expect(segments.length).toBeGreaterThan(2);
    const { stdout } = await place.run(["logs", "--audit-log", "parts.db"]);
    expect(stdout.match(/agent-\d+/g)).toEqual(actors);
    const latest = await place.run(["logs", "--audit-log", "parts.db", "--limit", "5"]);
    expect(latest.stdout.match(/agent-\d+/g)).toEqual(actors.slice(-5));
  });

  it("is read from its end, and no further than asked for", async () => {
    const [oldest = ""] = readdirSync(place.directory).filter((name) => /^parts\.db\.[0-9a-f]{8}\.0$/.test(name));
    writeFileSync(place.path(oldest), "not a database");
    const { code, stdout } = await place.run(["logs", "--audit-log", "parts.db", "--limit", "3"]);
    expect({ code, shown: stdout.match(/agent-\d+/g) }).toEqual({ code: 0, shown: actors.slice(-3) });
    const all = await place.run(["logs", "--audit-log", "parts.db"]);
    expect({ code: all.code, stdout: all.stdout }).toEqual({ code: 1, stdout: "" });
  });

  it.skipIf(process.platform === "win32")("is found whole through a link", async () => {
    await appendSealing(place.path("linked.db"), actors.slice(0, 4));
    const runtime = ActionRuntime.fromPolicy(Policy.parse("allow: [shell.execute]"), {
      auditLog: place.path("linked.db"),
    });
    await runtime.execute({ actor: "agent-4", action: "execute", resource: "shell", payload: {} });
    mkdirSync(place.path("elsewhere"));
    symlinkSync(place.path("linked.db"), place.path("elsewhere/audit.db"));
    const { stdout } = await place.run(["logs", "--audit-log", "elsewhere/audit.db"]);
    await runtime.close();
    expect(stdout.match(/agent-\d+/g)).toEqual(actors.slice(0, 5));
  });
});

describe("names that would deceive a reader", () => {
  it.each([
    ["an escape sequence", "a\u{1b}[31mb", String.raw`a\u{1b}[31mb`],
    ["an 8-bit escape sequence", "a\u{9b}31mb", String.raw`a\u{9b}31mb`],
    ["line breaks", "a\nb\r\nc\u{2028}d\u{85}e", String.raw`a\u{a}b\u{d}\u{a}c\u{2028}d\u{85}e`],
    ["a tab, a bell and a deletion", "a\tb\u{7}c\u{7f}", String.raw`a\u{9}b\u{7}c\u{7f}`],
    ["a bidirectional override", "a\u{202e}nimda\u{2066}", String.raw`a\u{202e}nimda\u{2066}`],
    ["zero-width characters", "ad\u{200b}min\u{feff}\u{200d}", String.raw`ad\u{200b}min\u{feff}\u{200d}`],
    [
      "characters shown as nothing",
      "a\u{115f}\u{3164}\u{2800}\u{ad}\u{e0041}",
      String.raw`a\u{115f}\u{3164}\u{2800}\u{ad}\u{e0041}`,
    ],
    ["a gap like the one between columns", "a  allow", String.raw`a\u{20}\u{20}allow`],
    ["space at the ends", " a ", String.raw`\u{20}a\u{20}`],
    ["look-alikes of a space", "a\u{a0}b\u{3000}c", String.raw`a\u{a0}b\u{3000}c`],
    ["other scripts, which stay", "агент 你好 é", "агент 你好 é"],
  ])("%s", async (name, actor, seen) => {
    const log = `${name.replaceAll(/\W/g, "-")}.db`;
    await record(place.path(log), [{ command: "ls", actor }]);
    const { stdout } = await place.run(["logs", "--audit-log", log]);
    expect(stdout.split("\n")[1]).toBe(`2026-01-15 10:23:01  ${seen}  shell.execute  allow     policy_allow`);

    const json = await place.run(["logs", "--audit-log", log, "--json"]);
    expect(json.stdout.trimEnd()).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Default_Ignorable_Code_Point}]/u);
    expect(JSON.parse(json.stdout)).toHaveProperty("actor", actor);

    const filtered = await place.run(["logs", "--audit-log", log, "--agent", actor]);
    expect(filtered.stdout).toBe(stdout);
  });

  it("pads wide characters and marks by the room they take", async () => {
    const log = "wide.db";
    await record(place.path(log), [
      { command: "ls", actor: "你好" },
      { command: "ls", actor: "abcd" },
      { command: "ls", actor: "a\u{301}bcd" },
      { command: "ls", actor: "🤖" },
    ]);
    const { stdout } = await place.run(["logs", "--audit-log", log]);
    const cells = stdout.split("\n").map((line) => line.slice(21).split("shell.execute")[0]);
    expect(cells.slice(1, -1)).toEqual(["你好      ", "abcd      ", "a\u{301}bcd      ", "🤖        "]);
  });

  it.each([
    ["plain text", "x".repeat(1024), `${"x".repeat(47)}…`],
    ["exactly what fits", "x".repeat(48), "x".repeat(48)],
    ["one more than fits", "x".repeat(49), `${"x".repeat(47)}…`],
    ["wide text", "你".repeat(100), `${"你".repeat(23)}…`],
    ["marks without end", `a${"\u{301}".repeat(1000)}`, `a${"\u{301}".repeat(46)}…`],
    ["never inside an escape", "\u{1b}".repeat(1000), `${String.raw`\u{1b}`.repeat(7)}…`],
  ])("cuts what is too long: %s", async (name, actor, seen) => {
    const log = `long-${name.replaceAll(/\W/g, "-")}.db`;
    await record(place.path(log), [{ command: "ls", actor }]);
    const { stdout } = await place.run(["logs", "--audit-log", log]);
    expect(stdout.split("\n")[1]?.slice(21).split("  ")[0]).toBe(seen);
  });
});

describe("logs that cannot be shown", () => {
  it("shows only the header for a log without decisions", async () => {
    const writer = await LogWriter.open(place.path("none.db"), { files: nodeFiles, now: Date.now });
    await writer.close();
    expect(await place.run(["logs", "--audit-log", "none.db"])).toEqual({
      code: 0,
      stdout: "timestamp  agent_id  capability  decision  reason\n",
      stderr: "",
    });
    expect(await place.run(["logs", "--audit-log", "none.db", "--json"])).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  it.each([
    ["a missing file", "missing.db", () => undefined],
    ["a directory", "directory.db", (path: string) => mkdirSync(path)],
    ["a file that is no database", "text.db", (path: string) => writeFileSync(path, "2026-01-15 all is well\n")],
    ["an empty file", "empty.db", (path: string) => writeFileSync(path, "")],
  ])("exits 1 for %s, with one line on stderr", async (_, name, make) => {
    make(place.path(name));
    const { code, stdout, stderr } = await place.run(["logs", "--audit-log", name]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^capfence: Audit log [^\n]+\n$/);
    expect(stderr).toContain(place.path(name));
  });
});
