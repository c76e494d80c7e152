/** Entries whose hashes are right and whose members are not: somebody made the chain anew. */

import { writeFileSync } from "node:fs";

import { afterAll, beforeAll, expect, it } from "vitest";

import { canonical, PreparedEntry, sha256 } from "../../src/audit/format/entry.ts";
import { nodeFiles } from "../../src/audit/file/files.ts";
import { appending } from "../../src/audit/appending/proposal.ts";
import { LogWriter } from "../../src/audit/file/writer.ts";
import { Policy } from "../../src/policy/policy.ts";
import { Workplace } from "../cli/captured-host.ts";
import { Records } from "./recorded-logs.ts";

const place = new Workplace();
const records = new Records();
afterAll(() => {
  place[Symbol.dispose]();
  records[Symbol.dispose]();
});

const VALUES = [null, 5, "x", "__proto__", [], { a: null }];
const FRAME = ["log", "seq", "prev", "ts", "v", "kind"];
const SELDOM = ["cut", "contextCut", "scope", "risk", "requireApproval", "enforced", "problem", "approval"];

let first = "";
let entries: readonly Record<string, unknown>[] = [];
let members: readonly string[] = [];

beforeAll(async () => {
  writeFileSync(place.path("policy.yaml"), "deny: [{ capability: shell, tenant: b }]\nallow: [shell]\n");
  const call = { payload: { command: "ls", token: "t" }, sessionId: "s", context: { tenant: "a" } };
  const log = await records.write(Policy.load(place.path("policy.yaml")), [call, {}], { audit: { redact: ["token"] } });
  const lines = (await place.run(["export", log])).stdout.split("\n").slice(0, -2);
  [first = ""] = lines;
  entries = lines.slice(1).map((line) => (JSON.parse(line) as { entry: Record<string, unknown> }).entry);
  members = [...Object.keys(entries[1] ?? {}), ...SELDOM].filter((name) => !FRAME.includes(name));
});

/** The export with another value in its first decision, all its hashes made anew. */
function forgedExport(member: string, value: unknown): string {
  let prev: string | undefined;
  const lines = entries.map((entry, index) => {
    const text = canonical({ ...entry, ...(prev && { prev }), ...(index === 1 && { [member]: value }) });
    prev = sha256(text);
    return `{"hash":"${prev}","entry":${text}}`;
  });
  return [first, ...lines, `{"capfence_export_end":{"entries":${entries.length},"last":"${prev ?? ""}"}}`].join("\n");
}

it("are replayed or refused, whatever stands in a member", async () => {
  expect(members.length).toBeGreaterThan(20);
  for (const member of members) {
    for (const value of VALUES) {
      writeFileSync(place.path("forged.jsonl"), forgedExport(member, value));
      const argv = ["replay", "forged.jsonl", "--policy", "policy.yaml", "--capability", "shell", "--json"];
      const { code, stdout, stderr } = await place.run(argv);
      expect({ member, value, code, stderr }).toMatchObject({
        code: expect.toSatisfy((each: number) => each === 0 || each === 3),
        stderr: expect.not.stringContaining("unexpected"),
      });
      expect(() => JSON.parse(stdout) as unknown).not.toThrow();
    }
  }
});

it("are not taken for decided when they say no decision", async () => {
  writeFileSync(place.path("forged.jsonl"), forgedExport("decision", "Deny"));
  const { stdout } = await place.run(["replay", "forged.jsonl", "--policy", "policy.yaml"]);
  expect(stdout).toContain("  1 call: what is recorded is no call (entry 1)\n");
});

it("about approvals are listed as what they are", async () => {
  const log = place.path("approvals.db");
  const writer = await LogWriter.open(log, { files: nodeFiles, now: Date.now });
  const text = { id: "FORO-ZERA", actor: "a", by: "b", note: "n", expires: "2026-01-01T00:00:00.000Z" };
  const full = {
    ...text,
    capability: "shell.execute",
    environment: "production",
    attempt: "x",
    problem: "y",
    user: "u",
  };
  const nested = { toString: 1, valueOf: 1 };
  for (const status of ["requested", "approved", "refused", "granted", "revoked", 5]) {
    for (const member of Object.keys(full)) {
      for (const value of [null, 5, [nested], nested]) {
        const kind = status === "granted" || status === "revoked" ? "grant" : "approval";
        const forged = { kind, status, ...full, [member]: value } as unknown as ConstructorParameters<
          typeof PreparedEntry
        >[0];
        await writer.propose(appending(new PreparedEntry(forged)));
      }
    }
  }
  await writer.close();
  for (const argv of [["approvals"], ["approvals", "--all"], ["approvals", "--all", "--json"], ["logs"]]) {
    const { code, stderr } = await place.run([...argv, "--audit-log", log]);
    expect({ argv, code, stderr }).toEqual({ argv, code: 0, stderr: expect.not.stringContaining("unexpected") });
  }
  for (const argv of [
    ["stats", log],
    ["export", log],
    ["export", "--format", "csv", log],
  ]) {
    const { stderr } = await place.run(argv);
    expect({ argv, stderr }).toEqual({ argv, stderr: expect.not.stringContaining("unexpected") });
  }
});

it("are traced, counted and exported as what they are", async () => {
  const content = Object.fromEntries(Object.entries(entries[1] ?? {}).filter(([name]) => !FRAME.includes(name)));
  const log = place.path("forged.db");
  const writer = await LogWriter.open(log, { files: nodeFiles, now: Date.now });
  let count = 0;
  for (const member of ["actor", "decision", "rule", "capability", "policy", "session", "reason", "event"]) {
    // What can be put in the columns of a database.
    for (const value of member === "rule" || member === "session" ? [null, 5, "x"] : [5, "x"]) {
      const forged = { kind: "decision", ...content, [member]: value } as unknown as ConstructorParameters<
        typeof PreparedEntry
      >[0];
      await writer.propose(appending(new PreparedEntry(forged)));
      count += 1;
    }
  }
  await writer.close();
  for (let seq = 1; seq <= count; seq += 1) {
    const { stdout, stderr } = await place.run(["trace", String(seq), "--audit-log", log, "--policy", "policy.yaml"]);
    expect({ seq, stderr, isShown: stdout.startsWith("entry ") }).toEqual({ seq, stderr: "", isShown: true });
  }
  for (const argv of [["stats"], ["stats", "--json"], ["export"], ["export", "--format", "csv"]]) {
    const { stderr, stdout } = await place.run([...argv, log]);
    // That a column is not of the type that the text says is found, too.
    expect({ argv, stderr }).toEqual({ argv, stderr: expect.not.stringContaining("unexpected") });
    expect(stdout).not.toBe("");
  }
});
