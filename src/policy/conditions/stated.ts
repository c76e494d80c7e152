/**
 * Which values of a payload a condition is about: those of the fields it names, or of the fields that usually hold such
 * things.
 */

import type { Json, JsonObject } from "../../snapshot.ts";
import { oneOrList, type JsonSchema } from "../document/json-schema.ts";
import { listed } from "./condition.ts";

/** A value and the field it stands in. Members of a list come one by one. */
interface Stated {
  readonly field: string;
  readonly value: Json;
}

/** Finds the values; none when no such field is there. */
export type FindStated = (payload: JsonObject) => readonly Stated[];

/** Dots separate the keys that lead to a field. */
export const FIELD_SYNTAX = "^[^.\\s][^.]*(?:\\.[^.]+){0,15}$";

/** The key `field` of a condition that is about certain fields. */
export const FIELD: JsonSchema = oneOrList(
  { title: "names of fields joined by dots", type: "string", minLength: 1, maxLength: 1024, pattern: FIELD_SYNTAX },
  "a list of fields",
  "The payload's field, or fields, that this is about; dots lead inwards. Default: those that usually hold it.",
);

/** Finds the fields that a condition names under `field`, or else those of `usual` at the top of the payload. */
export function statedIn(field: unknown, usual: readonly string[]): FindStated {
  const paths = (field === undefined ? usual : listed(field)).map((each) => String(each));
  return (payload) => {
    const found: Stated[] = [];
    for (const path of paths) follow(payload, path.split("."), path, found);
    return found;
  };
}

/**
 * As {@link statedIn}, and where there is no such field, the payload's only text. When it has several texts, nobody can tell
 * which one it is: then a value that no reader takes for text.
 */
export function textStatedIn(field: unknown, usual: readonly string[]): FindStated {
  const find = statedIn(field, usual);
  if (field !== undefined) return find;
  return (payload) => {
    const found = find(payload);
    if (found.length > 0) return found;
    const texts: Stated[] = [];
    collectTexts(payload, "", texts);
    return texts.length < 2 ? texts : [{ field: "one of several texts", value: null }];
  };
}

function follow(value: Json | undefined, keys: readonly string[], field: string, found: Stated[]): void {
  if (Array.isArray(value)) {
    for (const member of value as readonly Json[]) follow(member, keys, field, found);
    return;
  }
  const [key, ...rest] = keys;
  if (key === undefined) found.push({ field, value: value ?? null });
  else if (typeof value === "object" && value !== null && Object.hasOwn(value, key))
    follow((value as JsonObject)[key], rest, field, found);
}

/** Stops at the second: one more than there may be. */
function collectTexts(value: Json, field: string, texts: Stated[]): void {
  if (texts.length > 1) return;
  if (typeof value === "string") texts.push({ field, value });
  else if (typeof value === "object" && value !== null)
    for (const [key, member] of Object.entries(value))
      collectTexts(member, field === "" ? key : `${field}.${key}`, texts);
}
