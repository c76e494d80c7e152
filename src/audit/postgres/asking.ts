/** What is asked of the server about appending: to append, to lock a log, and whether an append was done. */

import { AuditCorruptError } from "../../errors.ts";
import type { Head } from "../format/entry.ts";
import type { Appended } from "./links.ts";
import type { Session } from "./session.ts";
import { lockWait, type PostgresTarget } from "./target.ts";

// What stands between two templates: JSON text never holds it (RFC 8259, 7).
const BETWEEN = "\u001D";

/** The number of an entry, the hash before it, and another one. */
const PLACE = /^(\d+) ([0-9a-f]{64}) ([0-9a-f]{64})$/;

/** Entries to be appended together: at least one. */
export interface Append {
  readonly id: string;
  readonly templates: readonly string[];
}

/**
 * Appends; `isAgain` when it may have been done already, and then it is not done twice. `known` is an entry that is there.
 *
 * @throws PostgresFailure. AuditCorruptError when the answer is none.
 */
export async function appendEntries(
  session: Session,
  target: PostgresTarget,
  { id, templates }: Append,
  known: Head,
  isAgain: boolean,
): Promise<Appended> {
  return placed(target, await ask(session, target, id, isAgain, templates.join(BETWEEN), known));
}

/**
 * Keeps all others from appending to the log until the transaction ends; answers its last entry. Throws as
 * {@link appendEntries} does.
 */
export async function lockLog(session: Session, target: PostgresTarget, known: Head): Promise<Head> {
  const { first, previous } = placed(target, await ask(session, target, null, false, "", known));
  return { seq: first - 1, hash: previous };
}

/**
 * Whether an append was done. Asked under the log's lock, which whoever asked for it held until the end: what is not there
 * then never will be.
 *
 * @throws PostgresFailure
 */
export async function wasDone(session: Session, target: PostgresTarget, id: string, known: Head): Promise<boolean> {
  return (await ask(session, target, id, true, "", known)) !== "";
}

async function ask(
  session: Session,
  { log, answerTimeoutMs }: PostgresTarget,
  id: string | null,
  isAgain: boolean,
  templates: string,
  known: Head,
): Promise<string> {
  const values = [log, id, isAgain, templates, known.seq, known.hash, lockWait(answerTimeoutMs)];
  // One column of text: each costs the server and the driver more than taking this one apart.
  const text = "SELECT capfence.append($1, $2, $3, $4, $5, $6, $7) AS appended";
  const [row] = await session.run<{ readonly appended: string }>(text, values, "capfence_append_1");
  return row?.appended ?? "";
}

function placed({ name }: PostgresTarget, answer: string): Appended {
  const [, first, previous, last] = PLACE.exec(answer) ?? [];
  if (first === undefined || previous === undefined || last === undefined) {
    throw new AuditCorruptError(name, "the server does not say where it ends. Run capfence verify");
  }
  return { first: Number(first), previous, last };
}
