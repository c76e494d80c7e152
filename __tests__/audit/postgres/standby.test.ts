import { setTimeout as pause } from "node:timers/promises";

import { DynamicTool } from "@langchain/core/tools";
import { Client } from "pg";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";

import { AuditLog } from "../../../src/audit/log.ts";
import { migrate } from "../../../src/audit/postgres/schema.ts";
import { postgresTarget } from "../../../src/audit/postgres/target.ts";
import { readEntries } from "../../../src/audit/read.ts";
import { verifyLog } from "../../../src/audit/verify.ts";
import { AuditCorruptError, AuditUnavailableError } from "../../../src/errors.ts";
import { ActionRuntime, CapFenceTool, Policy } from "../../../src/index.ts";
import { Workplace } from "../../cli/captured-host.ts";
import { Proxy } from "../../postgres/proxy.ts";
import { PostgresServer } from "../../postgres/server.ts";
import { decision, writeSample } from "../sample-log.ts";
import { newPostgresLog } from "../stores.ts";

const unavailable =
  (text: string) =>
  (error: unknown): boolean =>
    AuditUnavailableError.isInstance(error) && error.message.includes(text);

const isCorrupt = (error: unknown): boolean => AuditCorruptError.isInstance(error);

const POLICY = Policy.parse("allow: [shell.execute]\nrequire_approval: [pay.send]");

/** Runs statements on a connection of their own; answers the last one's first value. */
async function ask(url: string, ...statements: readonly string[]): Promise<unknown> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    let answer: unknown;
    for (const statement of statements) {
      const { rows } = await client.query<Record<string, unknown>>(statement);
      answer = Object.values(rows[0] ?? {})[0];
    }
    return answer;
  } finally {
    await client.end();
  }
}

/** Asks again and again until the answer is yes. */
async function until(url: string, question: string): Promise<void> {
  while ((await ask(url, `SELECT (${question})`)) !== true) await pause(10);
}

/** Waits until a standby has what its primary has. */
async function caughtUp(primary: string, standby: string): Promise<void> {
  const end = String(await ask(primary, "SELECT pg_current_wal_lsn()"));
  await until(standby, `pg_last_wal_replay_lsn() >= '${end}'`);
}

/** The same log of the same database on another server. */
function at(server: string, location: string): string {
  const url = new URL(location);
  url.host = new URL(server).host;
  return url.href;
}

interface Pair {
  readonly primary: PostgresServer;
  readonly standby: PostgresServer;
}

/** A primary and a standby of it, `near`, which it waits for with every commit. */
async function pair(): Promise<Pair | undefined> {
  const primary = await PostgresServer.start({ fsync: false });
  if (primary === undefined) return undefined;
  afterAll(async () => await primary.remove());
  await migrate(postgresTarget(primary.url));
  // At once, not after 30 seconds, does what the primary has changed go before who reads.
  const standby = await primary.standby("near", { max_standby_streaming_delay: "0" });
  afterAll(async () => await standby.remove());
  await ask(primary.url, "ALTER SYSTEM SET synchronous_standby_names = 'near'", "SELECT pg_reload_conf()");
  await until(primary.url, "EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync')");
  return { primary, standby };
}

const servers = await pair();
// Looked at by the tests alone, which are skipped where there are none.
const { primary, standby } = servers ?? ({} as Pair);

describe.skipIf(servers === undefined)("a standby", () => {
  it("takes no append, of a log that is there or of a new one, and no tool runs", async () => {
    const location = newPostgresLog(primary.url);
    await (await writeSample(location)).close();
    await caughtUp(primary.url, standby.url);
    for (const auditLog of [at(standby.url, location), newPostgresLog(standby.url)]) {
      let runs = 0;
      await using runtime = ActionRuntime.fromPolicy(POLICY, { auditLog });
      const tool = new DynamicTool({ name: "run", description: "", func: async () => `${++runs}` });
      const gated = new CapFenceTool({ tool, runtime, agentId: "a", capability: "shell.execute" });
      await expect(gated.invoke("ls")).rejects.toSatisfy(unavailable("it is a standby"));
      const payment = { actor: "a", action: "send", resource: "pay" };
      await expect(runtime.execute(payment)).rejects.toSatisfy(unavailable("Name the primary"));
      expect(runs).toBe(0);
    }
    expect(await verifyLog(at(standby.url, location))).toMatchObject({ intact: true, entries: 4 });
    await expect(migrate(postgresTarget(standby.url))).resolves.toMatchObject({ from: 1 });
  });

  it.each(["read committed", "serializable"])(
    "shows what is in it, though transactions begin as %s",
    async (isolation) => {
      using place = new Workplace();
      const location = newPostgresLog(primary.url);
      const log = await writeSample(location);
      await caughtUp(primary.url, standby.url);
      const url = new URL(at(standby.url, location));
      url.searchParams.set("options", `-c default_transaction_isolation=${isolation.replace(" ", "\\ ")}`);
      const env = { CAPFENCE_AUDIT_LOG: url.href };
      await place.run(["keys", "generate"]);
      for (const argv of [
        ["verify"],
        ["approvals", "--all"],
        ["checkpoint", "--out", "kept"],
        ["stats", url.href],
        ["export", url.href],
        ["copy", url.href, place.path("copy.db")],
      ]) {
        expect(await place.run(argv, { env }), argv[0]).toMatchObject({ code: 0, stderr: "" });
      }
      expect((await place.run(["logs"], { env })).stdout).toContain("агент");
      expect((await place.run(["replay", "--policy", "-", url.href], { env, input: "allow: ['*']" })).code).not.toBe(1);
      expect(await verifyLog(place.path("copy.db"))).toMatchObject({ intact: true, entries: 4 });
      const followed = await place.run(["logs", "--follow"], {
        env,
        pauses: [
          () => {},
          async () => {
            await log.append(decision({ actor: "follower" }));
            await caughtUp(primary.url, standby.url);
          },
          () => {},
        ],
      });
      await log.close();
      expect(followed.stdout).toContain("follower");
    },
  );

  it("that has to go on with what its primary changed says so to who reads meanwhile", async () => {
    const location = newPostgresLog(primary.url);
    await (await writeSample(location)).close();
    await caughtUp(primary.url, standby.url);
    const reading = readEntries(at(standby.url, location))[Symbol.asyncIterator]();
    await reading.next();
    await ask(primary.url, "BEGIN", "LOCK TABLE capfence.entries", "COMMIT");
    await caughtUp(primary.url, standby.url);
    const rest = async (): Promise<void> => {
      while ((await reading.next()).done !== true);
    };
    await expect(rest()).rejects.toSatisfy(
      unavailable(
        "the standby ended this reading because of what its primary changed. Raise max_standby_streaming_delay there, or read the primary",
      ),
    );
  });
});

/** Answers the actors of a log's decisions, in order, of a log that is intact. */
async function actors(location: string): Promise<readonly string[]> {
  expect(await verifyLog(location)).toMatchObject({ intact: true, problems: [] });
  const found: string[] = [];
  for await (const { entry } of readEntries(location)) if (entry.kind === "decision") found.push(entry.actor);
  return found;
}

/** Appends by several callers until one is refused, and `meanwhile` is over; answers the actors that were acknowledged. */
async function appendUntilRefused(
  log: AuditLog,
  meanwhile: (acknowledged: readonly string[]) => Promise<void>,
): Promise<readonly string[]> {
  const acknowledged: string[] = [];
  const caller = async (name: string): Promise<void> => {
    for (let n = 0; ; n += 1) {
      try {
        await log.append(decision({ actor: `${name} ${n}` }));
      } catch (error) {
        expect(error).toSatisfy(unavailable(""));
        return;
      }
      acknowledged.push(`${name} ${n}`);
    }
  };
  await Promise.all([...["a", "b", "c", "d"].map(caller), meanwhile(acknowledged)]);
  return acknowledged;
}

describe.skipIf(servers === undefined)("a standby that commits wait for", () => {
  it("and that is gone lets nothing run; what was open is settled when it is back", async () => {
    const location = newPostgresLog(primary.url);
    // Whoever connects so would not wait for any standby.
    const url = `${location}&options=-c%20synchronous_commit=local`;
    const log = new AuditLog({ url, answerTimeoutMs: 300, resolveTimeoutMs: 300 });
    await log.append(decision({ actor: "a" }));
    await standby.stop();
    await expect(log.append(decision({ actor: "b" }))).rejects.toSatisfy(unavailable("could not be found out"));
    await expect(log.append(decision({ actor: "c" }))).rejects.toSatisfy(unavailable(""));
    await standby.start();
    await until(primary.url, "EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync')");
    await log.append(decision({ actor: "d" }));
    await log.close();
    // The primary had written it when the standby was gone.
    expect(await actors(location)).toEqual(["a", "b", "d"]);
  });

  it.each([
    ["somebody cancels the wait for it", ""],
    ["that was not to be said in such a session", "&options=-c%20client_min_messages=error"],
  ])("has what is acknowledged, though %s", async (_what, options) => {
    const location = newPostgresLog(primary.url);
    const url = `${location}${options}`;
    const log = new AuditLog({ url, answerTimeoutMs: 500, resolveTimeoutMs: 300 });
    await log.append(decision({ actor: "a" }));
    const approving = ActionRuntime.fromPolicy(POLICY, {
      auditLog: { url: `${url}&application_name=other`, answerTimeoutMs: 500, resolveTimeoutMs: 300 },
    });
    const payment = { actor: "p", action: "send", resource: "pay" };
    await standby.stop();
    for (const work of [
      async () => await log.append(decision({ actor: "b" })),
      async () => await approving.execute(payment),
    ]) {
      const refused = expect(work()).rejects.toSatisfy(unavailable("could not be found out"));
      const waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
      await until(primary.url, `EXISTS (${waiting})`);
      await ask(primary.url, `SELECT pg_cancel_backend(pid) FROM (${waiting}) AS backend`);
      await refused;
    }
    await standby.start();
    await until(primary.url, "EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync')");
    await log.append(decision({ actor: "c" }));
    await log.close();
    await approving.close();
    expect((await actors(location)).filter((actor) => actor !== "p")).toEqual(["a", "b", "c"]);
  });

  it("has all that was acknowledged when the primary is lost; one that they don't wait for has not, which shows", async () => {
    using place = new Workplace();
    const line = await Proxy.open(primary.url);
    const far = await primary.standby("far", { synchronous_standby_names: "" }, line.url);
    const [location, other] = [newPostgresLog(primary.url), newPostgresLog(primary.url)];
    const [address, otherAddress] = [await Proxy.open(location), await Proxy.open(other)];
    onTestFinished(async () => {
      await far.remove();
      for (const { proxy } of [line, address, otherAddress]) await proxy.close();
    });
    const [log, otherLog] = [address, otherAddress].map(({ url }) => new AuditLog({ url, resolveTimeoutMs: 100 }));
    if (log === undefined || otherLog === undefined) return;
    await log.append(decision({ actor: "first" }));
    await otherLog.append(decision({ actor: "first" }));
    await caughtUp(primary.url, standby.url);
    await caughtUp(primary.url, far.url);
    const early = [at(standby.url, location), at(far.url, other)].map((url) => new AuditLog(url));
    for (const each of early) await expect(each.append(decision())).rejects.toSatisfy(unavailable("standby"));

    line.proxy.isBlocked = true;
    line.proxy.cut();
    await otherLog.append(decision({ actor: "lost" }));
    const { stdout: vkey } = await place.run(["keys", "generate"]);
    const env = { CAPFENCE_AUDIT_LOG: other };
    expect(await place.run(["checkpoint", "--out", "kept"], { env })).toMatchObject({ code: 0 });
    const acknowledged = await appendUntilRefused(log, async (soFar) => {
      while (soFar.length < 50) await pause(1);
      await primary.kill();
    });

    for (const [server, { proxy }] of [
      [standby, address],
      [far, otherAddress],
    ] as const) {
      expect(await ask(server.url, "SELECT pg_promote()")).toBe(true);
      proxy.leadTo(server.url);
    }
    // Neither a process that was there before nor one that found a standby need be started again.
    await log.append(decision({ actor: "last" }));
    await early[0]?.append(decision({ actor: "on the new primary" }));
    const stored = await actors(at(standby.url, location));
    expect(new Set(stored).size).toBe(stored.length);
    expect(stored).toEqual(expect.arrayContaining([...acknowledged, "first", "last", "on the new primary"]));

    await expect(otherLog.append(decision({ actor: "last" }))).rejects.toSatisfy(isCorrupt);
    await early[1]?.append(decision({ actor: "on the new primary" }));
    await early[1]?.append(decision({ actor: "on the new primary" }));
    expect(await actors(at(far.url, other))).toEqual(["first", "on the new primary", "on the new primary"]);
    const anchored = ["verify", "--audit-log", at(far.url, other), "--checkpoint", "kept", "--vkey", vkey.trim()];
    expect(await place.run(anchored)).toMatchObject({ code: 3 });
    for (const each of [log, otherLog, ...early]) await each.close().catch(() => {});
  });
});
