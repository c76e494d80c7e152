/** What went wrong between this process and a PostgreSQL server, and what that means for what was to be done. */

import { AuditCorruptError, AuditUnavailableError, type CapFenceError } from "../../errors.ts";

/** Something that was asked of the server and not answered as it should be. */
export class PostgresFailure extends Error {
  /** The server's code (PostgreSQL, appendix A), or the system's; empty when there is neither. */
  readonly code: string;
  /** Whether it is certain that nothing was done. */
  readonly isUndone: boolean;

  constructor(message: string, code: string, isUndone: boolean) {
    super(message);
    this.code = code;
    this.isUndone = isUndone;
  }
}

/** What a connection could not be had for, or ended of before something was asked on it. Nothing was done. */
export function connectFailure(error: unknown): PostgresFailure {
  return new PostgresFailure(messageOf(error), codeOf(error), true);
}

/** What a statement has failed with. An error that ended the session, and a lost connection, leave it open what was done. */
export function statementFailure(error: unknown): PostgresFailure {
  const code = codeOf(error);
  const severity = error instanceof Error && "severity" in error ? error.severity : undefined;
  // `pg` knows it by its name in the server's language alone, so otherwise the code decides.
  const isRefusal =
    severity === "ERROR" ||
    (typeof severity === "string" && severity !== "FATAL" && severity !== "PANIC" && !ENDS_SESSION.test(code));
  return new PostgresFailure(messageOf(error), code, isRefusal);
}

/** Codes of what ends a session, or may: broken connections, time limits, operators, the system, and the server itself. */
const ENDS_SESSION = /^(?:08|25P0[34]|57P|58|XX)/;

/** No answer within so many milliseconds. */
export function timeoutFailure(what: string, milliseconds: number, isUndone: boolean): PostgresFailure {
  return new PostgresFailure(`${what} within ${milliseconds} ms`, "", isUndone);
}

// Detail and context of a server's error are left out: they may quote what was to be recorded.
function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error) || !("code" in error)) return "";
  return typeof error.code === "string" ? error.code : "";
}

/** A prepared statement that is not there, or that somebody else has prepared: another session stands behind the connection. */
export function isOfAnotherSession({ code }: PostgresFailure): boolean {
  return code === "26000" || code === "42P05";
}

/** Nothing was done, and it may be tried again at once: the server ended a transaction because of another one (PostgreSQL, 13.5). */
export function isConflict(failure: PostgresFailure): boolean {
  const { code, isUndone } = failure;
  return isUndone && (code === "40001" || code === "40P01" || isOfAnotherSession(failure));
}

const NO_SCHEMA =
  "the database has no schema capfence, or one of another version. Run capfence migrate of the newest capfence";
const MAY_NOT =
  "this user may not do that. Grant it capfence_appender to write logs, capfence_reader to read, capfence_owner to copy";
const REFUSED = "the server does not let this user in. Set PGUSER and PGPASSWORD, or name the user in the URL";
const STOPPING = "the server is starting or stopping. Nothing runs until it answers";
const CONFLICT =
  "the server ended the transaction because of another one. Nothing was recorded; try it again. A standby ends who reads what its primary changes: raise max_standby_streaming_delay there";
const LIMIT =
  "the server ended the session by a time limit of its own. See idle_in_transaction_session_timeout and its like there";
const READ_ONLY = "the server takes no writes: it is a standby, or was set to read only. Name the primary";

const EXPLANATIONS: ReadonlyMap<string, string> = new Map([
  ["ECONNREFUSED", "there is no server at that address, or it has stopped. Nothing runs until it answers"],
  ["ENOTFOUND", "there is no host of that name"],
  ["28000", REFUSED],
  ["28P01", REFUSED],
  ["3D000", "the server has no such database"],
  ["3F000", NO_SCHEMA],
  ["42P01", NO_SCHEMA],
  ["42703", NO_SCHEMA],
  ["42883", NO_SCHEMA],
  ["42501", MAY_NOT],
  ["25006", READ_ONLY],
  ["25P03", LIMIT],
  ["25P04", LIMIT],
  ["57P05", LIMIT],
  ["40001", CONFLICT],
  ["40P01", CONFLICT],
  ["53100", "the server's disk is full. Make room; nothing runs until there is some"],
  ["53300", "the server takes no more connections. Raise max_connections, or close some"],
  ["55P03", "others have held what this one waits for, the log or the schema, for too long. Nothing was recorded"],
  ["57014", "the statement was cancelled, by a time limit or by somebody. Nothing was recorded"],
  ["57P01", STOPPING],
  ["57P02", STOPPING],
  ["57P03", STOPPING],
  ["CF001", "there is no such log"],
  ["CF003", "the server does not take this for an entry. Use the same version of capfence as made the schema"],
]);

/** A failure as the error that callers know. */
export function auditError(name: string, failure: PostgresFailure): CapFenceError {
  const { code, message } = failure;
  if (code === "CF002") return new AuditCorruptError(name, `${message}. Run capfence verify`);
  const explained = EXPLANATIONS.get(code);
  if (explained !== undefined) return new AuditUnavailableError(name, explained);
  if (/password must be a string/.test(message)) {
    return new AuditUnavailableError(name, "the server asks for a password. Set PGPASSWORD");
  }
  return new AuditUnavailableError(name, code === "" ? message : `${message} (${code})`);
}
