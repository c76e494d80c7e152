/** What went wrong between this process and a PostgreSQL server, and what that means for what was to be done. */

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
