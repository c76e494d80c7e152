/** Leaves named members of a payload out of the record. */

import type { Json, JsonObject } from "../snapshot.ts";

/** What stands in the record where a member was left out. */
export const REDACTED = "[redacted]";

/**
 * A copy of `payload` in which every member at one of `paths` (exact, dotted from the root) is replaced by
 * {@link REDACTED}, and the paths that were there. A path goes through list items by number, `items.0.card`, and also
 * finds a member whose own name has dots in it.
 */
export function redact(
  payload: JsonObject,
  paths: readonly string[],
): { readonly json: JsonObject; readonly paths: readonly string[] } {
  let json: Json = payload;
  const found: string[] = [];
  for (const path of paths) {
    const replaced = replace(json, path);
    if (replaced === json) continue;
    json = replaced;
    found.push(path);
  }
  return { json: json as JsonObject, paths: found };
}

/** `value` with what is at `path` replaced; `value` itself when nothing is there. */
function replace(value: Json, path: string): Json {
  if (typeof value !== "object" || value === null) return value;
  let changed = false;
  const members = Object.entries(value as JsonObject).map(([name, member]): [string, Json] => {
    const replaced = inMember(name, member, path);
    changed ||= replaced !== member;
    return [name, replaced];
  });
  if (!changed) return value;
  // fromEntries defines members, so that one called __proto__ stays a member.
  return Array.isArray(value) ? members.map(([, member]) => member) : Object.fromEntries(members);
}

function inMember(name: string, member: Json, path: string): Json {
  if (path === name) return REDACTED;
  return path.startsWith(`${name}.`) ? replace(member, path.slice(name.length + 1)) : member;
}
