/** Reads one log of a PostgreSQL database through a cursor, at one moment's snapshot. */

import { AuditUnavailableError } from "../../errors.ts";
import { expectSchema } from "./schema.ts";
import type { Session } from "./session.ts";

/** Rows fetched at first, and at most; and the characters that as many rows as are fetched next would have, if like the last. */
const FIRST_PAGE = 64;
const MAX_PAGE = 1_000;
const PAGE_SIZE = 4_000_000;

/** A row as it stands in the table, nothing of it believed yet. */
export interface LogRow {
  readonly seq: string;
  readonly hash: string;
  readonly kind: string;
  readonly body: string | null;
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
  for (let rows = FIRST_PAGE; ;) {
    const page = await session.run<LogRow>(`FETCH ${rows} FROM log_rows`);
    yield* page;
    if (page.length < rows) break;
    // A text that somebody has taken away is a finding, and no reason to stop.
    const size = page.reduce((sum, { body }) => sum + (body?.length ?? 0), 0);
    rows = Math.max(1, Math.min(MAX_PAGE, Math.floor((rows * PAGE_SIZE) / size)));
  }
  await session.run("COMMIT");
}
