/** Entries that are nested more deeply than JSON.stringify can go: somebody made the chain anew. */

import { writeFileSync } from "node:fs";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { Workplace } from "../cli/captured-host.ts";
import { sampleFiles } from "../audit/sample-log.ts";
import { line, sha256 } from "../audit/tampering.ts";

const place = new Workplace();
afterAll(() => place[Symbol.dispose]());

const LEVELS = 6_000;
const LIST = `${"[".repeat(LEVELS)}${"]".repeat(LEVELS)}`;
const OBJECT = `${'{"a":'.repeat(LEVELS)}1${"}".repeat(LEVELS)}`;

/** The members of an entry, each as JSON text. */
type Members = Readonly<Record<string, string>>;

const { genesis, tail } = await sampleFiles();
const lines = tail.toString("utf8").split("\n").slice(0, -1);
const bodies = lines.map((each) => each.slice(65));
const first = membersOf(bodies[1] ?? "");
const outcome = { ...membersOf(bodies[2] ?? ""), of: "1" };
const { actor = "", capability = "", environment = "", policy = "" } = first;
const asked = { kind: '"approval"', status: '"requested"', id: '"FORO-ZERA"', actor, capability, environment, policy };
const answered = { kind: '"approval"', status: '"approved"', id: '"FORO-ZERA"', of: "5", request: '"x"', user: '"u"' };
const granted = { kind: '"grant"', status: '"granted"', id: '"FORO-ZERB"', actor, capability, environment };
const sealed = { kind: '"segment"', first: "0", last: "3", head: '"x"', digest: '"y"' };
const rule = { id: '"r"', section: '"allow"', index: "0", file: '"p.yaml"', line: "1" };

function membersOf(body: string): Members {
  const members = Object.entries(JSON.parse(body) as object);
  return Object.fromEntries(members.map(([name, value]) => [name, JSON.stringify(value)]));
}

function textOf(members: Members): string {
  const names = Object.keys(members).toSorted();
  return `{${names.map((name) => `"${name}":${members[name] ?? ""}`).join(",")}}`;
}

/** Every entry that is made up, each with something deep in it, and a sound decision behind them. */
const ENTRIES: readonly Members[] = [
  ...Object.keys({ ...first, risk: 0, session: 0, approval: 0, problem: 0, redacted: 0, more: 0 })
    .filter((name) => !["v", "log", "seq", "prev", "ts", "kind", "authorized"].includes(name))
    .map((name) => ({ ...first, [name]: LIST })),
  ...["actor", "context", "payload"].map((name) => ({ ...first, [name]: OBJECT })),
  ...Object.keys(rule).map((name) => ({ ...first, rule: textOf({ ...rule, [name]: LIST }) })),
  { ...first, rule: textOf({ ...rule, more: LIST }) },
  ...["status", "ms", "output", "capability", "more"].map((name) => ({ ...outcome, [name]: LIST })),
  ...["id", "payload", "expires", "actor"].map((name) => ({ ...asked, [name]: LIST })),
  ...["by", "note"].map((name) => ({ ...answered, [name]: OBJECT })),
  ...["by", "expires", "uses"].map((name) => ({ ...granted, [name]: LIST })),
  ...["more", "head"].map((name) => ({ ...sealed, [name]: LIST })),
  first,
];

beforeAll(() => {
  const made = [...lines];
  for (const [index, entry] of ENTRIES.entries()) {
    const prev = JSON.stringify((made.at(-1) ?? "").slice(0, 64));
    const { v = "", log = "", ts = "" } = first;
    const body = textOf({ ts, ...entry, v, log, prev, seq: String(lines.length + index) });
    made.push(line({ hash: sha256(body), body }).trimEnd());
  }
  writeFileSync(place.path("audit.db"), genesis);
  writeFileSync(place.path("audit.db-tail"), `${made.join("\n")}\n`);
  writeFileSync(place.path("policy.yaml"), "allow: ['*']\n");
});

const LAST = String(lines.length + ENTRIES.length - 1);
const LOG = ["--audit-log", "audit.db"];

describe("a log in which something is nested too deeply is shown to its end by", () => {
  it.each([
    [["verify", "--json", ...LOG]],
    [["logs", "--json", "--limit", "100", ...LOG]],
    [["approvals", "--all", "--json", ...LOG]],
    [["stats", "--json", "audit.db"]],
    [["replay", "--json", "audit.db", "--policy", "policy.yaml"]],
    [["export", "audit.db"]],
    [["trace", LAST, "--json", ...LOG]],
  ])("%j, in JSON", async (argv) => {
    const { code, stdout, stderr } = await place.run(argv);
    // To the policy of the replay, some calls are newly allowed.
    expect({ code, stderr }).toEqual({ code: argv[0] === "replay" ? 3 : 0, stderr: "" });
    const read = stdout
      .split("\n")
      .slice(0, -1)
      .map((each) => JSON.parse(each) as { readonly seq?: number });
    if (argv[0] === "logs") expect(read.at(-1)).toHaveProperty("seq", Number(LAST));
    else expect(read).not.toEqual([]);
  });

  it.each([
    [["logs", "--limit", "100", ...LOG]],
    [["approvals", "--all", ...LOG]],
    [["stats", "audit.db"]],
    [["replay", "audit.db", "--policy", "policy.yaml"]],
    [["export", "--format", "csv", "audit.db"]],
  ])("%j", async (argv) => {
    const { code, stdout, stderr } = await place.run(argv);
    // To the policy of the replay, some calls are newly allowed.
    expect({ code, stderr }).toEqual({ code: argv[0] === "replay" ? 3 : 0, stderr: "" });
    expect(stdout).not.toBe("");
  });

  it("trace of a decision", async () => {
    for (const [index, entry] of ENTRIES.entries()) {
      if (entry["kind"] !== first["kind"] || index % 4 > 0) continue;
      const { stdout, stderr } = await place.run(["trace", String(lines.length + index), ...LOG]);
      expect({ index, stderr, isShown: stdout.startsWith("entry ") }).toEqual({ index, stderr: "", isShown: true });
    }
  });
});

it("what is nested too deeply is shown down to the hundredth level", async () => {
  const deepest = ENTRIES.findIndex(({ context }) => context === OBJECT);
  const { stdout } = await place.run(["trace", String(lines.length + deepest), ...LOG]);
  expect(stdout).toMatch(/"a": \{\n +"a": … \(more than 100 levels\)\n/);
});

it("an export's last line may say anything", async () => {
  writeFileSync(
    place.path("export.jsonl"),
    `{"capfence_export":1}\n{"capfence_export_end":{"entries":${LIST},"last":""}}\n`,
  );
  const { code, stderr } = await place.run(["replay", "export.jsonl", "--policy", "policy.yaml"]);
  expect({ code, stderr }).toEqual({
    code: 3,
    stderr: expect.stringContaining("export.jsonl:2: it says that there are no number of entries"),
  });
});
