/** The schema that CapFence keeps in a PostgreSQL database, and how it gets there. */

import { readFileSync } from "node:fs";

import { AuditUnavailableError } from "../../errors.ts";
import { auditError } from "./explanation.ts";
import { PostgresFailure } from "./failure.ts";
import type { Session } from "./session.ts";
import { Sessions } from "./sessions.ts";
import { lockWait, type PostgresTarget } from "./target.ts";

/**
 * The version of the schema that this version of CapFence works with. A script that changes what a function does or takes drops
 * that function and makes one of another name: whoever is running, and was let in by the version before, is refused then. That
 * holds once 0.1.0 is released. Until then version 1 is not final: its script itself changes, and what an earlier build has
 * migrated has to be dropped.
 */
const SCHEMA_VERSION = 1;

/** What {@link migrate} did: the version before, 0 for none, and the version now. */
export interface Migration {
  readonly from: number;
  readonly to: number;
  /** Whether the schema has its roles, which not every user may make. */
  readonly hasRoles: boolean;
}

/**
 * Creates the schema or brings it up to date, in one transaction. Does nothing when it is; only one at a time does it.
 *
 * @throws AuditUnavailableError when the server can't be reached, the user may not do it, or the schema is a newer one.
 */
export async function migrate(target: PostgresTarget): Promise<Migration> {
  const sessions = new Sessions(target);
  try {
    return await sessions.use(async (session) => {
      await session.begin("READ COMMITTED");
      // Who waits for a table keeps all others from it, who appends included.
      await session.run(`SET LOCAL lock_timeout = ${lockWait(target.answerTimeoutMs)}`);
      // "capfence" in ASCII, so that two of us wait for each other and for nobody else.
      await session.run("SELECT pg_advisory_xact_lock($1)", ["7161128467586507621"]);
      const from = await presentVersion(session);
      if (from > SCHEMA_VERSION) throw otherVersion(target.name, from);
      for (let version = from + 1; version <= SCHEMA_VERSION; version += 1) await session.run(script(version));
      const [owner] = await session.run<{ readonly name: string }>(
        "SELECT rolname::text AS name FROM pg_namespace JOIN pg_roles ON pg_roles.oid = nspowner WHERE nspname = 'capfence'",
      );
      await session.run("COMMIT");
      return { from, to: SCHEMA_VERSION, hasRoles: owner?.name === "capfence_owner" };
    });
  } catch (error) {
    throw error instanceof PostgresFailure ? auditError(target.name, error, "writing") : error;
  } finally {
    await sessions.close();
  }
}

/**
 * Makes sure that a schema is the one that this version of CapFence works with, before anything in it is read or written.
 *
 * @throws AuditUnavailableError when it is a newer or an older one. PostgresFailure also when there is none.
 */
export async function expectSchema(session: Session, name: string): Promise<void> {
  const version = await latestMigration(session);
  if (version !== SCHEMA_VERSION) throw otherVersion(name, version);
}

function otherVersion(name: string, version: number): AuditUnavailableError {
  const what = version > SCHEMA_VERSION ? "Use a newer one" : "Run capfence migrate";
  const problem = `its schema has version ${version}, and this version of capfence works with ${SCHEMA_VERSION}`;
  return new AuditUnavailableError(name, `${problem}. ${what}`);
}

async function presentVersion(session: Session): Promise<number> {
  const [found] = await session.run<{ readonly there: string | null }>(
    "SELECT to_regclass('capfence.migrations')::text AS there",
  );
  return found?.there == null ? 0 : await latestMigration(session);
}

async function latestMigration(session: Session): Promise<number> {
  const [row] = await session.run<{ readonly version: string | null }>(
    "SELECT max(version)::text AS version FROM capfence.migrations",
  );
  return Number(row?.version ?? 0);
}

/** Shipped as a file, so that it can be read before it is run, and run by other means. */
function script(version: number): string {
  return readFileSync(new URL(`../../../sql/schema-${version}.sql`, import.meta.url), "utf8");
}
