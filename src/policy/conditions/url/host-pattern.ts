/** Patterns for host names: a name, an address, `*.` before a name for every name below it, `*` for every public host. */

import { readHost, type Host } from "./host.ts";

/** A pattern, compiled. */
export interface HostPattern {
  readonly matches: (host: Host) => boolean;
  /** Whether it names hosts that are not public itself, so that nobody is surprised when it matches one. */
  readonly isPrivate: boolean;
}

/** Compiles a pattern; answers the problem, as the rest of a sentence about it, when it is none. */
export function compileHostPattern(pattern: string): HostPattern | string {
  if (pattern === "*") return { matches: () => true, isPrivate: false };
  const below = pattern.startsWith("*.");
  const named = below ? pattern.slice(2) : pattern;
  const host = named.includes("*") ? undefined : readHost(named);
  if (host === undefined || (below && host.isAddress)) {
    return "is not a host; write a name, an address, `*.` before a name, or `*`, without scheme, port or path";
  }
  const { name, isPrivate } = host;
  return { matches: below ? (asked) => asked.name.endsWith(`.${name}`) : (asked) => asked.name === name, isPrivate };
}
