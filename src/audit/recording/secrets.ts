/** Finds secrets by their form, for those that nobody thought to name. */

import { FORMATS } from "./secret-formats.ts";

const SEARCHES = FORMATS.map(({ name, begins: { source }, rest, after, keepsBeginning = false }) => {
  // The beginning first, which is quickly looked for, and what lies before it only then.
  const behind = after === undefined ? "" : `(?<=(?:${after})(?:${source}))`;
  return { name, keepsBeginning, pattern: new RegExp(`(${source})${behind}${rest.source}`, "g") };
});

/** What has no beginning of a secret has no secret, and one look at it will do. */
const BEGINNING = new RegExp(FORMATS.map(({ begins }) => begins.source).join("|"));

/**
 * Whether a secret may be in `text`. For canonical JSON text too, which escapes no character of any beginning (RFC 8785,
 * 3.2.2.2).
 */
export function mayHoldSecrets(text: string): boolean {
  return BEGINNING.test(text);
}

/** `text` with every secret that is recognised replaced by `[redacted: <format>]`, and the formats that were found. */
export function withoutSecrets(text: string): { readonly text: string; readonly found: readonly string[] } {
  if (!mayHoldSecrets(text)) return { text, found: [] };
  // All are looked for in the text as it was: one that was replaced would hide another that it is a part of.
  const secrets = SEARCHES.flatMap(({ name, keepsBeginning, pattern }) =>
    Array.from(text.matchAll(pattern), ({ 0: { length }, 1: begins = "", index }) => ({
      name,
      from: keepsBeginning ? index + begins.length : index,
      to: index + length,
    })),
  );
  const found = [...new Set(secrets.map(({ name }) => name))];
  let safe = "";
  let end = 0;
  for (const { name, from, to } of secrets.toSorted((a, b) => a.from - b.from || b.to - a.to)) {
    if (from >= end) safe += `${text.slice(end, from)}[redacted: ${name}]`;
    end = Math.max(end, to);
  }
  return { text: safe + text.slice(end), found };
}
