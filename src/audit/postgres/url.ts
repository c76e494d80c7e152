/** Reads the URL that names a log in a PostgreSQL database. A password may be in it, so no message quotes anything of it. */

/** Whether text names a log in a PostgreSQL database, and not a file. */
export function isPostgresUrl(text: string): boolean {
  return /^postgres(?:ql)?:/i.test(text);
}

/** What a URL says. */
interface ReadUrl {
  /** What `pg` is given. */
  readonly url: string;
  /** What messages say; no password is in it. */
  readonly name: string;
  readonly log: string | undefined;
}

/** The query parameters that `pg` reads from a URL, and ours. Any other is a slip that could lead to the wrong log. */
const PARAMETERS: ReadonlySet<string> = new Set([
  "log",
  "host",
  "port",
  "user",
  "password",
  "ssl",
  "sslmode",
  "sslcert",
  "sslkey",
  "sslrootcert",
  "sslnegotiation",
  "uselibpqcompat",
  "application_name",
  "fallback_application_name",
  "options",
  "statement_timeout",
  "lock_timeout",
  "idle_in_transaction_session_timeout",
  "query_timeout",
]);

/**
 * What a URL says, as `pg` will read it; the parameter `log` is taken out.
 *
 * @throws TypeError when it is none, or says what `pg` would not hear.
 */
export function readUrl(text: string): ReadUrl {
  const url = parsed(text);
  for (const name of new Set(url.searchParams.keys())) {
    // Not quoted: it may be what follows a ? in a password.
    if (!PARAMETERS.has(name)) {
      throw new TypeError(
        `auditLog's URL has a query parameter that is not known. Known are ${[...PARAMETERS].join(", ")}`,
      );
    }
    if (url.searchParams.getAll(name).length > 1) throw new TypeError(`auditLog's URL has more than one ${name}`);
  }
  if (`${url.hostname}${url.searchParams.get("host") ?? ""}`.includes(",")) throw new TypeError(ONE_HOST);
  const log = url.searchParams.get("log") ?? undefined;
  url.searchParams.delete("log");
  return { url: url.href, name: `postgres://${serverOf(url)}${url.pathname}`, log };
}

/** User, host and port as `pg` takes them: what a query parameter says goes before what stands in the usual place. */
function serverOf({ searchParams, username, hostname, port: usual }: URL): string {
  const said = (name: string): string | undefined => {
    const value = searchParams.get(name);
    return value === null ? undefined : encodeURI(value);
  };
  const user = said("user") ?? username;
  const host = said("host") ?? hostname;
  const port = said("port") ?? usual;
  return `${user && `${user}@`}${host}${port && `:${port}`}`;
}

const NO_URL = "auditLog must be a URL of the form postgres://user@host:port/database?log=name";

const ONE_HOST =
  "auditLog's URL must name one host, since pg connects to one. Name an address that moves to the new primary";

function parsed(text: string): URL {
  let url: URL;
  try {
    if (!isPostgresUrl(text)) throw new TypeError("another scheme");
    // PostgreSQL's own form for a socket has a user and no host, which other URLs can't; the parameter is what counts.
    const hosted = /[?&]host=/.test(text) ? text.replace(/^(\w+:\/\/[^/@?#]*@)\//, "$1localhost/") : text;
    url = new URL(hosted);
    decodeURIComponent(`${url.username}${url.password}${url.pathname}`);
  } catch {
    throw new TypeError(NO_URL);
  }
  // A password with a character that had to be percent-encoded: its beginning must not count as a port, and be shown.
  if (url.hash !== "" || url.pathname.includes("@")) throw new TypeError(NO_URL);
  return url;
}
