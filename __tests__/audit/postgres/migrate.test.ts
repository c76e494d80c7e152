import { randomBytes } from "node:crypto";

import { Client } from "pg";
import { describe, expect, it, onTestFinished } from "vitest";

import { migrate } from "../../../src/audit/postgres/schema.ts";
import { postgresTarget } from "../../../src/audit/postgres/target.ts";
import { verifyLog } from "../../../src/audit/verify.ts";
import { AuditUnavailableError } from "../../../src/errors.ts";
import { Workplace } from "../../cli/captured-host.ts";
import { emptyDatabase } from "../../postgres/database.ts";
import { PostgresServer } from "../../postgres/server.ts";
import { writeSample } from "../sample-log.ts";
import { logDatabase, sql } from "../stores.ts";
import { ask, userWith } from "./users.ts";

const empty = await emptyDatabase();
const database = await logDatabase();

describe.skipIf(empty === undefined)("migrating", () => {
  it("creates the schema once, however many do it at the same time", async () => {
    const target = postgresTarget(empty ?? "");
    await expect(verifyLog(empty ?? "")).rejects.toSatisfy(
      (error) => AuditUnavailableError.isInstance(error) && error.message.includes("capfence migrate"),
    );
    const done = await Promise.all(Array.from({ length: 4 }, async () => await migrate(target)));
    expect(done.filter(({ from }) => from === 0)).toHaveLength(1);
    expect(await migrate(target)).toEqual({ from: 1, to: 1, hasRoles: true });
  });

  it("is refused in time while somebody keeps it from the schema", async () => {
    const holder = new Client({ connectionString: empty });
    await holder.connect();
    onTestFinished(async () => await holder.end());
    await holder.query("SELECT pg_advisory_lock(7161128467586507621)");
    const target = postgresTarget({ url: empty, answerTimeoutMs: 400 });
    await expect(migrate(target)).rejects.toThrow(/for too long/);
    await holder.query("SELECT pg_advisory_unlock_all()");
    expect(await migrate(target)).toMatchObject({ to: 1 });
  });

  it.each(["SQL_ASCII", "LATIN1"])("is refused in a database whose encoding is %s", async (encoding) => {
    const name = `capfence_${encoding.toLowerCase()}_${randomBytes(6).toString("hex")}`;
    await sql(`CREATE DATABASE ${name} ENCODING ${encoding} LOCALE 'C' TEMPLATE template0`);
    onTestFinished(async () => void (await sql(`DROP DATABASE ${name} WITH (FORCE)`)));
    const url = new URL(empty ?? "");
    url.pathname = `/${name}`;
    await expect(migrate(postgresTarget(url.href))).rejects.toThrow(/is UTF-8. Use a database with ENCODING UTF8/);
    expect(await ask(url.href, "SELECT FROM pg_namespace WHERE nspname = 'capfence'")).toEqual([]);
  });

  it("as a user who may make roles, and no more, makes them; as one who may not, says so", async ({ skip }) => {
    // On a server of its own: roles are for all databases of one.
    const server = await PostgresServer.start({ fsync: false });
    skip(server === undefined, "no binary for this platform");
    if (server === undefined) return;
    onTestFinished(async () => await server.remove());
    for (const [user, right, hasRoles] of [
      ["maker", "CREATEROLE", true],
      ["owner", "NOCREATEROLE", false],
    ] as const) {
      await ask(server.url, `CREATE ROLE ${user} LOGIN ${right} PASSWORD 'secret'`);
      await ask(server.url, `CREATE DATABASE ${user} OWNER ${user}`);
      const url = new URL(server.url);
      Object.assign(url, { username: user, password: "secret", pathname: `/${user}` });
      using place = new Workplace();
      const { code, stderr } = await place.run(["migrate", "--audit-log", url.href]);
      expect([code, stderr === ""]).toEqual([0, hasRoles]);
      expect(await migrate(postgresTarget(url.href))).toEqual({ from: 1, to: 1, hasRoles });
      await (await writeSample(url.href)).close();
      expect(await verifyLog(url.href)).toMatchObject({ intact: true, entries: 4 });
    }
    await ask(server.url, "CREATE ROLE agent LOGIN PASSWORD 'secret' IN ROLE capfence_appender");
    const agent = new URL(server.url);
    Object.assign(agent, { username: "agent", password: "secret", pathname: "/maker" });
    await (await writeSample(agent.href)).close();
  });

  it("needs the right to do so, and says so", async () => {
    const user = await userWith(undefined, database);
    const fresh = new URL(user);
    fresh.pathname = "/postgres";
    await expect(migrate(postgresTarget(fresh.href))).rejects.toThrow(/may not do that/);
  });
});
