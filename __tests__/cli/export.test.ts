import { readFileSync, writeFileSync } from "node:fs";

import { afterAll, describe, expect, it } from "vitest";

import { Policy } from "../../src/policy/policy.ts";
import { ActionRuntime } from "../../src/runtime/runtime.ts";
import { Records } from "../replay/recorded-logs.ts";
import { Workplace } from "./captured-host.ts";

const place = new Workplace();
const records = new Records();
afterAll(() => {
  place[Symbol.dispose]();
  records[Symbol.dispose]();
});

const POLICY = Policy.parse("allow: [shell]\n", { source: "policy.yaml" });

/** The cells of CSV, by RFC 4180. */
function parseCsv(text: string): readonly (readonly string[])[] {
  return text
    .split("\r\n")
    .slice(0, -1)
    .map((line) =>
      [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g)].map(
        ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? "",
      ),
    );
}

describe("CSV", () => {
  it("has a line for each entry, and a column for what people sort by", async () => {
    const log = await records.write(POLICY, [
      { payload: { command: "ls" }, context: { tenant: "a" }, sessionId: "s", ms: 2 },
    ]);
    const { code, stdout } = await place.run(["export", log, "--format", "csv"]);
    expect(code).toBe(0);
    const [header = [], genesis = [], decision = [], outcome = []] = parseCsv(stdout);
    const cells = (row: readonly string[]) => Object.fromEntries(header.map((name, at) => [name, row[at]]));
    expect(cells(genesis)).toMatchObject({ seq: "0", kind: "genesis", agent_id: "", payload: "" });
    expect(cells(decision)).toMatchObject({
      seq: "1",
      time: "2026-01-15T10:00:00.000Z",
      kind: "decision",
      agent_id: "ann",
      capability: "shell.execute",
      environment: "production",
      decision: "allow",
      reason: "policy_allow",
      rule: "allow[0]",
      rule_file: "policy.yaml",
      rule_line: "1",
      authorized: "true",
      enforced: "true",
      policy: POLICY.digest,
      session: "s",
      context: '{"tenant":"a"}',
      payload: '{"command":"ls"}',
    });
    expect(cells(outcome)).toMatchObject({ kind: "outcome", decision_seq: "1", outcome: "finished", ms: "2" });
    expect(cells(outcome)["event"]).toBe(cells(decision)["event"]);
  });

  it("says what people answered, and never as a formula", async () => {
    const path = records.path("answered.db");
    const runtime = ActionRuntime.fromPolicy(Policy.parse("require_approval: [shell]\n"), { auditLog: path });
    const { approvalId = "" } = await runtime.execute({ actor: "ann", action: "execute", resource: "shell" });
    await runtime.approvals.reject(approvalId, { by: "eve", note: "=1+1" });
    await runtime.close();
    const [header = [], , asking = [], requested = [], rejected = []] = parseCsv(
      (await place.run(["export", path, "--format", "csv"])).stdout,
    );
    const cells = (row: readonly string[]) => Object.fromEntries(header.map((name, at) => [name, row[at]]));
    expect(cells(asking)).toMatchObject({ decision: "require_approval", approval: approvalId, answer: "" });
    expect(cells(requested)).toMatchObject({ kind: "approval", approval: approvalId, answer: "requested", by: "" });
    expect(cells(rejected)).toMatchObject({ approval: approvalId, answer: "rejected", by: "eve", note: "'=1+1" });
  });

  it.each([
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "=cmd|'/c calc'!A0",
    "\t=1",
    " =1",
    "\r=1",
    "\n=1",
    "＝1",
    "＋1",
    "－1",
    "＠x",
    '="a";"b"',
  ])("never holds the formula %j", async (actor) => {
    const log = await records.write(POLICY, [{ actor }]);
    const { stdout } = await place.run(["export", log, "--format", "csv"]);
    const row = parseCsv(stdout)[2] ?? [];
    expect(row).toHaveLength(26);
    const cell = row[3] ?? "";
    expect(cell).not.toMatch(/^\s*[=+\-@＝＋－＠]/);
    expect(cell.startsWith("'")).toBe(true);
  });

  it("keeps a cell a cell, on one line, and shows what can't be seen", async () => {
    const log = await records.write(POLICY, [{ actor: 'a","b', payload: { text: "x\r\ny\u202e\u001b" } }]);
    const { stdout } = await place.run(["export", log, "--format", "csv"]);
    const rows = parseCsv(stdout);
    expect(rows).toHaveLength(3);
    expect(rows[2]?.[3]).toBe('a","b');
    expect(rows[2]?.[24]).toBe(String.raw`{"text":"x\r\ny\u{202e}\u001b"}`);
  });
});

describe("exit codes", () => {
  it("are 2 for a format there is none of, and 1 without a log, of which nothing is printed", async () => {
    expect(await place.run(["export", "none.db"])).toMatchObject({ code: 1, stdout: "" });
    expect((await place.run(["export", "none.db", "--format", "xml"])).code).toBe(2);
  });

  it.each(["jsonl", "csv"])(
    "are 3 for a broken chain, and then %s has no end that says it is whole",
    async (format) => {
      const log = await records.write(POLICY, [{ payload: { command: "ls" } }]);
      const bytes = readFileSync(log);
      bytes[bytes.indexOf('"ls"') + 1] = 0x58;
      writeFileSync(log, bytes);
      const { code, stdout, stderr } = await place.run(["export", log, "--format", format]);
      expect(code).toBe(3);
      expect(stdout).not.toContain("capfence_export_end");
      expect(stderr).toMatch(/^capfence: audit chain broken at entry 1: .* What was printed is no evidence\n$/);
    },
  );
});

it("draws its bar only where it does not spoil what is printed", async () => {
  const log = await records.write(POLICY, [{}]);
  const around = { errorIsTTY: true, tick: 200 };
  expect((await place.run(["export", log], around)).stderr).toContain("exporting [");
  expect((await place.run(["export", log], { ...around, isTTY: true })).stderr).toBe("");
});
