/** `capfence migrate`: makes a PostgreSQL database ready for audit logs. */

import { migrate } from "../audit/postgres/schema.ts";
import { postgresTarget } from "../audit/postgres/target.ts";
import { isPostgresUrl } from "../audit/postgres/url.ts";
import { CommandFailure } from "./command-failure.ts";
import { EXIT, type ExitCode, type Host } from "./host.ts";
import { auditLogPath } from "./log-path.ts";

/** The options of `capfence migrate`. */
export interface MigrateOptions {
  readonly auditLog?: string;
}

/**
 * Creates the schema or brings it up to date; says what it did.
 *
 * @throws AuditUnavailableError when it could not; then nothing has changed.
 * @throws CommandFailure when no database was named.
 */
export async function migrateDatabase(options: MigrateOptions, host: Host): Promise<ExitCode> {
  const location = auditLogPath(options.auditLog, host);
  if (!isPostgresUrl(location)) {
    throw new CommandFailure(EXIT.usage, "there is nothing to migrate in a file. Name a postgres:// URL");
  }
  const { from, to, hasRoles } = await migrate(postgresTarget(location));
  const done = from === to ? "is already at" : from === 0 ? "was created, at" : `was brought from version ${from} to`;
  host.stdout.write(`The schema capfence ${done} version ${to}.\n`);
  if (!hasRoles) {
    host.stderr.write(
      "It has no roles, which this user may not make: only its owner can use it. See docs/postgres.md.\n",
    );
  }
  return EXIT.ok;
}
