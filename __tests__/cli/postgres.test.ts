import { writeFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { copyLog } from "../../src/audit/copy.ts";
import { PreparedEntry, type EntryContent } from "../../src/audit/format/entry.ts";
import { readEntries } from "../../src/audit/read.ts";
import { ActionRuntime, Policy } from "../../src/index.ts";
import { decision, writeSample } from "../audit/sample-log.ts";
import { logDatabase, nameOf, newPostgresLog, sql } from "../audit/stores.ts";
import { Workplace, type Captured } from "./captured-host.ts";

const database = await logDatabase();

/** A log of a call that waits for a person and one that was denied; answers the requests' ids. */
async function requested(auditLog: string): Promise<readonly (string | undefined)[]> {
  await using runtime = ActionRuntime.fromPolicy(Policy.parse("require_approval: [pay.send]"), { auditLog });
  const calls = [
    { actor: "a", action: "send", resource: "pay", payload: { amount: 1 } },
    { actor: "b", action: "take", resource: "pay" },
  ];
  const ids = [];
  for (const call of calls) ids.push((await runtime.execute(call)).approvalId);
  return ids;
}

/** The numbers of a log's decisions, and the kinds of all its entries. */
async function decisionsOf(
  log: string,
): Promise<{ readonly decisions: readonly number[]; readonly kinds: readonly string[] }> {
  const decisions: number[] = [];
  const kinds: string[] = [];
  for await (const { seq, entry } of readEntries(log)) {
    kinds.push(entry.kind);
    if (entry.kind === "decision") decisions.push(seq);
  }
  return { decisions, kinds };
}

/** What the log's first decision says, without what every entry has. */
async function decisionIn(log: string): Promise<object> {
  for await (const { entry } of readEntries(log)) {
    if (entry.kind !== "decision") continue;
    const { v: _v, log: _log, seq: _seq, prev: _prev, ts: _ts, ...content } = entry;
    return content;
  }
  throw new Error("no decision");
}

describe.skipIf(database === undefined)("the command line, of a log in PostgreSQL", () => {
  it("shows, verifies and anchors it, named by the option or by the environment", async () => {
    using place = new Workplace();
    const location = newPostgresLog(database);
    await (await writeSample(location)).close();
    const env = { CAPFENCE_AUDIT_LOG: location };
    expect((await place.run(["logs"], { env })).stdout).toContain("агент");
    expect((await place.run(["verify", "--audit-log", location])).stdout).toContain("4 entries verified");
    const { stdout: vkey } = await place.run(["keys", "generate"]);
    const checkpoint = ["checkpoint", "--out", "kept"];
    expect(await place.run(checkpoint, { env })).toEqual({ code: 0, stdout: "", stderr: "" });
    const anchored = ["verify", "--checkpoint", "kept", "--vkey", vkey.trim()];
    expect((await place.run(anchored, { env })).stdout).toContain("Anchored to entry 4");
    await sql("DELETE FROM capfence.entries WHERE seq = 4 AND log = (SELECT id FROM capfence.logs WHERE name = $1)", [
      nameOf(location),
    ]);
    expect(await place.run(["verify"], { env })).toMatchObject({ code: 0 });
    expect(await place.run(anchored, { env })).toMatchObject({ code: 3 });
    expect(await place.run(checkpoint, { env })).toMatchObject({ code: 3 });
  });

  it("shows decisions whose members an appender made of anything", { timeout: 60_000 }, async () => {
    using place = new Workplace();
    const location = newPostgresLog(database);
    const log = await writeSample(location);
    const members = ["actor", "capability", "resource", "decision", "reason", "environment", "rule", "event", "policy"];
    for (const member of members) {
      const entry = { ...(await decisionIn(location)), [member]: { toString: 1, valueOf: [] } };
      await log.append(new PreparedEntry(entry as unknown as EntryContent));
    }
    await log.close();
    writeFileSync(place.path("policy.yaml"), "deny: [shell.execute]\n");
    const trace = members.map((_member, index) => ["trace", String(index + 5), "--policy", "policy.yaml"]);
    for (const argv of [["logs"], ["stats"], ["export", location], ["verify"], ...trace]) {
      const { stdout, stderr } = await place.run(argv, { env: { CAPFENCE_AUDIT_LOG: location } });
      expect({ argv, stderr }).toEqual({ argv, stderr: expect.not.stringContaining("unexpected") as string });
      expect(stdout).not.toBe("");
    }
  });

  it("does with it what it does with the same log in a file", async () => {
    using place = new Workplace();
    const [path, location] = [place.path("audit.db"), newPostgresLog(database)];
    // Now, or the request would be over.
    const now = new Date().toISOString();
    const [waits] = await requested(path);
    await copyLog(path, location);
    const { decisions } = await decisionsOf(path);
    writeFileSync(place.path("strict.yaml"), "deny: [pay]\n");
    writeFileSync(place.path("mild.yaml"), "allow: [pay]\n");
    const commands = [
      ["logs"],
      ["logs", "--json", "--decision", "require_approval"],
      ["verify", "--json"],
      ["approvals", "--all"],
      ["trace", String(decisions[0])],
      ["policy", "diff", "strict.yaml", "mild.yaml"],
      ["export", "LOG"],
      ["stats", "LOG"],
      ["replay", "--policy", "mild.yaml", "LOG"],
      ["approve", waits ?? "", "--yes", "--by", "alice"],
      ["grant", "--agent", "a", "--capability", "pay.send", "--expires", "1h", "--uses", "2", "--by", "alice"],
    ];
    for (const argv of commands) {
      const on = async (log: string): Promise<Captured> =>
        await place.run(
          argv.includes("LOG") ? argv.map((each) => (each === "LOG" ? log : each)) : [...argv, "--audit-log", log],
          { now },
        );
      const [ofFile, ofDatabase] = [await on(path), await on(location)];
      expect(ofFile.code, ofFile.stderr).not.toBe(2);
      expect(ofDatabase.code, ofDatabase.stderr).toBe(ofFile.code);
      // A grant's id is random.
      if (argv[0] !== "grant") expect(ofDatabase.stdout, argv.join(" ")).toBe(ofFile.stdout);
    }
    const kinds = await Promise.all([path, location].map(async (log) => (await decisionsOf(log)).kinds));
    expect(kinds[0]?.slice(-2)).toEqual(["approval", "grant"]);
    expect(kinds[1]).toEqual(kinds[0]);
  });

  it("follows it", async () => {
    using place = new Workplace();
    const location = newPostgresLog(database);
    const log = await writeSample(location);
    const { stdout, code } = await place.run(["logs", "--follow", "--limit", "1", "--audit-log", location], {
      pauses: [() => {}, async () => await log.append(decision({ actor: "follower" })), () => {}, () => {}],
    });
    await log.close();
    expect(code).toBe(0);
    expect(stdout).toContain("follower");
  });

  it("says of a log or a database that is not there what to do", async () => {
    using place = new Workplace();
    const none = await place.run(["verify", "--audit-log", newPostgresLog(database)]);
    expect(none).toMatchObject({ code: 1, stdout: "" });
    expect(none.stderr).toContain("there is no such log");
    expect(await place.run(["migrate", "--audit-log", database ?? ""])).toEqual({
      code: 0,
      stdout: "The schema capfence is already at version 1.\n",
      stderr: "",
    });
    expect(await place.run(["migrate"])).toMatchObject({ code: 2, stdout: "" });
    const wrong = await place.run(["verify", "--audit-log", "postgres://ann:hunter2@db:port/x"]);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).not.toContain("hunter2");
  });
});
