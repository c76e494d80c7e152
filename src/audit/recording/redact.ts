/** What of a payload may be recorded: named members left out, recognised secrets left out, long text cut. */

import type { Json, JsonObject } from "../../snapshot.ts";
import { withoutSecrets } from "./secrets.ts";

/** What stands in the record where a member was left out. */
export const REDACTED = "[redacted]";

/** A payload fit for the record. */
export interface Redaction {
  readonly json: JsonObject;
  /** The paths, and the formats of secrets, that something was left out for. */
  readonly redacted: readonly string[];
}

/**
 * A copy of `payload` without the members at `paths`, and without secrets that are recognised by their form. A path is
 * exact and dotted from the root; `*` in it stands for any one member; it goes through list items by number,
 * `items.0.card`, and also finds a member whose own name has dots in it.
 */
export function redact(payload: JsonObject, paths: readonly string[]): Redaction {
  const redacted = new Set<string>();
  const rests = paths.map((path) => ({ path, rest: path }));
  const json = hide(payload, rests, (reason) => redacted.add(reason)) as JsonObject;
  return { json, redacted: [...redacted] };
}

/** A path that was given, and what of it lies before us. */
export interface Rest {
  readonly path: string;
  readonly rest: string;
}

function hide(value: Json, rests: readonly Rest[], note: (reason: string) => void): Json {
  if (typeof value === "string") {
    const { text, found } = withoutSecrets(value);
    for (const format of found) note(format);
    return text;
  }
  const hidden = mapMembers(value, (name, member) => {
    const hit = rests.find(({ rest }) => rest === name || rest === "*");
    if (hit === undefined) return hide(member, pathsBelow(rests, name), note);
    note(hit.path);
    return REDACTED;
  });
  return hideNames(hidden, note);
}

/** Members whose own names hold a secret get the name without it, and a number where another has that name. */
function hideNames(value: Json, note: (reason: string) => void): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const names = Object.keys(value).map((name) => ({ name, ...withoutSecrets(name) }));
  if (names.every(({ found }) => found.length === 0)) return value;
  for (const format of names.flatMap(({ found }) => found)) note(format);
  const taken = new Set(names.flatMap(({ name, found }) => (found.length === 0 ? [name] : [])));
  const numbers = new Map<string, number>();
  const free = (text: string): string => {
    // Counted on from the last, since thousands may have the same.
    for (let number = (numbers.get(text) ?? 0) + 1; ; number++) {
      const candidate = number === 1 ? text : `${text} (${number})`;
      if (taken.has(candidate)) continue;
      numbers.set(text, number);
      taken.add(candidate);
      return candidate;
    }
  };
  return Object.fromEntries(
    names.map(({ name, text, found }) => [found.length === 0 ? name : free(text), (value as JsonObject)[name] as Json]),
  );
}

/** What of the paths lies before us once we have gone into the member `name`. */
export function pathsBelow(rests: readonly Rest[], name: string): readonly Rest[] {
  if (rests.length === 0) return rests;
  return rests.flatMap(({ path, rest }) =>
    [name, "*"].flatMap((head) => (rest.startsWith(`${head}.`) ? [{ path, rest: rest.slice(head.length + 1) }] : [])),
  );
}

/** Characters of one text that are recorded of a payload that would be too large as a whole. */
export const MAX_TEXT = 1_024;

/** Characters of a payload's JSON that are recorded at most. */
export const MAX_RECORDED = 65_536;

/**
 * `payload` with each long text cut, its length beyond said in a marker; `undefined` when it is too large even so. For
 * payloads over {@link MAX_RECORDED}.
 */
export function cutTexts(payload: JsonObject): JsonObject | undefined {
  const cut = (value: Json): Json => {
    if (typeof value !== "string") return mapMembers(value, (_, member) => cut(member));
    if (value.length <= MAX_TEXT) return value;
    return `${value.slice(0, MAX_TEXT).toWellFormed()}[cut: ${value.length - MAX_TEXT} more characters]`;
  };
  const json = cut(payload) as JsonObject;
  return JSON.stringify(json).length > MAX_RECORDED ? undefined : json;
}

/** `value` with its members replaced; `value` itself when none changes or it has none. */
function mapMembers(value: Json, replace: (name: string, member: Json) => Json): Json {
  if (typeof value !== "object" || value === null) return value;
  let changed = false;
  const members = Object.entries(value as JsonObject).map(([name, member]): [string, Json] => {
    const replaced = replace(name, member);
    changed ||= replaced !== member;
    return [name, replaced];
  });
  if (!changed) return value;
  // fromEntries defines members, so that one called __proto__ stays a member.
  return Array.isArray(value) ? members.map(([, member]) => member) : Object.fromEntries(members);
}
