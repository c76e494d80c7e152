import { Client, Pool } from "pg";
import { describe, expect, it, onTestFinished } from "vitest";

import { copyLog } from "../../../src/audit/copy.ts";
import { AuditLog } from "../../../src/audit/log.ts";
import type { PostgresClient, PostgresPool } from "../../../src/audit/postgres/target.ts";
import { verifyLog } from "../../../src/audit/verify.ts";
import { AuditUnavailableError } from "../../../src/errors.ts";
import { decision, newLogPath, writeSample } from "../sample-log.ts";
import { logDatabase, nameOf, newPostgresLog, sql } from "../stores.ts";

const database = await logDatabase();

/** What the caller is told, who is refused. */
async function told(refused: Promise<unknown>): Promise<string> {
  const refusal: unknown = await refused.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(AuditUnavailableError.isInstance(refusal)).toBe(true);
  return String(refusal);
}

/** Holds the table of entries until the test is over, so that nobody reads or writes. */
async function held(): Promise<void> {
  const holder = new Client({ connectionString: database });
  await holder.connect();
  onTestFinished(async () => await holder.end());
  await holder.query("BEGIN; LOCK TABLE capfence.entries IN ACCESS EXCLUSIVE MODE");
}

/** Has an operator end every session that inserts an entry, at the moment that `trigger` and `timing` name. */
async function ended(trigger: string, timing: string): Promise<void> {
  await sql(`CREATE OR REPLACE FUNCTION public.ended() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
    $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN new; END $$`);
  await sql(`CREATE ${trigger} ON capfence.entries ${timing} FOR EACH ROW EXECUTE FUNCTION public.ended()`);
  onTestFinished(async () => void (await sql("DROP TRIGGER ended ON capfence.entries")));
}

describe.skipIf(database === undefined)("who reads", () => {
  it.each([
    ["statement_timeout", "the reading was cancelled"],
    ["lock_timeout", "for longer than lock_timeout there. See pg_locks"],
  ])("and is refused by %s is told so, and nothing about recording", async (setting, message) => {
    const location = newPostgresLog(database);
    await (await writeSample(location)).close();
    await held();
    const said = await told(verifyLog(`${location}&options=-c%20${setting}=100`));
    expect(said).toContain(message);
    expect(said).not.toContain("recorded");
  });
});

describe.skipIf(database === undefined)("who appends", () => {
  it("and waits for others for too long is told how to find them", async () => {
    const location = newPostgresLog(database);
    const log = await writeSample(location, new AuditLog({ url: location, answerTimeoutMs: 200 }));
    onTestFinished(async () => await log.close());
    await held();
    const said = await told(log.append(decision()));
    expect(said).toContain("Nothing was recorded");
    expect(said).toMatch(/pg_locks.+answerTimeoutMs/);
  });

  it("and loses the session to an operator is not told of a lost connection", async () => {
    const location = newPostgresLog(database);
    const log = await writeSample(location, new AuditLog({ url: location, resolveTimeoutMs: 1 }));
    onTestFinished(async () => await log.close());
    await ended("TRIGGER ended BEFORE INSERT", "");
    const said = await told(log.append(decision()));
    expect(said).toContain(
      "the server did not say whether the entry was recorded, and it could not be found out in time",
    );
    expect(said).toContain("(terminating connection due to administrator command)");
  });

  it("behind what gives up transactions is told so", async () => {
    const pool = new Pool({ connectionString: database, options: "-c default_transaction_isolation=serializable" });
    onTestFinished(async () => await pool.end());
    const location = newPostgresLog(database);
    await (await writeSample(location)).close();
    let isGivenUp = false;
    const connect = async (): Promise<PostgresClient> => {
      const client = await pool.connect();
      return {
        query: async (asked) => {
          const answer = await client.query(asked);
          if (isGivenUp && asked.text.startsWith("BEGIN")) await client.query("ROLLBACK");
          return answer;
        },
        on: (event, listener) => client.on(event as "error", listener),
        off: (event, listener) => client.off(event, listener),
        release: (destroy) => client.release(destroy),
      };
    };
    const between: PostgresPool = { connect, on: (event, listener) => pool.on(event, listener) };
    const log = new AuditLog({ pool: between, log: nameOf(location) });
    onTestFinished(async () => await log.close());
    await log.append(decision());
    isGivenUp = true;
    expect(await told(log.append(decision()))).toMatch(/a pooler.+connect to the server itself/);
  });
});

describe.skipIf(database === undefined)("who copies", () => {
  it("and loses the session to an operator at the end is told so, and not of a lost connection", async () => {
    const [from, to] = [newLogPath(), newPostgresLog(database)];
    await (await writeSample(from)).close();
    await ended("CONSTRAINT TRIGGER ended AFTER INSERT", "DEFERRABLE INITIALLY DEFERRED");
    const refusal: unknown = await copyLog(from, to).catch((error: unknown) => error);
    expect(String(refusal)).toContain(
      "the server did not say whether the copy is there (terminating connection due to administrator command)",
    );
    expect((refusal as Error).cause).toMatchObject({ code: "57P01" });
  });
});
