/** Finds in a record what was left out of it: named members, recognised secrets, and the ends of long texts. */

import type { DecisionEntry } from "./entry.ts";
import { MAX_TEXT, pathsBelow, REDACTED, type Rest } from "./redact.ts";

/** A place of which the record does not say all. */
export interface LeftOut {
  /** The members that lead there; empty for the whole. */
  readonly path: readonly string[];
  /** What is recorded of a text that lacks a part, piece by piece; absent when nothing of the value is known. */
  readonly pieces?: readonly string[];
}

const WHOLE: readonly LeftOut[] = [{ path: [] }];

/** What stands where a secret was, its format inside. */
const SECRET = /\[redacted: [^\]]*\]/;
const SECRET_BEGINS = "[redacted: ";

/** What {@link LeftOut} a decision's payload has. Everything, when none was recorded. */
export function leftOutOfPayload({ payload, redacted, cut }: DecisionEntry): readonly LeftOut[] {
  if (!isMapping(payload)) return WHOLE;
  const paths: unknown = redacted ?? [];
  if (!Array.isArray(paths) || !paths.every((path) => typeof path === "string")) return WHOLE;
  return find(payload, {
    rests: paths.map((path: string) => ({ path, rest: path })),
    hasSecrets: paths.length > 0,
    isCut: cut !== undefined,
  });
}

/** What {@link LeftOut} a decision's context has. Nothing, when the host said nothing. */
export function leftOutOfContext({ context, contextCut }: DecisionEntry): readonly LeftOut[] {
  if (context === undefined) return contextCut === undefined ? [] : WHOLE;
  if (!isMapping(context)) return WHOLE;
  // Nothing but the marks themselves says that a context had secrets.
  return find(context, { rests: [], hasSecrets: true, isCut: contextCut !== undefined });
}

/** How a record was made. */
interface Recording {
  readonly rests: readonly Rest[];
  readonly hasSecrets: boolean;
  readonly isCut: boolean;
}

function find(value: unknown, { rests, hasSecrets, isCut }: Recording): readonly LeftOut[] {
  if (typeof value === "string") return inText(value, hasSecrets, isCut);
  if (typeof value !== "object" || value === null) return [];
  // A name without its secret may have been made the same as another's.
  if (hasSecrets && !Array.isArray(value) && Object.keys(value).some((name) => SECRET.test(name))) return WHOLE;
  return Object.entries(value).flatMap(([name, member]: [string, unknown]) => {
    if (member === REDACTED && rests.some(({ rest }) => rest === name || rest === "*")) return { path: [name] };
    const within = find(member, { rests: pathsBelow(rests, name), hasSecrets, isCut });
    return within.map((found) => ({ ...found, path: [name, ...found.path] }));
  });
}

function inText(text: string, hasSecrets: boolean, isCut: boolean): readonly LeftOut[] {
  const end = isCut && /^\[cut: \d+ more characters\]$/.test(text.slice(MAX_TEXT));
  const pieces = (end ? beforeCut(text.slice(0, MAX_TEXT)) : text).split(hasSecrets ? SECRET : /(?!)/);
  return end || pieces.length > 1 ? [{ path: [], pieces: pieces.filter((piece) => piece !== "") }] : [];
}

/** What of a text is sure to stand before the cut, which may have gone through a character or through a mark. */
function beforeCut(text: string): string {
  const whole = text.replace(/\uFFFD$/, "");
  const last = whole.lastIndexOf("[");
  const begun = last < 0 ? "" : whole.slice(last);
  const isMark = SECRET_BEGINS.startsWith(begun) || (begun.startsWith(SECRET_BEGINS) && !begun.includes("]"));
  return begun !== "" && isMark ? whole.slice(0, last) : whole;
}

function isMapping(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
