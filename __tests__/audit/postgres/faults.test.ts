import { Client, Pool } from "pg";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";

import { AuditLog } from "../../../src/audit/log.ts";
import { migrate } from "../../../src/audit/postgres/schema.ts";
import { postgresTarget, type PostgresLocation } from "../../../src/audit/postgres/target.ts";
import { readEntries } from "../../../src/audit/read.ts";
import { verifyLog } from "../../../src/audit/verify.ts";
import { AuditCorruptError, AuditUnavailableError } from "../../../src/errors.ts";
import { ActionEvent, ActionRuntime, Policy } from "../../../src/index.ts";
import { Proxy } from "../../postgres/proxy.ts";
import { PostgresServer } from "../../postgres/server.ts";
import { decision } from "../sample-log.ts";
import { logDatabase, nameOf, newPostgresLog, sql } from "../stores.ts";

const database = await logDatabase();

const unavailable =
  (text: string) =>
  (error: unknown): boolean =>
    AuditUnavailableError.isInstance(error) && error.message.includes(text);

const isCorrupt = (error: unknown): boolean => AuditCorruptError.isInstance(error);

/** The actors of a log's decisions, in order. */
async function actors(location: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { entry } of readEntries(location)) if (entry.kind === "decision") found.push(entry.actor);
  expect(await verifyLog(location)).toMatchObject({ intact: true, problems: [] });
  return found;
}

/** A log that has one entry, of `a`, and is closed after the test. */
async function openLog(url: string, options: Partial<PostgresLocation> = {}): Promise<AuditLog> {
  const log = new AuditLog({ url, ...options });
  onTestFinished(async () => await log.close().catch(() => {}));
  await log.append(decision({ actor: "a" }));
  return log;
}

/** A log behind a proxy. */
async function behindProxy(
  options: Partial<PostgresLocation> = {},
): Promise<{ log: AuditLog; proxy: Proxy; direct: string }> {
  const direct = newPostgresLog(database);
  const { proxy: own, url } = await Proxy.open(direct);
  onTestFinished(async () => await own.close());
  return { log: await openLog(url, options), proxy: own, direct };
}

/** What happens to the server's table of entries, which every append writes to. */
async function disturb(body: string): Promise<void> {
  await sql(
    `CREATE OR REPLACE FUNCTION public.disturb() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body} RETURN new; END $$`,
  );
  await sql("CREATE TRIGGER disturb BEFORE INSERT ON capfence.entries FOR EACH ROW EXECUTE FUNCTION public.disturb()");
  onTestFinished(async () => void (await sql("DROP TRIGGER IF EXISTS disturb ON capfence.entries")));
}

describe.skipIf(database === undefined)("a connection that is lost", () => {
  it.each(["is lost", "is not answered"] as const)("while an append %s leaves it there once", async (fate) => {
    const { log, proxy: way, direct } = await behindProxy();
    way.next = fate;
    expect(await log.append(decision({ actor: "b" }))).toMatchObject({ seq: 2 });
    expect(await log.append(decision({ actor: "c" }))).toMatchObject({ seq: 3 });
    expect(await actors(direct)).toEqual(["a", "b", "c"]);
  });

  it("while an append is under way that arrives later than the next attempt leaves it there once", async () => {
    const { log, proxy: way, direct } = await behindProxy();
    way.next = "is late";
    expect(await log.append(decision({ actor: "b" }))).toMatchObject({ seq: 2 });
    way.release();
    expect(await log.append(decision({ actor: "c" }))).toMatchObject({ seq: 3 });
    await log.close();
    expect(await actors(direct)).toEqual(["a", "b", "c"]);
  });

  it("for good refuses what was to be appended, and what it left open is settled when there is one again", async () => {
    const { log, proxy: way, direct } = await behindProxy({ resolveTimeoutMs: 1 });
    way.next = "is not answered";
    way.isBlocked = true;
    await expect(log.append(decision({ actor: "b" }))).rejects.toSatisfy(unavailable("could not be found out"));
    await expect(log.append(decision({ actor: "b" }))).rejects.toSatisfy(unavailable(""));
    way.isBlocked = false;
    await log.append(decision({ actor: "c" }));
    expect(await actors(direct)).toEqual(["a", "b", "c"]);
  });

  it("between two appends is not noticed", async () => {
    const { log, proxy: way, direct } = await behindProxy();
    way.cut();
    expect(await log.append(decision({ actor: "b" }))).toMatchObject({ seq: 2 });
    expect(await actors(direct)).toEqual(["a", "b"]);
  });
});

const POLICY = Policy.parse("require_approval: [pay.send]");
const call = ActionEvent.create({ actor: "agent", action: "send", resource: "pay", payload: { amount: 1 } });

describe.skipIf(database === undefined)("a connection that is lost while an approval is used", () => {
  // The requests of one decision: BEGIN, the lock, what is open, the entries, COMMIT.
  it.each(
    [0, 1, 2, 3, 4].flatMap((after) => (["is lost", "is not answered"] as const).map((fate) => [after, fate] as const)),
  )("lets the call run once (after %i requests, one %s)", async (after, fate) => {
    const direct = newPostgresLog(database);
    const { proxy: way, url } = await Proxy.open(direct);
    onTestFinished(async () => await way.close());
    await using agent = ActionRuntime.fromPolicy(POLICY, { auditLog: url });
    await using person = ActionRuntime.fromPolicy(POLICY, { auditLog: direct });
    const { approvalId } = await agent.execute(call);
    await person.approvals.approve(approvalId ?? "", { by: "alice" });
    way.passing = after;
    way.next = fate;
    const verdicts = [];
    for (let attempt = 0; attempt < 3; attempt += 1) {
      // Refused, when it was certain that nothing was recorded; then the approval is still there.
      verdicts.push(await agent.execute(call).catch((error: unknown) => error));
    }
    expect(verdicts.filter((verdict) => (verdict as { authorized?: true }).authorized === true)).toHaveLength(1);
    const consumed = [];
    for await (const { entry } of readEntries(direct)) {
      if (entry.kind === "approval" && entry.status === "consumed") consumed.push(entry);
    }
    expect(consumed).toHaveLength(1);
    expect(await verifyLog(direct)).toMatchObject({ intact: true });
  });

  it("by many hosts at the same time, lets one of them run", async () => {
    const direct = newPostgresLog(database);
    const { proxy: way, url } = await Proxy.open(direct);
    onTestFinished(async () => await way.close());
    // Another URL is another writer, as another host would have one.
    await using one = ActionRuntime.fromPolicy(POLICY, { auditLog: url });
    await using other = ActionRuntime.fromPolicy(POLICY, { auditLog: direct });
    for (let round = 0; round < 5; round += 1) {
      const paid = ActionEvent.create({ actor: "agent", action: "send", resource: "pay", payload: { round } });
      const { approvalId } = await one.execute(paid);
      await other.approvals.approve(approvalId ?? "", { by: "alice" });
      const verdicts = await Promise.all(
        Array.from({ length: 20 }, async (_, n) => await (n % 2 === 0 ? one : other).execute(paid)),
      );
      expect(verdicts.filter(({ authorized }) => authorized)).toHaveLength(1);
    }
  });
});

describe.skipIf(database === undefined)("a server that", () => {
  it("has no more disk refuses an append, and takes the next when there is some", async () => {
    const location = newPostgresLog(database);
    const log = await openLog(location);
    await disturb("RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full';");
    await expect(log.append(decision({ actor: "b" }))).rejects.toSatisfy(unavailable("disk is full"));
    await sql("DROP TRIGGER disturb ON capfence.entries");
    expect(await log.append(decision({ actor: "c" }))).toMatchObject({ seq: 2 });
    expect(await actors(location)).toEqual(["a", "c"]);
  });

  it.each(["serialization_failure", "deadlock_detected"])("ends a transaction by a %s gets it again", async (code) => {
    const location = newPostgresLog(database);
    const log = await openLog(location);
    await sql("CREATE SEQUENCE IF NOT EXISTS public.attempts");
    await sql("ALTER SEQUENCE public.attempts RESTART");
    await sql("GRANT USAGE ON SEQUENCE public.attempts TO PUBLIC");
    await disturb(`IF nextval('public.attempts') < 3 THEN RAISE EXCEPTION 'again' USING ERRCODE = '${code}'; END IF;`);
    expect(await log.append(decision({ actor: "b" }))).toMatchObject({ seq: 2 });
    await sql("DROP TRIGGER disturb ON capfence.entries");
    await disturb(`RAISE EXCEPTION 'again' USING ERRCODE = '${code}';`);
    await expect(log.append(decision({ actor: "c" }))).rejects.toSatisfy(
      unavailable("another transaction stood in the way. Nothing was recorded; try again"),
    );
    expect(await actors(location)).toEqual(["a", "b"]);
  });

  it.each(["serializable", "repeatable read"])(
    "is set to transactions that are %s takes appends of many at once, and an approval is used once",
    async (level) => {
      const direct = newPostgresLog(database);
      const url = new URL(direct);
      url.searchParams.set("options", `-c default_transaction_isolation=${level.replace(" ", "\\ ")}`);
      await using one = ActionRuntime.fromPolicy(POLICY, { auditLog: url.href });
      await using other = ActionRuntime.fromPolicy(POLICY, { auditLog: `${url.href}&application_name=other` });
      const { approvalId } = await one.execute(call);
      await other.approvals.approve(approvalId ?? "", { by: "alice" });
      const verdicts = await Promise.all(
        Array.from({ length: 10 }, async (_, n) => await (n % 2 === 0 ? one : other).execute(call)),
      );
      expect(verdicts.filter(({ authorized }) => authorized)).toHaveLength(1);
      const denied = ActionEvent.create({ actor: "agent", action: "receive", resource: "pay" });
      const writers = [url.href, direct].map((each) => ActionRuntime.fromPolicy(POLICY, { auditLog: each }));
      await Promise.all(Array.from({ length: 20 }, async (_, n) => await writers[n % 2]?.execute(denied)));
      for (const writer of writers) await writer.close();
      expect(await verifyLog(url.href)).toMatchObject({ intact: true, problems: [] });
    },
  );

  it("is held up by another transaction refuses an append in time, and takes the next", async () => {
    const location = newPostgresLog(database);
    const log = await openLog(location, { answerTimeoutMs: 1_000 });
    const holder = new Client({ connectionString: database });
    await holder.connect();
    await holder.query("BEGIN");
    await holder.query("SELECT FROM capfence.logs WHERE name = $1 FOR UPDATE", [nameOf(location)]);
    await expect(log.append(decision({ actor: "b" }))).rejects.toSatisfy(unavailable("for too long"));
    await holder.end();
    await log.append(decision({ actor: "c" }));
    expect(await actors(location)).toEqual(["a", "c"]);
  });

  it("takes no writes refuses an append", async () => {
    const location = newPostgresLog(database);
    const url = new URL(location);
    url.searchParams.set("options", "-c default_transaction_read_only=on");
    await (await openLog(location)).close();
    const log = new AuditLog(url.href);
    await expect(log.append(decision({ actor: "b" }))).rejects.toSatisfy(unavailable("takes no writes"));
    expect(await actors(location)).toEqual(["a"]);
  });

  it("cancels a statement refuses that append, and takes the next", async () => {
    const location = newPostgresLog(database);
    const log = await openLog(`${location}&statement_timeout=200`);
    const holder = new Client({ connectionString: database });
    await holder.connect();
    await holder.query("BEGIN");
    await holder.query("SELECT FROM capfence.logs WHERE name = $1 FOR UPDATE", [nameOf(location)]);
    await expect(log.append(decision({ actor: "b" }))).rejects.toSatisfy(unavailable("cancelled"));
    await holder.end();
    await log.append(decision({ actor: "c" }));
    expect(await actors(location)).toEqual(["a", "c"]);
  });

  it("lost what it had acknowledged is found out by who knows better, and nothing more is appended", async () => {
    const location = newPostgresLog(database);
    const log = await openLog(location);
    await log.append(decision({ actor: "b" }));
    await sql("DELETE FROM capfence.entries WHERE seq = 2 AND log = (SELECT id FROM capfence.logs WHERE name = $1)", [
      nameOf(location),
    ]);
    await expect(log.append(decision({ actor: "c" }))).rejects.toSatisfy(isCorrupt);
    await expect(log.append(decision({ actor: "c" }))).rejects.toSatisfy(isCorrupt);
  });

  it.each([
    ["something else", "hash := repeat('0', 64);"],
    ["nothing", "RETURN '';"],
    ["something nowhere", "RETURN concat(seq, ' ', hash);"],
  ])("says that it recorded %s is not believed", async (_what, lie) => {
    const location = newPostgresLog(database);
    const log = await openLog(location);
    const [former] = await sql<{ text: string }>("SELECT pg_get_functiondef('capfence.append'::regproc) AS text");
    const lying = String(former?.text).replace("-- Notifying makes", `${lie} -- Notifying makes`);
    expect(lying).not.toBe(former?.text);
    await sql(lying);
    onTestFinished(async () => void (await sql(String(former?.text))));
    await expect(log.append(decision({ actor: "b" }))).rejects.toSatisfy(isCorrupt);
  });
});

describe.skipIf(database === undefined)("a pool", () => {
  it("that has no connection left refuses an append in time, and takes the next when it has", async () => {
    const pool = new Pool({ connectionString: database, max: 1 });
    afterAll(async () => await pool.end());
    const name = nameOf(newPostgresLog(database));
    const log = new AuditLog({ pool, log: name, connectTimeoutMs: 500 });
    await log.append(decision({ actor: "a" }));
    const taken = await pool.connect();
    await expect(log.append(decision({ actor: "b" }))).rejects.toSatisfy(unavailable("no connection"));
    taken.release();
    await log.append(decision({ actor: "c" }));
    await log.close();
    const location = new URL(database ?? "");
    location.searchParams.set("log", name);
    expect(await actors(location.href)).toEqual(["a", "c"]);
  });

  it("that its host has ended refuses appends and says so", async () => {
    const pool = new Pool({ connectionString: database });
    const log = new AuditLog({ pool, log: nameOf(newPostgresLog(database)) });
    await log.append(decision());
    await pool.end();
    await expect(log.append(decision())).rejects.toSatisfy(unavailable("after calling end on the pool"));
    await log.close();
  });

  it("is left as it was: the host's own queries go on, and it is the host's to end", async () => {
    const pool = new Pool({ connectionString: database, max: 1 });
    // Those of PL/pgSQL are there once a function of it has run.
    const text = "SELECT name, setting FROM pg_settings WHERE name NOT LIKE 'plpgsql.%'";
    const settings = async (): Promise<unknown> => (await pool.query(text)).rows;
    const before = await settings();
    {
      await using runtime = ActionRuntime.fromPolicy(POLICY, { auditLog: { pool, log: "shared" } });
      await runtime.execute(call);
    }
    expect(await settings()).toEqual(before);
    await pool.end();
  });
});

describe.skipIf(database === undefined)("a server that is stopped and started again", () => {
  it("lets nothing run meanwhile, and everything afterwards, without a restart", async ({ skip }) => {
    const server = await PostgresServer.start({ fsync: false });
    skip(server === undefined, "no binary for this platform");
    if (server === undefined) return;
    onTestFinished(async () => await server.remove());
    await migrate(postgresTarget(server.url));
    const told: Error[] = [];
    const runtime = ActionRuntime.fromPolicy(Policy.parse("allow: [shell.execute]"), {
      auditLog: { url: server.url, resolveTimeoutMs: 50 },
      onAuditError: (error) => void told.push(error),
    });
    const event = ActionEvent.create({ actor: "a", action: "execute", resource: "shell" });
    const verdict = await runtime.execute(event);
    await server.kill();
    await expect(runtime.execute(event)).rejects.toSatisfy(unavailable(""));
    // The tool has run; its outcome comes before anything else as soon as the server is back.
    await runtime.recordOutcome(event, verdict, { status: "finished", durationMs: 1 });
    expect(told).toHaveLength(1);
    await expect(runtime.execute(event)).rejects.toSatisfy(unavailable(""));
    await server.start();
    const again = await runtime.execute(event);
    await runtime.recordOutcome(event, again, { status: "finished", durationMs: 1 });
    await runtime.close();
    const entries = [];
    for await (const { entry } of readEntries(server.url)) entries.push(entry.kind);
    expect(entries.filter((kind) => kind === "outcome")).toHaveLength(2);
    expect(await verifyLog(server.url)).toMatchObject({ intact: true, withoutDecision: 0 });
    await server.stop();
    await expect(verifyLog(server.url)).rejects.toSatisfy(unavailable(""));
  });
});
