/** A record is replayed alike wherever it lies: in one file, in sealed parts, in PostgreSQL, in an export. */

import { readdirSync, renameSync, writeFileSync } from "node:fs";

import { afterAll, describe, expect, it } from "vitest";

import { Policy } from "../../src/policy/policy.ts";
import { ActionRuntime } from "../../src/runtime/runtime.ts";
import { logDatabase, newPostgresLog } from "../audit/stores.ts";
import { Workplace } from "../cli/captured-host.ts";
import { appendSealing } from "../cli/recorded-calls.ts";
import { changes, Records, replayAll } from "./recorded-logs.ts";

const database = await logDatabase();

const records = new Records();
const place = new Workplace();
afterAll(() => {
  records[Symbol.dispose]();
  place[Symbol.dispose]();
});

const CLOSED = Policy.parse("deny: ['*']\n");

describe("a log in sealed parts", () => {
  it("is replayed with the numbers that its entries have, with and without the oldest part", async () => {
    const log = records.path("sealed.db");
    await appendSealing(log, ["a", "b", "c", "d"]);
    await appendSealing(log, ["e", "f", "g"]);
    const all = await replayAll(log, CLOSED);
    expect(all.calls.map(({ actor }) => actor)).toEqual(["a", "b", "c", "d", "e", "f", "g"]);
    const numbers = all.calls.map(({ name }) => Number(name.replace("entry ", "")));
    // An entry of its own tells that a part was sealed.
    expect(numbers).toEqual(numbers.toSorted((left, right) => left - right));
    expect(new Set(numbers).size).toBe(7);
    expect((await replayAll(log, CLOSED, { agent: "f" })).calls.map(({ name }) => name)).toEqual([
      `entry ${numbers[5]}`,
    ]);
    const [oldest = ""] = readdirSync(records.directory).filter((name) => /^sealed\.db\.\w+\.\d+$/.test(name));
    renameSync(records.path(oldest), records.path("elsewhere"));
    const rest = await replayAll(log, CLOSED);
    const { from = 0 } = rest.end.verified ?? {};
    expect(from).toBeGreaterThan(1);
    expect(rest.calls.map(({ name }) => name)).toEqual(
      numbers.filter((seq) => seq >= from).map((seq) => `entry ${seq}`),
    );
  });
});

describe.skipIf(database === undefined)("a log in PostgreSQL", () => {
  it("is traced, counted, exported and replayed like one in a file", async () => {
    writeFileSync(place.path("open.yaml"), "allow: [shell]\n");
    writeFileSync(
      place.path("closed.yaml"),
      "deny: [{ capability: shell, contains: rm, id: no-rm }]\nallow: [shell]\n",
    );
    const location = newPostgresLog(database);
    const runtime = ActionRuntime.fromPolicy(place.path("closed.yaml"), { auditLog: location });
    const call = { actor: "ann", action: "execute", resource: "shell", environment: "production" };
    await runtime.execute({ ...call, payload: { command: "ls" } });
    await runtime.execute({ ...call, payload: { command: "rm x" } });
    await runtime.close();
    const env = { CAPFENCE_AUDIT_LOG: location };
    const replayed = await place.run(["replay", "--policy", "open.yaml", "--json"], { env });
    expect(replayed).toMatchObject({ code: 3, stderr: "" });
    expect(JSON.parse(replayed.stdout)).toMatchObject({ calls: 2, newlyAllowed: 1, verified: { intact: true } });
    expect((await place.run(["trace", "2"], { env })).stdout).toContain("deny (policy_deny), by no-rm at ");
    expect((await place.run(["stats"], { env })).stdout).toMatch(/^2 decisions, /);
    const { stdout: lines } = await place.run(["export"], { env });
    writeFileSync(place.path("log.jsonl"), lines);
    const again = await place.run(["replay", "log.jsonl", "--policy", "open.yaml", "--json"]);
    expect(JSON.parse(again.stdout)).toEqual(JSON.parse(replayed.stdout));
    expect(changes((await replayAll(location, Policy.load(place.path("closed.yaml")))).calls)).toEqual([
      "entry 1 none allow→allow",
      "entry 2 none deny→deny",
    ]);
  });
});
