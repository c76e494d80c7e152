/** Makes a log in a PostgreSQL database of entries that were recorded elsewhere. */

import { AuditUnavailableError } from "../../errors.ts";
import type { StoredEntry } from "../format/entry.ts";
import { PostgresFailure } from "./failure.ts";
import { Passing } from "./passing.ts";
import { expectSchema } from "./schema.ts";
import type { Session } from "./session.ts";
import type { PostgresTarget } from "./target.ts";

/** Entries inserted by one statement, at most; and their characters, after which there are no more. */
const PAGE = 1_000;
const PAGE_SIZE = 4_000_000;

interface Row extends StoredEntry {
  readonly passed: string | null;
}

/**
 * Inserts entries, in order, as a new log, in one transaction. For the schema's owner: no other role may insert.
 *
 * @throws AuditUnavailableError when there is a log of that name or identity, there are no entries, or the schema is another
 *   version's. PostgresFailure
 */
export async function receiveRows(
  session: Session,
  { name, log }: PostgresTarget,
  entries: AsyncIterable<StoredEntry>,
): Promise<void> {
  await session.begin("READ COMMITTED");
  await expectSchema(session, name);
  let id: string | undefined;
  let page: Row[] = [];
  let size = 0;
  const passing = new Passing();
  for await (const stored of entries) {
    id ??= await makeLog(session, name, log, stored.entry.log);
    page.push({ ...stored, passed: passing.next(stored.entry) });
    size += stored.body.length;
    if (page.length < PAGE && size < PAGE_SIZE) continue;
    await insert(session, id, page);
    page = [];
    size = 0;
  }
  if (id === undefined) throw new AuditUnavailableError(name, "there is nothing to copy");
  await insert(session, id, page);
  await session.run("UPDATE capfence.logs SET latest = $2 WHERE id = $1", [id, passing.latest]);
  // Acknowledged means durable, whatever the session was set to.
  await session.run(`SELECT set_config('synchronous_commit', 'on', true)
    WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply')`);
  await commit(session, name);
}

async function commit(session: Session, name: string): Promise<void> {
  try {
    await session.run("COMMIT");
  } catch (error) {
    if (!(error instanceof PostgresFailure) || error.isUndone) throw error;
    const problem = `the server did not say whether the copy is there (${error.message})`;
    throw new AuditUnavailableError(name, `${problem}. Run capfence verify on it, and copy again if it is not`, {
      cause: error,
    });
  }
}

async function makeLog(session: Session, name: string, log: string, identity: string): Promise<string> {
  const [made] = await session.run<{ readonly id: string }>(
    "INSERT INTO capfence.logs (name, identity) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING id::text",
    [log, identity],
  );
  if (made === undefined) throw new AuditUnavailableError(name, "this log is there already, by name or by identity");
  return made.id;
}

async function insert(session: Session, id: string, page: readonly Row[]): Promise<void> {
  await session.run(
    `INSERT INTO capfence.entries (log, seq, hash, kind, body, passed) SELECT $1, seq, hash, kind, body, nullif(passed, '-')
     FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[]) AS page (seq, hash, kind, body, passed)`,
    [
      id,
      page.map(({ seq }) => seq),
      page.map(({ hash }) => hash),
      page.map(({ entry }) => entry.kind),
      page.map(({ body }) => body),
      // A session may be set to read NULL in an array as a text.
      page.map(({ passed }) => passed ?? "-"),
    ],
  );
}
