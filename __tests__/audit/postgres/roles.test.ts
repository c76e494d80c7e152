import { Client } from "pg";
import { describe, expect, it, onTestFinished } from "vitest";

import { AuditLog } from "../../../src/audit/log.ts";
import { verifyLog } from "../../../src/audit/verify.ts";
import { AuditUnavailableError } from "../../../src/errors.ts";
import { ActionRuntime, Policy } from "../../../src/index.ts";
import { Workplace } from "../../cli/captured-host.ts";
import { decision, writeSample } from "../sample-log.ts";
import { ask, userWith } from "./users.ts";
import { logDatabase, nameOf, newPostgresLog, sql, stores } from "../stores.ts";

const database = await logDatabase();

const [, postgres] = stores;

const as = (user: string, location: string): string => {
  const url = new URL(user);
  url.searchParams.set("log", nameOf(location));
  return url.href;
};

/** SQLSTATE insufficient_privilege. */
const NOT_PERMITTED = "42501";

const TAMPERING = [
  "UPDATE capfence.entries SET body = body",
  "UPDATE capfence.logs SET name = name || 'x'",
  "DELETE FROM capfence.entries",
  "DELETE FROM capfence.logs",
  "TRUNCATE capfence.entries",
  "INSERT INTO capfence.entries VALUES (1, 99, 'x', 'decision', '{}')",
  "INSERT INTO capfence.logs (name, identity) VALUES ('x', 'x')",
  "INSERT INTO capfence.migrations VALUES (2)",
  "DROP TABLE capfence.entries",
  "ALTER TABLE capfence.entries DISABLE TRIGGER ALL",
  "CREATE TABLE capfence.mine (x int)",
  "CREATE RULE quiet AS ON INSERT TO capfence.entries DO INSTEAD NOTHING",
  "DROP FUNCTION capfence.append",
  "BEGIN; LOCK TABLE capfence.logs",
  "MERGE INTO capfence.entries USING (SELECT 1) AS s ON false WHEN NOT MATCHED THEN INSERT VALUES (1, 99, 'x', 'x', '{}')",
  "COPY capfence.entries FROM STDIN",
  "SELECT * FROM capfence.logs FOR UPDATE",
  "SELECT setval('capfence.logs_id_seq', 1)",
  "UPDATE capfence.entries SET append = NULL",
  "UPDATE capfence.migrations SET version = 2",
  "BEGIN; LOCK TABLE capfence.migrations IN ROW EXCLUSIVE MODE",
  "SET ROLE capfence_owner",
  "SET SESSION AUTHORIZATION capfence_owner",
  "SET session_replication_role = replica",
  "ALTER ROLE capfence_owner LOGIN",
  "ALTER TABLE capfence.entries OWNER TO CURRENT_USER",
  "ALTER TABLE capfence.entries SET UNLOGGED",
  "ALTER TABLE capfence.entries DROP CONSTRAINT entries_pkey",
  "ALTER TABLE capfence.entries ENABLE ROW LEVEL SECURITY",
  "CREATE TRIGGER t BEFORE INSERT ON capfence.entries FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
  "CREATE UNIQUE INDEX ON capfence.entries (kind)",
  "CREATE OR REPLACE FUNCTION capfence.open_log(text, text, text, integer) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
  "ALTER FUNCTION capfence.open_log(text, text, text, integer) SECURITY INVOKER",
  "CREATE FUNCTION capfence.mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
  "ALTER SCHEMA capfence RENAME TO mine",
  "DROP SCHEMA capfence CASCADE",
  "ALTER SYSTEM SET fsync = off",
];

describe.skipIf(database === undefined)("the appender's role", async () => {
  const user = database === undefined ? "" : await userWith("capfence_appender", database);

  it("appends, also to a log that is new", async () => {
    const location = newPostgresLog(database);
    const log = await writeSample(as(user, location));
    await log.close();
    expect(await verifyLog(location)).toMatchObject({ intact: true, entries: 4 });
  });

  it.each([...TAMPERING, "SELECT * FROM capfence.entries", "SELECT * FROM capfence.decisions"])(
    "is refused by the server: %s",
    async (statement) => {
      expect(await ask(user, statement)).toBe(NOT_PERMITTED);
    },
  );

  it.each<[string, (log: string) => string]>([
    ["no JSON", () => "hello"],
    ["no object", () => "[]"],
    [
      "no link",
      (log) =>
        `{"kind":"decision","log":"${log}","prev":"${"0".repeat(64)}","seq":\u001e,"ts":"2026-01-01T00:00:00.000Z","v":1}`,
    ],
    [
      "another place",
      (log) => `{"kind":"decision","log":"${log}","prev":"\u001f","seq":77,"ts":"2026-01-01T00:00:00.000Z","v":1}`,
    ],
    [
      "a link that another member hides",
      (log) =>
        `{"kind":"decision","log":"${log}","prev":"\u001f","prev":"x","seq":\u001e,"ts":"2026-01-01T00:00:00.000Z","v":1}`,
    ],
    [
      "another log",
      () => `{"kind":"decision","log":"x","prev":"\u001f","seq":\u001e,"ts":"2026-01-01T00:00:00.000Z","v":1}`,
    ],
    [
      "a second beginning",
      (log) => `{"kind":"genesis","log":"${log}","prev":"\u001f","seq":\u001e,"ts":"2026-01-01T00:00:00.000Z","v":1}`,
    ],
    ...["2026-01-01T00:00:00.000", "2026-01-01T00:00:00.000Z\\u0000", "\uFFEE", "+012026-01-01T00:00:00.000Z"].map(
      (ts): [string, (log: string) => string] => [
        `a time of another form (${JSON.stringify(ts)})`,
        (log) => `{"kind":"decision","log":"${log}","prev":"\u001f","seq":\u001e,"ts":"${ts}","v":1}`,
      ],
    ),
    ["no kind", (log) => `{"log":"${log}","prev":"\u001f","seq":\u001e,"ts":"2026-01-01T00:00:00.000Z","v":1}`],
  ])("can't make the server take what is %s", async (_name, template) => {
    const location = newPostgresLog(database);
    const log = await writeSample(location);
    const append = "SELECT capfence.append($1, gen_random_uuid(), false, $2, -1, '', 1000)";
    const answer = await ask(user, append, [nameOf(location), template(log.identity ?? "")]);
    expect(["CF003", "22P02"]).toContain(answer);
    await log.close();
    expect(await verifyLog(location)).toMatchObject({ intact: true, entries: 4 });
  });

  it("can't make what it appends less durable, or hide from itself what others append", async () => {
    const location = newPostgresLog(database);
    const log = await writeSample(location);
    await log.close();
    const genesis = `{"kind":"note","log":"${log.identity}","prev":"\u001f","seq":\u001e,"ts":"2026-01-01T00:00:00.000Z","v":1}`;
    const client = new Client({ connectionString: user });
    await client.connect();
    await client.query("SET synchronous_commit = off");
    await client.query("BEGIN");
    const append = "SELECT capfence.append($1, gen_random_uuid(), false, $2, -1, '', 1000)";
    await client.query(append, [nameOf(location), genesis]);
    const { rows } = await client.query("SELECT current_setting('synchronous_commit') AS now");
    expect(rows).toEqual([{ now: "on" }]);
    await client.query("ROLLBACK");
    await client.query("BEGIN ISOLATION LEVEL SERIALIZABLE");
    await expect(client.query(append, [nameOf(location), genesis])).rejects.toMatchObject({ code: "CF004" });
    await client.end();
  });

  it("can't put anything of its own in the place of what the functions use", async () => {
    const location = newPostgresLog(database);
    const log = await writeSample(location);
    const before = await postgres.stored(location);
    const client = new Client({ connectionString: user });
    await client.connect();
    for (const table of ["entries", "logs"]) {
      await client.query(`CREATE TEMP TABLE ${table} (LIKE pg_catalog.pg_class)`);
    }
    await client.query(
      `CREATE FUNCTION pg_temp.sha256(bytea) RETURNS bytea LANGUAGE plpgsql AS $$ BEGIN RAISE 'as %', current_user; END $$`,
    );
    await client.query(
      `CREATE FUNCTION pg_temp.same(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'as %', current_user; END $$`,
    );
    await client.query(`CREATE OPERATOR pg_temp.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = pg_temp.same)`);
    await client.query("SET search_path = pg_temp, pg_catalog");
    const template = `{"by":"mallory","kind":"unlock","log":"${log.identity}","prev":"\u001f","seq":\u001e,"ts":"2026-01-01T00:00:00.000Z","v":1}`;
    await client.query("SELECT capfence.append($1, gen_random_uuid(), false, $2, -1, '', 1000)", [
      nameOf(location),
      template,
    ]);
    await client.end();
    await log.close();
    expect((await postgres.stored(location)).slice(0, -1)).toEqual(before);
    expect(await verifyLog(location)).toMatchObject({ intact: true, entries: 4, last: { seq: 5 } });
  });

  it.each(['x","kind":"approval","x":"', "A".repeat(32), "a".repeat(31)])(
    "can't make a log whose identity is no identity, and would stand in all entries: %s",
    async (identity) => {
      const location = newPostgresLog(database);
      const genesis = `{"kind":"genesis","log":"${identity}","prev":"\u001f","seq":\u001e,"ts":"2026-01-01T00:00:00.000Z","v":1}`;
      const open = "SELECT * FROM capfence.open_log($1, $2, $3, 1000)";
      // SQLSTATE check_violation
      expect(await ask(user, open, [nameOf(location), identity, genesis])).toBe("23514");
      await (await writeSample(location)).close();
      expect(await verifyLog(location)).toMatchObject({ intact: true });
    },
  );

  it.each(["", null])("can't make a log that has no beginning (%j)", async (genesis) => {
    const location = newPostgresLog(database);
    const open = "SELECT * FROM capfence.open_log($1, $2, $3, 1000)";
    expect(await ask(user, open, [nameOf(location), "a".repeat(32), genesis])).toBe("CF003");
    await (await writeSample(location)).close();
    expect(await verifyLog(location)).toMatchObject({ intact: true });
  });

  it("can't pass an append of its own off as done, or as done in another log", async () => {
    const [location, other] = [newPostgresLog(database), newPostgresLog(database)];
    for (const each of [location, other]) await (await writeSample(each)).close();
    const before = await postgres.stored(location);
    const [last] = await sql<{ id: string }>(
      "SELECT append AS id FROM capfence.entries WHERE log = (SELECT id FROM capfence.logs WHERE name = $1) ORDER BY seq DESC",
      [nameOf(other)],
    );
    const append = "SELECT capfence.append($1, $2, $3, $4, $5, $6, 1000)";
    // The id of an append that was done is taken by it, and no head that was never there is believed.
    expect(await ask(user, append, [nameOf(location), last?.id, false, "{}", -1, ""])).toBe("CF003");
    expect(await ask(user, append, [nameOf(location), last?.id, true, "{}", 99, "x"])).toBe("CF002");
    expect(await ask(user, append, [nameOf(location), last?.id, true, "{}", 4, "x"])).toBe("CF002");
    expect(await ask(user, append, [`${nameOf(location)}'`, last?.id, false, "{}", -1, ""])).toBe("CF001");
    expect(await postgres.stored(location)).toEqual(before);
  });

  it("who appends an entry of a time to come ends the requests that are open, and no more", async () => {
    const location = newPostgresLog(database);
    await using runtime = ActionRuntime.fromPolicy(Policy.parse("require_approval: [pay.send]"), {
      auditLog: location,
    });
    const call = { actor: "a", action: "send", resource: "pay" };
    const first = await runtime.execute(call);
    const { log } = JSON.parse((await postgres.stored(location))[0]?.body ?? "") as { readonly log: string };
    const template = `{"by":"mallory","kind":"unlock","log":"${log}","prev":"\u001f","seq":\u001e,"ts":"9999-01-01T00:00:00.000Z","v":1}`;
    const append = "SELECT capfence.append($1, gen_random_uuid(), false, $2, -1, '', 1000)";
    await ask(user, append, [nameOf(location), template]);
    await expect(runtime.approvals.approve(first.approvalId ?? "", { by: "alice" })).rejects.toThrow();
    const second = await runtime.execute(call);
    expect(second.authorized).toBe(false);
    await runtime.approvals.approve(second.approvalId ?? "", { by: "alice" });
    expect(await runtime.execute(call)).toMatchObject({ authorized: true });
    expect(await verifyLog(location)).toMatchObject({ intact: true });
  });

  it("who appends what is no decision gets that one found, and nobody else's", async () => {
    const location = newPostgresLog(database);
    const log = await writeSample(location);
    const template = `{"kind":"decision","log":"${log.identity}","prev":"\u001f","seq":\u001e,"ts":"2026-01-01T00:00:00.000Z","v":1}`;
    const append = "SELECT capfence.append($1, gen_random_uuid(), false, $2, -1, '', 1000)";
    expect(await ask(user, append, [nameOf(location), template])).toEqual([
      { append: expect.stringMatching(/^5 /) as string },
    ]);
    expect(await log.append(decision())).toMatchObject({ seq: 6 });
    await log.close();
    const { problems } = await verifyLog(location);
    expect(problems).toEqual([{ seq: 5, what: "it does not say whether the call was let through" }]);
  });

  it("who holds a log's lock holds up that log, as long as its session lives, and no other", async () => {
    const [held, other] = [newPostgresLog(database), newPostgresLog(database)];
    const [log, otherLog] = [held, other].map((url) => new AuditLog({ url: as(user, url), answerTimeoutMs: 600 }));
    for (const each of [log, otherLog]) await each?.append(decision());
    const holder = new Client({ connectionString: user });
    await holder.connect();
    await holder.query("BEGIN");
    await holder.query("SELECT capfence.append($1, gen_random_uuid(), false, '', -1, '', 1000)", [nameOf(held)]);
    await expect(log?.append(decision())).rejects.toThrow(/for too long/);
    expect(await otherLog?.append(decision())).toMatchObject({ seq: 2 });
    await holder.end();
    expect(await log?.append(decision())).toMatchObject({ seq: 2 });
    for (const each of [log, otherLog]) await each?.close();
    expect(await verifyLog(held)).toMatchObject({ intact: true, entries: 2 });
  });

  it("is told of the requests it makes, and may not look at what waits", async () => {
    await using runtime = ActionRuntime.fromPolicy(Policy.parse("require_approval: [pay.send]"), {
      auditLog: as(user, newPostgresLog(database)),
    });
    const told: unknown[] = [];
    runtime.approvals.on("requested", ({ id, payload }) => void told.push({ id, payload }));
    const { approvalId } = await runtime.execute({ actor: "a", action: "send", resource: "pay", payload: { to: "b" } });
    expect(told).toEqual([{ id: approvalId, payload: { to: "b" } }]);
    await expect(runtime.approvals.pending()).rejects.toThrow(/Grant it capfence_reader/);
  });

  it("may not verify", async () => {
    await expect(verifyLog(user)).rejects.toSatisfy(
      (error) => AuditUnavailableError.isInstance(error) && error.message.includes("Grant it capfence_reader"),
    );
  });

  it.each([
    ["approve", "1"],
    ["reject", "1"],
    ["grant", "--agent", "a", "--capability", "pay.send", "--expires", "1h"],
  ])("is not enough for capfence %s, which says what is missing", async (...command) => {
    using place = new Workplace();
    const location = newPostgresLog(database);
    await (await writeSample(location)).close();
    const { code, stderr } = await place.run([...command, "--audit-log", as(user, location)]);
    expect(code).toBe(1);
    expect(stderr).toContain("Grant it capfence_reader");
  });

  it("answers and grants with the reader's role beside it", async () => {
    using place = new Workplace();
    const location = newPostgresLog(database);
    await using runtime = ActionRuntime.fromPolicy(Policy.parse("require_approval: [pay.send]"), {
      auditLog: location,
    });
    const { approvalId } = await runtime.execute({ actor: "a", action: "send", resource: "pay", payload: {} });
    await sql(`GRANT capfence_reader TO ${new URL(user).username}`);
    onTestFinished(async () => void (await sql(`REVOKE capfence_reader FROM ${new URL(user).username}`)));
    const now = new Date().toISOString();
    for (const command of [
      ["approve", approvalId ?? ""],
      ["grant", "--agent", "a", "--capability", "pay.send", "--expires", "1h"],
    ]) {
      const { code, stderr } = await place.run([...command, "--audit-log", as(user, location)], {
        now,
        answer: true,
      });
      expect(code, stderr).toBe(0);
    }
  });
});

describe.skipIf(database === undefined)("the reader's role", async () => {
  const user = database === undefined ? "" : await userWith("capfence_reader", database);

  it("verifies, and shows decisions with what PostgreSQL can't hold in a text", async () => {
    const location = newPostgresLog(database);
    await (await writeSample(location)).close();
    expect(await verifyLog(as(user, location))).toMatchObject({ intact: true, entries: 4 });
    expect(
      await ask(user, "SELECT agent_id, decision, reason FROM capfence.decisions WHERE log = $1 ORDER BY seq", [
        nameOf(location),
      ]),
    ).toEqual([
      { agent_id: "agent-1", decision: "allow", reason: "policy_allow" },
      { agent_id: "агент", decision: "deny", reason: "policy_default_deny" },
      { agent_id: "agent-1", decision: "allow", reason: "policy_allow" },
    ]);
  });

  it.each(TAMPERING)("is refused by the server: %s", async (statement) => {
    expect(await ask(user, statement)).toBe(NOT_PERMITTED);
  });

  it("may not append", async () => {
    await expect(writeSample(as(user, newPostgresLog(database)))).rejects.toSatisfy(
      (error) => AuditUnavailableError.isInstance(error) && error.message.includes("Grant it capfence_appender"),
    );
  });
});

describe.skipIf(database === undefined)("a user without a role", () => {
  it("may do nothing", async () => {
    const user = await userWith(undefined, database);
    expect(await ask(user, "SELECT * FROM capfence.logs")).toBe(NOT_PERMITTED);
    expect(await ask(user, "SELECT capfence.open_log('x', 'x', 'x', 1)")).toBe(NOT_PERMITTED);
    await expect(new AuditLog(user).append(decision())).rejects.toThrow(/may not do that/);
  });
});
