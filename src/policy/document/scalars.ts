/** The values of scalars, as the core schema of YAML 1.2 resolves them. */

import {
  boolCoreTag,
  floatCoreTag,
  getScalarValue,
  intCoreTag,
  NOT_RESOLVED,
  nullCoreTag,
  SCALAR_STYLE,
  type ScalarEvent,
} from "js-yaml";

const IMPLICIT = [nullCoreTag, boolCoreTag, intCoreTag, floatCoreTag] as const;

/** The implicit types a plain scalar may have, by its first character. Most begin with a letter that leaves none. */
const BY_FIRST: ReadonlyMap<string, readonly (typeof IMPLICIT)[number][]> = new Map(
  [...new Set(IMPLICIT.flatMap((tag) => tag.implicitFirstChars ?? []))].map((first) => [
    first,
    IMPLICIT.filter((tag) => tag.implicitFirstChars?.includes(first) === true),
  ]),
);

/** The value of one scalar. Its tag and anchor are left out: they are refused elsewhere. */
export function scalarValue(text: string, event: ScalarEvent): unknown {
  const written = getScalarValue(text, event);
  if (event.style !== SCALAR_STYLE.PLAIN) return written;
  for (const tag of BY_FIRST.get(written.charAt(0)) ?? []) {
    const value: unknown = tag.resolve(written, false, tag.tagName);
    if (value !== NOT_RESOLVED) return value;
  }
  return written;
}
