/** Which log of which PostgreSQL database is meant, and what messages may say of it. */

import { randomUUID } from "node:crypto";

import { checkOptionNames, optionNames } from "../../options.ts";
import { sha256 } from "../format/entry.ts";
import { readUrl } from "./url.ts";

/** The calls of a connection of `pg` that are made here. */
export interface PostgresClient {
  query(query: PostgresQuery): Promise<{ readonly rows: readonly unknown[] }>;
  on(event: "error" | "notice" | "notification", listener: (what?: unknown) => void): unknown;
  off(event: "error" | "notice" | "notification", listener: (what?: unknown) => void): unknown;
  release(destroy?: boolean): void;
}

/** A statement and its values; one with a name is prepared once for a connection. */
interface PostgresQuery {
  readonly text: string;
  readonly values?: unknown[];
  readonly name?: string;
  readonly types?: { getTypeParser(): (value: string) => unknown };
}

/** A `Pool` of the package `pg`, or what has the same calls. */
export interface PostgresPool {
  connect(): Promise<PostgresClient>;
  on(event: "error", listener: () => void): unknown;
  /** How many callers wait for a connection. Where it is not told, nobody is taken to wait. */
  readonly waitingCount?: number;
}

/** A log in a PostgreSQL database. Either `url` or `pool` is given. */
export interface PostgresLocation {
  /**
   * `postgres://user@host:port/database`, with `?log=name` if you like. What it leaves out comes from `PGUSER`,
   * `PGPASSWORD`, `PGHOST`, `PGPORT`, `PGDATABASE`, `PGSSLMODE` and the password file, as `pg` reads them.
   */
  readonly url?: string | undefined;
  readonly pool?: PostgresPool | undefined;
  /** Which of the database's logs. Default: what the URL says, else `default`. */
  readonly log?: string | undefined;
  /** How long a connection may take to be had, in milliseconds. Default: 5,000. */
  readonly connectTimeoutMs?: number | undefined;
  /** How long the server may take to answer one statement, in milliseconds. Default: 10,000. */
  readonly answerTimeoutMs?: number | undefined;
  /**
   * How long to find out whether entries were recorded, when the connection was lost before the server said so, in
   * milliseconds; at most ten minutes. Default: 30,000.
   */
  readonly resolveTimeoutMs?: number | undefined;
}

/** A location that was understood. */
export interface PostgresTarget {
  /** What messages say; no password is in it. */
  readonly name: string;
  /** What tells it from other logs that this process writes. */
  readonly key: string;
  readonly log: string;
  /** A connection string for `pg`, which may hold a password. Absent when there is a pool. */
  readonly url?: string;
  readonly pool?: PostgresPool;
  readonly connectTimeoutMs: number;
  readonly answerTimeoutMs: number;
  readonly resolveTimeoutMs: number;
}

const OPTIONS = optionNames<PostgresLocation>({
  url: true,
  pool: true,
  log: true,
  connectTimeoutMs: true,
  answerTimeoutMs: true,
  resolveTimeoutMs: true,
});

/** A call that waits longer than this is better refused. */
const MAX_WAIT_MS = 600_000;

/**
 * Reads where a log is. Nothing is connected to.
 *
 * @throws TypeError naming what is wrong with it; a URL is not quoted, since a password may be in it.
 */
export function postgresTarget(location: string | PostgresPool | PostgresLocation): PostgresTarget {
  if (typeof location === "string") return postgresTarget({ url: location });
  if ("connect" in location) return postgresTarget({ pool: location });
  checkOptionNames("auditLog", location, OPTIONS);
  const { url, pool, log } = location;
  if ((url === undefined) === (pool === undefined)) throw new TypeError("auditLog must have one of url and pool");
  const timeouts = {
    connectTimeoutMs: milliseconds(location, "connectTimeoutMs", 5_000, MAX_WAIT_MS),
    answerTimeoutMs: milliseconds(location, "answerTimeoutMs", 10_000, MAX_WAIT_MS),
    resolveTimeoutMs: milliseconds(location, "resolveTimeoutMs", 30_000, MAX_WAIT_MS),
  };
  if (url !== undefined) return { ...urlTarget(url, log), ...timeouts };
  if (typeof pool?.connect !== "function") throw new TypeError("auditLog.pool must be a Pool of the package pg");
  const named = logName(log);
  return {
    name: `PostgreSQL log ${named}`,
    key: `${poolKey(pool)} ${named}`,
    log: named,
    pool,
    ...timeouts,
  };
}

function urlTarget(text: string, log: string | undefined): Pick<PostgresTarget, "name" | "key" | "log" | "url"> {
  const { url, name, log: inUrl } = readUrl(text);
  const named = logName(log ?? inUrl);
  // All of the URL, since anything in it may lead elsewhere; digested, since a password may be in it.
  return { name: `${name}?log=${encodeURIComponent(named)}`, key: `${sha256(url)} ${named}`, log: named, url };
}

function logName(name: string = "default"): string {
  if (typeof name !== "string" || !/^[^\p{Cc}\p{Cs}]{1,200}$/u.test(name)) {
    throw new TypeError("auditLog must name a log by 1 to 200 characters, none of them a control character");
  }
  return name;
}

function milliseconds(
  location: PostgresLocation,
  name: "connectTimeoutMs" | "answerTimeoutMs" | "resolveTimeoutMs",
  standard: number,
  most: number,
): number {
  const value = location[name] ?? standard;
  if (!(Number.isInteger(value) && value >= 1 && value <= most)) {
    throw new TypeError(`auditLog.${name} must be a whole number of milliseconds from 1 to ${most}`);
  }
  return value;
}

const poolKeys = new WeakMap<PostgresPool, string>();

function poolKey(pool: PostgresPool): string {
  const key = poolKeys.get(pool) ?? randomUUID();
  poolKeys.set(pool, key);
  return key;
}

/** How long the server waits for another writer, in milliseconds: it gives up, and says so, before we stop listening. */
export function lockWait(answerTimeoutMs: number): number {
  return Math.ceil(answerTimeoutMs / 2);
}
