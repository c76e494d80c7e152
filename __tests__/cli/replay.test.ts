import { readFileSync, writeFileSync } from "node:fs";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { canonical, sha256 } from "../../src/audit/format/entry.ts";
import { Policy } from "../../src/policy/policy.ts";
import { Records } from "../replay/recorded-logs.ts";
import { Workplace } from "./captured-host.ts";
import { inPlace } from "./policy/policy-files.ts";

const place = new Workplace();
const records = new Records();
afterAll(() => {
  place[Symbol.dispose]();
  records[Symbol.dispose]();
});

const STRICT = 'deny: [{ capability: shell, contains: "rm -rf", id: no-wiping }]\nallow: [shell]\n';

let log = "";
let broken = "";

beforeAll(async () => {
  writeFileSync(place.path("strict.yaml"), STRICT);
  writeFileSync(place.path("loose.yaml"), "allow: [shell]\n");
  writeFileSync(place.path("closed.yaml"), "deny: ['*']\n");
  writeFileSync(place.path("asking.yaml"), "require_approval: ['*']\n");
  writeFileSync(place.path("invalid.yaml"), "alow: []\n");
  const policy = Policy.parse(STRICT, { source: "strict.yaml" });
  const calls = [
    { payload: { command: "ls" } },
    { payload: { command: "rm -rf /" }, actor: "bob\u001b[2J" },
    { payload: { command: "echo", token: "t" } },
    { refused: "unknown_tool" as const },
  ];
  log = await records.write(policy, calls, { audit: { redact: ["token"] } });
  broken = await records.write(policy, calls);
  const bytes = readFileSync(broken);
  bytes[bytes.indexOf('"echo"') + 1] = 0x58;
  writeFileSync(broken, bytes);
});

const replay = async (argv: readonly string[], around = {}) => await place.run(["replay", ...argv], around);

describe("exit codes", () => {
  it.each<readonly [readonly string[], number]>([
    [["--policy", "loose.yaml"], 3],
    [["--policy", "loose.yaml", "--json"], 3],
    [["--policy", "loose.yaml", "--agent", "ann"], 0],
    [["--policy", "loose.yaml", "--capability", "files"], 0],
    [["--policy", "loose.yaml", "--since", "2027-01-01"], 0],
    [["--policy", "loose.yaml", "--fail-on", "newly-denied"], 0],
    [["--policy", "loose.yaml", "--fail-on", "any"], 3],
    [["--policy", "loose.yaml", "--fail-on", "none"], 0],
    [["--policy", "strict.yaml", "--fail-on", "any"], 0],
    [["--policy", "closed.yaml"], 0],
    [["--policy", "closed.yaml", "--fail-on", "newly-denied"], 3],
    [["--policy", "asking.yaml", "--fail-on", "newly-denied"], 0],
    [["--policy", "asking.yaml", "--fail-on", "any"], 3],
    [["--policy", "invalid.yaml"], 3],
    [["--policy", "loose.yaml", "--fail-on", "something"], 2],
    [["--policy", "loose.yaml", "--capability", "a..b"], 2],
    [["--policy", "loose.yaml", "--since", "yesterday"], 2],
    [["--policy", "loose.yaml", "--since", "2026-02-01", "--until", "2026-01-01"], 2],
    [[], 2],
  ])("%j exits %d", async (argv, code) => {
    expect((await replay([log, ...argv])).code).toBe(code);
  });

  it("are 1 without a log, and 3 with a broken one", async () => {
    expect((await replay([place.path("none.db"), "--policy", "loose.yaml"])).code).toBe(1);
    const { code, stdout, stderr } = await replay([broken, "--policy", "loose.yaml"]);
    expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
    expect(stderr).toMatch(/the chain is broken at entry 3: .* Nothing of it can be relied on\. .*--force/);
  });
});

describe("what it prints", () => {
  it("is what differs, what is undecidable and what was refused", async () => {
    const { stdout, stderr } = await replay([log, "--policy", "loose.yaml"]);
    expect(stderr).toBe("");
    expect(inPlace(place, stdout)).toEqual([
      "deny → allow: 1 call",
      "  1 call: no-wiping at strict.yaml:1 → allow[0] at loose.yaml:1",
      "call     agent_id      capability     environment  old        new       payload",
      String.raw`entry 2  bob\u{1b}[2J  shell.execute  production   no-wiping  allow[0]  {"command":"rm -rf /"}`,
      "",
      "4 calls: 1 decided differently, 2 alike.",
      "1 refused before any policy was asked.",
      "✗ 1 newly allowed.",
      "Policy: loose.yaml",
      "✓ Audit chain intact. 4 entries verified.",
    ]);
  });

  it("names the condition and the field that an undecidable call needs", async () => {
    const { code, stdout } = await replay([log, "--policy", "strict.yaml"]);
    expect(code).toBe(0);
    expect(inPlace(place, stdout)).toEqual([
      "undecidable: 1 call",
      "  1 call: no-wiping.contains needs payload.token (entry 3)",
      "",
      "4 calls: 0 decided differently, 2 alike.",
      "1 undecidable: the record does not say enough.",
      "1 refused before any policy was asked.",
      "✓ Nothing is newly allowed.",
      "Policy: strict.yaml",
      "✓ Audit chain intact. 4 entries verified.",
    ]);
  });

  it("is one object for programs", async () => {
    const { stdout } = await replay([log, "--policy", "loose.yaml", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({
      policy: { file: "loose.yaml", digest: expect.stringMatching(/^[0-9a-f]{64}$/) },
      verified: { intact: true, entries: 4 },
      contradictions: 0,
      calls: 4,
      newlyAllowed: 1,
      refused: 1,
      transitions: [{ from: "deny", to: "allow", examples: [{ name: "entry 2", actor: "bob\u001b[2J" }] }],
    });
  });

  it("is one object when the record is broken, too, and says what is wrong", async () => {
    const { code, stdout, stderr } = await replay([broken, "--policy", "loose.yaml", "--json"]);
    expect(code).toBe(3);
    expect(stderr).toContain("the chain is broken at entry 3");
    expect(JSON.parse(stdout)).toEqual({
      policy: { file: "loose.yaml", digest: expect.stringMatching(/^[0-9a-f]{64}$/) },
      broken: { seq: 3, what: expect.stringContaining("the chain is broken at entry 3") },
    });
    writeFileSync(place.path("torn.jsonl"), '{"capfence_export":1}\n{"hash"');
    const torn = await replay(["torn.jsonl", "--policy", "loose.yaml", "--json"]);
    expect(JSON.parse(torn.stdout)).toMatchObject({ broken: { line: 2, what: expect.stringContaining(":2: ") } });
  });

  it("says what may be newly allowed, where another policy's decision depends on what was left out", async () => {
    const asking = 'deny: [{ capability: shell, contains: "t-1" }]\nrequire_approval: [shell]\n';
    const asked = await records.write(Policy.parse(asking), [{ payload: { token: "t-1" } }, { payload: { a: 1 } }], {
      audit: { redact: ["token"] },
    });
    writeFileSync(place.path("sorting.yaml"), 'deny: [{ capability: shell, contains: "t-2" }]\nallow: [shell]\n');
    const some = await replay([asked, "--policy", "sorting.yaml"]);
    expect(some.stdout).toContain("\n✗ 1 newly allowed, and perhaps 1 more.\n");
    const { stdout } = await replay([asked, "--policy", "sorting.yaml", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({
      perhapsAllowed: 1,
      undecided: [{ examples: [{ name: "entry 1", old: { decision: "deny" }, possible: ["deny", "allow"] }] }],
    });
  });

  it("says when there was nothing to compare", async () => {
    const { stdout } = await replay([log, "--policy", "loose.yaml", "--agent", "nobody"]);
    expect(stdout).toContain("There was no call to compare.\n");
    expect(stdout).not.toContain("✓ Nothing");
  });

  it("says which trace nobody can vouch for, and narrows none to a time", async () => {
    writeFileSync(place.path("older.jsonl"), '{"capfence_replay_version":"1.0"}\n');
    const waived = ["older.jsonl", "--policy", "loose.yaml", "--waive-checksum"];
    expect((await replay(waived)).stdout).toContain("\nNobody knows if the trace is whole: it has no checksum.\n");
    expect(JSON.parse((await replay([...waived, "--json"])).stdout)).toMatchObject({ checksum: "waived", calls: 0 });
    const { code, stdout, stderr } = await replay([...waived, "--since", "2h"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("--since and --until: a trace of the original CapFence does not say when");
  });

  it("says that a chain is broken although it went on", async () => {
    const { code, stdout } = await replay([broken, "--policy", "strict.yaml", "--force"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^✗ Audit chain broken: .* See capfence verify\.$/m);
  });

  it("shows five calls of a group, and how many there are", async () => {
    const policy = Policy.parse("deny: ['*']\n");
    const many = await records.write(
      policy,
      Array.from({ length: 8 }, (_, index) => ({ payload: { index } })),
    );
    const lines = inPlace(place, (await replay([many, "--policy", "loose.yaml"])).stdout);
    expect(lines[0]).toBe("deny → allow: 8 calls");
    expect(lines.filter((line) => line.startsWith("entry "))).toHaveLength(5);
    expect(lines).toContain("and 3 more");
  });

  it("says so when a log contradicts the policy that made it", async () => {
    const policy = Policy.parse("allow: [shell]\n", { source: "loose.yaml" });
    const forged = await records.write(policy, [{}]);
    const { stdout } = await place.run(["export", forged]);
    const [first = "", ...rest] = stdout.split("\n");
    expect(rest).not.toEqual([]);
    writeFileSync(place.path("forged.jsonl"), [first, ...forge(rest)].join("\n"));
    const replayed = await replay(["forged.jsonl", "--policy", "loose.yaml"]);
    expect(replayed.stdout).toContain("✗ 1 call recorded under this very policy, which decides otherwise.\n");
  });

  it("says so even of a call that was recorded in part", async () => {
    const policy = 'deny: [{ capability: shell, contains: "t-1" }]\nrequire_approval: [shell]\n';
    writeFileSync(place.path("never.yaml"), policy);
    const recorded = await records.write(Policy.load(place.path("never.yaml")), [{ payload: { token: "t-1" } }], {
      audit: { redact: ["token"] },
    });
    const [first = "", ...rest] = (await place.run(["export", recorded])).stdout.split("\n");
    writeFileSync(place.path("partly.jsonl"), [first, ...forge(rest, "deny", "allow")].join("\n"));
    const replayed = await replay(["partly.jsonl", "--policy", "never.yaml"]);
    expect(replayed.stdout).toContain("1 undecidable");
    expect(replayed.stdout).toContain("✗ 1 call recorded under this very policy, which decides otherwise.\n");
  });
});

/** The lines after the first of an export, its decisions `from` turned into `to` and every hash made anew. */
function forge(lines: readonly string[], from = "allow", to = "deny"): readonly string[] {
  let prev: string | undefined;
  return lines.map((line) => {
    if (!line.startsWith('{"hash"')) return line.replace(/"last":"\w+"/, `"last":"${prev ?? ""}"`);
    const { entry } = JSON.parse(line) as { entry: Record<string, unknown> };
    const turned = { ...entry, ...(prev && { prev }), ...(entry["decision"] === from && { decision: to }) };
    const text = canonical(turned);
    prev = sha256(text);
    return `{"hash":"${prev}","entry":${text}}`;
  });
}

describe("the log", () => {
  it("is that of the environment when none is named", async () => {
    const { code, stdout } = await replay(["--policy", "strict.yaml"], { env: { CAPFENCE_AUDIT_LOG: log } });
    expect(code).toBe(0);
    expect(stdout).toContain("4 calls");
  });
});

describe("a progress bar", () => {
  it("is drawn on a terminal, and leaves nothing behind", async () => {
    const { stderr } = await replay([log, "--policy", "strict.yaml"], { errorIsTTY: true, tick: 60 });
    expect(stderr).toMatch(/^(?:\rreplaying \[#*\.*\] +\d+ %)+\r {30,}\r$/);
  });

  it.each([
    ["nobody looks", { tick: 60 }],
    ["there is nothing to wait for", { errorIsTTY: true }],
  ])("is not drawn when %s", async (_, around) => {
    expect((await replay([log, "--policy", "strict.yaml"], around)).stderr).toBe("");
  });
});
