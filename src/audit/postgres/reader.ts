/** Reads one log of a PostgreSQL database through a cursor, at one moment's snapshot. */

import { AuditUnavailableError } from "../../errors.ts";
import { expectSchema } from "./schema.ts";
import type { Session } from "./session.ts";

/** Rows fetched at a time. */
const PAGE = 1_000;

/** A row as it stands in the table, nothing of it believed yet. */
export interface LogRow {
  readonly seq: string;
  readonly hash: string;
  readonly kind: string;
  readonly body: string;
  readonly passed: string | null;
}

/** What the table of logs says of one. */
export interface LogRecord {
  readonly id: string;
  readonly identity: string;
  /** The latest time of its entries since the last one about approvals; `null` when there is none of those. */
  readonly latest: string | null;
}

/**
 * Begins a transaction that sees the database as it is now, and finds the log in it.
 *
 * @throws AuditUnavailableError when there is no log of that name, or the schema is another version's. PostgresFailure
 */
export async function beginReading(session: Session, name: string, log: string): Promise<LogRecord> {
  await session.begin("REPEATABLE READ READ ONLY");
  await expectSchema(session, name);
  const text = "SELECT id::text, identity, latest FROM capfence.logs WHERE name = $1";
  const [found] = await session.run<LogRecord>(text, [log]);
  if (found !== undefined) return found;
  throw new AuditUnavailableError(name, "there is no such log");
}

/** All rows of a log, after {@link beginReading}, in order or in the reverse order. Ends the transaction. */
export async function* readRows(session: Session, { id }: LogRecord, order: "ASC" | "DESC"): AsyncGenerator<LogRow> {
  // Whoever stops reading early leaves a transaction behind, which the session's release then ends.
  await session.run(`DECLARE log_rows NO SCROLL CURSOR FOR
    SELECT seq::text, hash, kind, body, passed FROM capfence.entries WHERE log = ${Number(id)} ORDER BY entries.seq ${order}`);
  for (;;) {
    const page = await session.run<LogRow>(`FETCH ${PAGE} FROM log_rows`);
    yield* page;
    if (page.length < PAGE) break;
  }
  await session.run("COMMIT");
}
