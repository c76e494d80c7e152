/** A server whose messages are in another language: `pg` knows the severity of an error by its translated name alone. */

import { setTimeout as pause } from "node:timers/promises";

import { Client, DatabaseError, Pool } from "pg";
import { describe, expect, it, onTestFinished } from "vitest";

import { AuditLog } from "../../../src/audit/log.ts";
import { statementFailure } from "../../../src/audit/postgres/failure.ts";
import type { PostgresClient, PostgresPool } from "../../../src/audit/postgres/target.ts";
import { verifyLog } from "../../../src/audit/verify.ts";
import { AuditUnavailableError } from "../../../src/errors.ts";
import { decision } from "../sample-log.ts";
import { logDatabase, nameOf, newPostgresLog, sql } from "../stores.ts";

const database = await logDatabase();

/** As lc_messages = it_IT has them. The binaries that the tests use come without translations. */
const TRANSLATIONS: ReadonlyMap<string | undefined, string> = new Map([
  ["ERROR", "ERRORE"],
  ["FATAL", "FATALE"],
]);

/** The same pool on a server that speaks so. */
function translated(pool: Pool): PostgresPool {
  const connect = async (): Promise<PostgresClient> => {
    const client = await pool.connect();
    return {
      query: async (asked) =>
        await client.query(asked).catch((error: unknown) => {
          if (error instanceof DatabaseError) error.severity = TRANSLATIONS.get(error.severity);
          throw error;
        }),
      on: (event, listener) => client.on(event as "error", listener),
      off: (event, listener) => client.off(event, listener),
      release: (destroy) => client.release(destroy),
    };
  };
  return { connect, on: (event, listener) => pool.on(event, listener) };
}

/** A log that has one entry, on that server. */
async function openLog(location: string, resolveTimeoutMs: number): Promise<AuditLog> {
  const pool = new Pool({ connectionString: database, application_name: "translated" });
  const log = new AuditLog({ pool: translated(pool), log: nameOf(location), resolveTimeoutMs });
  onTestFinished(async () => {
    await log.close();
    await pool.end();
  });
  await log.append(decision({ actor: "a" }));
  return log;
}

describe.skipIf(database === undefined)("a server whose messages are translated", () => {
  it("and that refuses an append is understood at once", async () => {
    const location = newPostgresLog(database);
    // No time to find out what there is no doubt about.
    const log = await openLog(location, 1);
    await sql(`CREATE OR REPLACE FUNCTION public.disturb() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'niente' USING ERRCODE = 'disk_full'; END $$`);
    await sql(
      "CREATE TRIGGER disturb BEFORE INSERT ON capfence.entries FOR EACH ROW EXECUTE FUNCTION public.disturb()",
    );
    const refusal: unknown = await log.append(decision({ actor: "b" })).catch((error: unknown) => error);
    await sql("DROP TRIGGER disturb ON capfence.entries");
    expect(AuditUnavailableError.isInstance(refusal)).toBe(true);
    expect(String(refusal)).toContain("disk is full");
    expect(await log.append(decision({ actor: "c" }))).toMatchObject({ seq: 2 });
  });

  it("and that ends the session in the middle of an append is asked what became of it", async () => {
    const location = newPostgresLog(database);
    const log = await openLog(location, 30_000);
    const holder = new Client({ connectionString: database });
    await holder.connect();
    onTestFinished(async () => await holder.end());
    await holder.query("BEGIN");
    await holder.query("SELECT FROM capfence.logs WHERE name = $1 FOR UPDATE", [nameOf(location)]);
    const appending = log.append(decision({ actor: "b" }));
    const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE application_name = 'translated' AND wait_event_type = 'Lock'`;
    while ((await sql(end)).length === 0) await pause(5);
    await holder.query("COMMIT");
    expect(await appending).toMatchObject({ seq: 2 });
    expect(await verifyLog(location)).toMatchObject({ intact: true, entries: 2 });
  });
});

/** An error of the server, as `pg` makes it. */
const made = (severity: string, code: string): DatabaseError =>
  Object.assign(new DatabaseError("…", 1, "error"), { severity, code });

describe("an error of the server", () => {
  it.each([
    ["ERROR", "53100", true],
    ["FEHLER", "53100", true],
    ["ОШИБКА", "40001", true],
    ["FEHLER", "25P02", true],
    ["ERROR", "58030", true],
    ["FEHLER", "58030", false],
    ["FATAL", "53100", false],
    ["PANIC", "53100", false],
    ["FATALE", "57P01", false],
    ["ВАЖНО", "57P02", false],
    ["FATALE", "57P05", false],
    ["FATALE", "25P03", false],
    ["FATALE", "25P04", false],
    ["FATALE", "08P01", false],
    ["PANICO", "XX000", false],
  ])("called %s, of code %s, leaves nothing done: %s", (severity, code, isUndone) => {
    expect(statementFailure(made(severity, code))).toMatchObject({ code, isUndone });
  });

  it("is told from a lost connection, which leaves open what was done", () => {
    const lost = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
    expect(statementFailure(lost)).toMatchObject({ code: "ECONNRESET", isUndone: false });
  });
});
