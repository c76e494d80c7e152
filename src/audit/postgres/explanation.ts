/** What people are told of a failure, and what to do about it. */

import { AuditCorruptError, AuditUnavailableError, type CapFenceError } from "../../errors.ts";
import type { PostgresFailure } from "./failure.ts";

const NO_SCHEMA = "the database has no schema capfence. Run capfence migrate";
const OTHER_SCHEMA =
  "the schema in the database is one of another version. Run capfence migrate of the newest capfence; if that finds nothing to do, a build from before 0.1.0 made the schema: drop it, with the logs in it, and migrate anew";
const MAY_NOT_WRITE = "this user may not do that. Grant it capfence_appender to write logs, capfence_owner to copy";
const MAY_NOT_READ =
  "this user may not read. Grant it capfence_reader, which answering with capfence approve, reject or grant needs beside capfence_appender";
const REFUSED = "the server does not let this user in. Set PGUSER and PGPASSWORD, or name the user in the URL";
const STOPPING = "the server is starting or stopping. Nothing runs until it answers";
const LIMIT =
  "the server ended the session by a time limit of its own. See idle_in_transaction_session_timeout and its like there";
const READ_ONLY = "the server takes no writes: it is a standby, or was set to read only. Name the primary";
const IN_THE_WAY = "another transaction stood in the way. Nothing was recorded; try again";
const UNFIT =
  "the server sees no transaction that is READ COMMITTED and in UTF-8, though one was begun so: a pooler on the way seems to change that. Have it work in transaction mode, or connect to the server itself";

const EXPLANATIONS: ReadonlyMap<string, string> = new Map([
  ["ECONNREFUSED", "there is no server at that address, or it has stopped. Nothing runs until it answers"],
  ["ENOTFOUND", "there is no host of that name"],
  ["28000", REFUSED],
  ["28P01", REFUSED],
  ["3D000", "the server has no such database"],
  ["3F000", NO_SCHEMA],
  ["42P01", NO_SCHEMA],
  ["42703", OTHER_SCHEMA],
  ["42883", OTHER_SCHEMA],
  ["42501", MAY_NOT_WRITE],
  ["25006", READ_ONLY],
  ["25P03", LIMIT],
  ["25P04", LIMIT],
  ["57P05", LIMIT],
  ["40001", IN_THE_WAY],
  ["40P01", IN_THE_WAY],
  ["53100", "the server's disk is full. Make room; nothing runs until there is some"],
  ["53300", "the server takes no more connections. Raise max_connections, or close some"],
  [
    "55P03",
    "others have held what this one waits for, the log or the schema, for too long. Nothing was recorded. See pg_locks there for who it is; half of answerTimeoutMs is how long they are waited for",
  ],
  ["57014", "the statement was cancelled, by a time limit or by somebody. Nothing was recorded"],
  ["57P01", STOPPING],
  ["57P02", STOPPING],
  ["57P03", STOPPING],
  ["CF001", "there is no such log"],
  ["CF003", "the server does not take this for an entry. Use the same version of capfence as made the schema"],
  ["CF004", UNFIT],
]);

/** Where it means something else to those who read, who record nothing. */
const TO_READERS: ReadonlyMap<string, string> = new Map([
  ["42501", MAY_NOT_READ],
  [
    "40001",
    "the standby ended this reading because of what its primary changed. Raise max_standby_streaming_delay there, or read the primary",
  ],
  ["40P01", "another transaction stood in the way of this reading. Read again"],
  ["55P03", "others have held what is read for longer than lock_timeout there. See pg_locks for who it is"],
  ["57014", "the reading was cancelled, by a time limit or by somebody"],
]);

/** A failure as the error that callers know. */
export function auditError(name: string, failure: PostgresFailure, during: "reading" | "writing"): CapFenceError {
  const { code, message } = failure;
  if (code === "CF002") return new AuditCorruptError(name, `${message}. Run capfence verify`);
  const explained = (during === "reading" ? TO_READERS.get(code) : undefined) ?? EXPLANATIONS.get(code);
  if (explained !== undefined) return new AuditUnavailableError(name, explained);
  if (/password must be a string/.test(message)) {
    return new AuditUnavailableError(name, "the server asks for a password. Set PGPASSWORD");
  }
  return new AuditUnavailableError(name, code === "" ? message : `${message} (${code})`);
}
