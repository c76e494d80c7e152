/** A URL as the URL standard (WHATWG) reads it, with what other readers may take differently. */

import { readHost, type Host } from "./host.ts";

/** Longest URL that is read, in UTF-16 code units. */
const MAX_URL = 16_384;

/** A URL with a host. */
export interface ReadUrl {
  /** Without the colon. */
  readonly scheme: string;
  readonly host: Host;
  /** The port, also where the scheme implies it; `undefined` when nothing does. */
  readonly port: number | undefined;
  readonly isDefaultPort: boolean;
  /** The names in the path, percent-decoded; `undefined` when servers may divide it differently. */
  readonly path: readonly string[] | undefined;
  /** Whether it has a user name or password, by which tools send secrets and people are deceived. */
  readonly hasCredentials: boolean;
  /** Why readers may disagree whom this leads to, as the rest of a sentence about it. */
  readonly doubt: string | undefined;
}

/** What is known about a text that is no URL with a host. */
export interface NoUrl {
  /** The scheme, when at least that is certain. */
  readonly scheme: string | undefined;
  readonly problem: string;
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { http: 80, https: 443, ws: 80, wss: 443, ftp: 21 };

/** What the URL standard drops, and other readers do not. */
const DROPPED = /[\p{Cc}\p{Cf}\u2028\u2029\p{Default_Ignorable_Code_Point}]|^\s|\s$/u;

/** Whether URLs of this scheme have a host. */
export function isWeb(scheme: string): boolean {
  return Object.hasOwn(DEFAULT_PORTS, scheme);
}

/** Reads a URL. Never throws. */
export function readUrl(text: string): ReadUrl | NoUrl {
  if (text.trim() === "") return { scheme: undefined, problem: "is empty" };
  if (text.length > MAX_URL) return { scheme: undefined, problem: `is longer than ${MAX_URL} characters` };
  if (DROPPED.test(text)) return { scheme: undefined, problem: "has characters that some readers drop" };
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) return { scheme, problem: "has no scheme" };
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return { scheme, problem: "is no URL" };
  }
  // The authority as RFC 3986 divides it.
  const authority = /^[^:]*:\/\/([^/?#]*)/.exec(text)?.[1] ?? "";
  const host = readHost(url.hostname);
  if (host === undefined || !isWeb(scheme)) return { scheme, problem: "has no host that can be read" };
  const port = url.port === "" ? DEFAULT_PORTS[scheme] : Number(url.port);
  return {
    scheme,
    host,
    port,
    isDefaultPort: url.port === "",
    path: namesOf(url.pathname),
    hasCredentials: authority.includes("@"),
    doubt: doubtAbout(text, authority),
  };
}

function doubtAbout(text: string, authority: string): string | undefined {
  if (!/^[^:]*:\/\/[^/]/.test(text)) return "does not have exactly two slashes before its host";
  if (authority.includes("\\")) return "has a backslash before or in its host";
  if (/^[^:]*:\/\/[^/?#]*[?#][^/]*@/.test(text)) return "has no slash after its host, and an @ further on";
  const afterUser = authority.replace(/^[^@]*@/, "");
  const [, written] = /^([^:@]+|\[[^\]@]*\])(?::\d*)?$/.exec(afterUser) ?? [];
  if (written === undefined) return "has a host and port that can be divided in several ways";
  if (/^\.|\.\.|\*/.test(written)) return "has a host that is no name";
  return readHost(written)?.isPlain === true ? undefined : "spells its host in an unusual way";
}

/** Percent-decoded once, as servers do. What would then be divided, or decoded again, is not certain. */
function namesOf(pathname: string): readonly string[] | undefined {
  const names = pathname.split("/").slice(1);
  if (names.at(-1) === "") names.pop();
  const decoded: string[] = [];
  for (const name of names) {
    const read = decode(name);
    if (read === undefined || /[/\\%\p{Cc}]|^$|^\.{1,2}(?:;|$)/u.test(read)) return undefined;
    decoded.push(read);
  }
  return decoded;
}

function decode(name: string): string | undefined {
  try {
    return decodeURIComponent(name);
  } catch {
    return undefined;
  }
}
