/** Characters a reader cannot see: they make two names look the same, and let a text rewrite the line that shows it. */

const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** The first control, bidirectional, zero-width or otherwise invisible character, as `U+200B`; `undefined` if none. */
export function findInvisible(text: string): string | undefined {
  const found = INVISIBLE.exec(text)?.[0];
  return found === undefined ? undefined : codePointName(found);
}

/** The name of the first character of `text`, for example `U+200B`. */
export function codePointName(text: string): string {
  return `U+${(text.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}

/** `text` with U+FFFD in place of every UTF-16 unit of an invisible character or half a surrogate pair; as long as before. */
export function maskInvisible(text: string): string {
  return text.replace(UNPRINTABLE, (found) => "\uFFFD".repeat(found.length));
}
