import { readFileSync, renameSync, writeFileSync } from "node:fs";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { StoredEntry } from "../../src/audit/format/entry.ts";
import { readEntries } from "../../src/audit/read.ts";
import { Policy } from "../../src/policy/policy.ts";
import { ActionRuntime } from "../../src/runtime/runtime.ts";
import { Records } from "../replay/recorded-logs.ts";
import { Workplace } from "./captured-host.ts";
import { inPlace } from "./policy/policy-files.ts";

const place = new Workplace();
const records = new Records();
afterAll(() => {
  place[Symbol.dispose]();
  records[Symbol.dispose]();
});

const RULES = `deny:
  - { capability: shell, contains: "rm -rf", id: no-wiping }
  - { capability: shell, tenant: other, contains: "token", id: no-tokens }
allow:
  - shell
`;

let log = "";
let entries: readonly StoredEntry[] = [];

beforeAll(async () => {
  writeFileSync(place.path("policy.yaml"), RULES);
  writeFileSync(place.path("another.yaml"), "allow: ['*']\n");
  const policy = Policy.load(place.path("policy.yaml"));
  log = await records.write(
    policy,
    [
      { payload: { command: "ls" }, sessionId: "s1", ms: 12.5 },
      { payload: { command: "rm -rf /" }, sessionId: "s1", context: { tenant: "acme" } },
      { payload: { command: "echo" }, sessionId: "other" },
      { payload: { command: "x\u001b[2J\u202e", token: "t" }, sessionId: "s1" },
      { resource: "files", action: "read" },
      { refused: "unknown_tool", context: { parentRunId: "run-1" } },
      { context: { parentRunId: "run-1" }, scope: "sandbox", risk: "low", requireApproval: false },
    ],
    { audit: { redact: ["token"] } },
  );
  const read: StoredEntry[] = [];
  for await (const stored of readEntries(log)) read.push(stored);
  entries = read;
});

const trace = async (name: string, argv: readonly string[] = [], around = {}) =>
  await place.run(["trace", name, "--audit-log", log, ...argv], around);
const shown = async (name: string, argv: readonly string[] = []): Promise<readonly string[]> =>
  inPlace(place, (await trace(name, argv)).stdout);
const traced = async (name: string): Promise<unknown> => {
  const { stdout } = await trace(name, ["--json"]);
  return (JSON.parse(stdout) as { seq: number }).seq;
};

describe("a decision", () => {
  it("is shown in full", async () => {
    const { code, stdout, stderr } = await trace("3");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const { hash = "", entry } = entries[3] ?? {};
    const event = entry?.kind === "decision" ? entry.event : "";
    expect(inPlace(place, stdout)).toEqual([
      "entry        3, recorded 2026-01-15 10:00:01 UTC",
      `hash         ${hash}`,
      `event        ${event}`,
      "decision     deny (policy_deny), by no-wiping at policy.yaml:2",
      "let through  no",
      "agent_id     ann",
      "capability   shell.execute (resource shell, action execute)",
      "environment  production",
      "session      s1",
      "context      {",
      '               "tenant": "acme"',
      "             }",
      "payload      {",
      '               "command": "rm -rf /"',
      "             }",
      `policy       ${Policy.parse(RULES).digest}`,
      "outcome      blocked",
      "",
      "Explained by policy.yaml, the policy that decided.",
      "   rule       condition   answer  why",
      "→  no-wiping  deny        yes     policy.yaml:2 decides",
      "              capability  yes     shell covers shell.execute.production",
      '              contains    yes     "rm -rf" is in the payload',
      "   no-tokens  deny        no      policy.yaml:3 does not apply",
      "              capability  yes     shell covers shell.execute.production",
      '              tenant      no      the tenant is "acme", asked for "other"',
      "              contains    no      not in the payload",
      "   allow[0]   allow       yes     policy.yaml:5 applies, but does not decide",
      "              capability  yes     shell covers shell.execute.production",
      "",
      "In the same session or run:",
      "   entry  timestamp            agent_id  capability     decision  reason",
      "   1      2026-01-15 10:00:00  ann       shell.execute  allow     policy_allow",
      "→  3      2026-01-15 10:00:01  ann       shell.execute  deny      policy_deny",
      "   5      2026-01-15 10:00:03  ann       shell.execute  allow     policy_allow",
      "",
      "✓ Audit chain intact. 8 entries verified.",
    ]);
  });

  it("has how its call ended", async () => {
    expect(await shown("1")).toContain("outcome      ok after 12.5 ms (entry 2, 2026-01-15 10:00:00 UTC)");
    expect(await shown("4")).toContain("outcome      unknown");
  });

  it("has what was left out, and which conditions nobody can answer any more", async () => {
    const lines = await shown("5");
    expect(lines).toContain("left out     payload.token");
    expect(lines.join("\n")).toContain(
      [
        "   no-wiping  deny        unknown  policy.yaml:2 may apply",
        "              capability  yes      shell covers shell.execute.production",
        "              contains    unknown  needs payload.token, which was not recorded",
        "   no-tokens  deny        no       policy.yaml:3 does not apply",
      ].join("\n"),
    );
  });

  it("shows nothing that a terminal would obey", async () => {
    const { stdout } = await trace("5");
    expect(stdout).toContain(String.raw`"x\u001b[2J\u{202e}"`);
    expect(stdout.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  it("has what the event said of scope and risk, and who else the run has called", async () => {
    const lines = await shown("8");
    expect(lines).toEqual(expect.arrayContaining(["scope        sandbox", "risk         low"]));
    expect(lines.join("\n")).toMatch(/ {3}7 +2026-01-15 10:00:05 .* unknown_tool\n→ {2}8 /);
  });

  it("is one object for programs", async () => {
    const { stdout } = await trace("1", ["--json"]);
    expect(JSON.parse(stdout)).toMatchObject({
      seq: 1,
      hash: entries[1]?.hash,
      entry: { kind: "decision", decision: "allow", payload: { command: "ls" } },
      outcome: { seq: 2, entry: { status: "finished", ms: 12.5 } },
      approvals: [],
      before: [],
      after: [{ seq: 3 }, { seq: 5 }],
      leftOut: [],
      explanation: { policy: { digest: Policy.parse(RULES).digest }, rules: [{ answer: "no" }, {}, { winner: true }] },
      verified: { intact: true, entries: 8 },
    });
  });
});

/** What is said about whether the conditions are explained. */
const said = async (name: string, argv: readonly string[] = []): Promise<string> =>
  (await shown(name, argv)).filter((line) => /^(?:Conditions|Explained)/.test(line)).join();

describe("the explanation", () => {
  it("comes from the policy that is named, where no rule names a file", async () => {
    expect(await said("6")).toBe(
      "Conditions: not explained, since no rule decided, so the record names no policy file; name one with --policy.",
    );
    expect(await said("6", ["--policy", "policy.yaml"])).toBe("Explained by policy.yaml, the policy that decided.");
    expect(await shown("6", ["--policy", "policy.yaml"])).toContain("No rule is about files.read.production.");
  });

  it("is not given by another policy than the one that decided", async () => {
    const { digest } = Policy.parse("allow: ['*']\n");
    expect(await said("3", ["--policy", "another.yaml"])).toBe(
      `Conditions: not explained, since another.yaml is another policy now, with the digest ${digest}.`,
    );
  });

  it("is not given once the file is another's or is gone", async () => {
    renameSync(place.path("policy.yaml"), place.path("kept.yaml"));
    try {
      expect(await said("3")).toMatch(/since policy\.yaml is no valid policy any more, or not there; name the one/);
      writeFileSync(place.path("policy.yaml"), "allow: ['*']\n");
      expect(await said("3")).toMatch(/since policy\.yaml is another policy now, .*; name the one that decided/);
      expect(await said("3", ["--policy", "kept.yaml"])).toBe("Explained by kept.yaml, the policy that decided.");
    } finally {
      renameSync(place.path("kept.yaml"), place.path("policy.yaml"));
    }
  });

  it("is not given where no policy was asked", async () => {
    expect(await said("7", ["--policy", "policy.yaml"])).toMatch(
      /since the call was refused before any policy was asked/,
    );
  });
});

describe("its name", () => {
  it("may be its number, its hash, the beginning of that, or its event", async () => {
    const { hash = "", entry } = entries[3] ?? {};
    const event = entry?.kind === "decision" ? entry.event : "";
    for (const name of ["3", hash, hash.slice(0, 12), hash.slice(0, 12).toUpperCase(), event]) {
      expect(await traced(name)).toBe(3);
    }
  });

  it("may be that of its outcome", async () => {
    expect(await traced("2")).toBe(1);
    expect(await traced(entries[2]?.hash.slice(0, 16) ?? "")).toBe(1);
  });

  it.each([
    ["0", "entry 0 is about no decision: its kind is genesis"],
    ["99", "no entry has that number, hash or id"],
    ["abc", "no entry has that number, hash or id"],
    ["\u001b[2J", "no entry has that number, hash or id"],
  ])("%j is none", async (name, problem) => {
    const { code, stdout, stderr } = await trace(name);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain(problem);
    expect(stderr).not.toContain("\u001b");
  });

  it("must lead to one entry", async () => {
    const policy = Policy.parse("allow: [shell]\n");
    const path = records.path("twice.db");
    const runtime = ActionRuntime.fromPolicy(policy, { auditLog: path });
    const { eventId } = await runtime.execute({ actor: "a", action: "execute", resource: "shell" });
    await runtime.close();
    const again = records.path("again.db");
    const other = ActionRuntime.fromPolicy(policy, { auditLog: again });
    const { ActionEvent } = await import("../../src/event.ts");
    const event = ActionEvent.create({ actor: "a", action: "execute", resource: "shell" });
    await other.execute(event);
    await other.execute(event);
    await other.close();
    expect((await place.run(["trace", eventId, "--audit-log", path])).code).toBe(0);
    const { code, stderr } = await place.run(["trace", event.id, "--audit-log", again]);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `capfence: ${event.id}: several entries are called that: 1, 2\n`,
    });
  });
});

describe("an approval", () => {
  it("is told with who asked, who answered and what came of it", async () => {
    writeFileSync(place.path("asking.yaml"), "require_approval: [{ capability: pay, id: ask }]\n");
    const path = records.path("approval.db");
    const runtime = ActionRuntime.fromPolicy(place.path("asking.yaml"), { auditLog: path });
    const call = { actor: "bot", action: "send", resource: "pay", environment: "production" };
    const { approvalId = "" } = await runtime.execute(call);
    await runtime.approvals.approve(approvalId, { by: "eve", note: "fine\u001b[2J" });
    await runtime.execute(call);
    await runtime.close();
    const { code, stdout } = await place.run(["trace", approvalId, "--audit-log", path]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^entry {8}5, /);
    expect(stdout).toContain("decision     allow (approval_granted), by ask at ");
    const story = inPlace(place, stdout).filter((line) => line.includes(approvalId));
    expect(story.map((line) => line.replaceAll(/20\d\d-\S+ \S+/g, "T").replaceAll(/ +/g, " "))).toEqual([
      `approval ${approvalId}`,
      `2 T ${approvalId} approval requested until T UTC`,
      expect.stringMatching(/^3 T \S+ approved eve \(user .*\): fine\\u\{1b\}\[2J$/),
      expect.stringMatching(/^4 T \S+ consumed ?$/),
    ]);
    expect((await place.run(["trace", "3", "--audit-log", path])).stderr).toContain("entry 3 is about no decision");
    expect((await place.run(["trace", "4", "--audit-log", path])).stdout).toMatch(/^entry {8}5, /);
  });
});

it("says that the chain is broken, and exits 3", async () => {
  const broken = await records.write(Policy.parse("allow: [shell]\n"), [
    { payload: { command: "ls" } },
    { payload: { command: "echo" } },
  ]);
  const bytes = readFileSync(broken);
  bytes[bytes.indexOf('"echo"') + 1] = 0x58;
  writeFileSync(broken, bytes);
  const { code, stdout } = await place.run(["trace", "1", "--audit-log", broken]);
  expect(code).toBe(3);
  expect(stdout).toMatch(/✗ Audit chain broken at entry 2: .* See capfence verify\.\n$/);
  // What was looked for is what is damaged.
  expect(await place.run(["trace", "2", "--audit-log", broken])).toMatchObject({
    code: 3,
    stdout: "",
    stderr: expect.stringMatching(
      /^capfence: 2: no entry has .*, and the audit chain is broken: .* See capfence verify\n$/,
    ),
  });
  expect((await place.run(["trace", "1", "--audit-log", records.path("none.db")])).code).toBe(1);
});
