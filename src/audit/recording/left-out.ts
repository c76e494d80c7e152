/** Finds in a record what was left out of it: named members, recognised secrets, and the ends of long texts. */

import type { DecisionEntry } from "../format/entry.ts";
import { MAX_TEXT, pathsBelow, REDACTED, type Rest } from "./redact.ts";

/** A place of which the record does not say all. */
export interface LeftOut {
  /** The members that lead there; empty for the whole. */
  readonly path: readonly string[];
  /** What is recorded of a text that lacks a part, piece by piece; absent when nothing of the value is known. */
  readonly pieces?: readonly string[];
}

const WHOLE: readonly LeftOut[] = [{ path: [] }];

const NOTHING: readonly LeftOut[] = [];

/** Levels that are looked into: what is nested more deeply was never recorded, and nothing is known of it. */
const MAX_LEVELS = 100;

/** What stands where a secret was, its format inside. */
const SECRET = /\[redacted: [^\]]*\]/;
const SECRET_BEGINS = "[redacted: ";

/** What {@link LeftOut} a decision's payload has. Everything, when none was recorded. */
export function leftOutOfPayload({ payload, redacted, cut }: DecisionEntry): readonly LeftOut[] {
  if (!isMapping(payload)) return WHOLE;
  if (redacted === undefined && cut === undefined) return NOTHING;
  const paths: unknown = redacted ?? [];
  if (!Array.isArray(paths) || !paths.every((path) => typeof path === "string")) return WHOLE;
  const rests = paths.map((path: string) => ({ path, rest: path }));
  return find(payload, { rests, hasSecrets: paths.length > 0, isCut: cut !== undefined });
}

/** What {@link LeftOut} a decision's context has. Nothing, when the host said nothing. */
export function leftOutOfContext({ context, contextCut }: DecisionEntry): readonly LeftOut[] {
  if (context === undefined) return contextCut === undefined ? NOTHING : WHOLE;
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

function find(value: unknown, recording: Recording, level = 1): readonly LeftOut[] {
  if (typeof value === "string") return inText(value, recording);
  if (typeof value !== "object" || value === null) return NOTHING;
  if (level > MAX_LEVELS) return WHOLE;
  const { rests, hasSecrets } = recording;
  let found: LeftOut[] | undefined;
  for (const [name, member] of Object.entries(value) as [string, unknown][]) {
    // A name without its secret may be that of any other member.
    if (hasSecrets && !Array.isArray(value) && isMarked(name)) return WHOLE;
    if (member === REDACTED && rests.some(({ rest }) => rest === name || rest === "*")) {
      (found ??= []).push({ path: [name] });
      continue;
    }
    const below = rests.length === 0 ? recording : { ...recording, rests: pathsBelow(rests, name) };
    const within = find(member, below, level + 1);
    for (const left of within) (found ??= []).push({ ...left, path: [name, ...left.path] });
  }
  return found ?? NOTHING;
}

function inText(text: string, { hasSecrets, isCut }: Recording): readonly LeftOut[] {
  const end = isCut && /^\[cut: \d+ more characters\]$/.test(text.slice(MAX_TEXT));
  if (!end && !(hasSecrets && isMarked(text))) return NOTHING;
  const known = end ? beforeCut(text.slice(0, MAX_TEXT)) : text;
  const pieces = hasSecrets ? known.split(SECRET) : [known];
  return [{ path: [], pieces: pieces.filter((piece) => piece !== "") }];
}

function isMarked(text: string): boolean {
  return text.includes(SECRET_BEGINS) && SECRET.test(text);
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
