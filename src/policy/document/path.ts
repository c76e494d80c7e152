/** Where something is in a policy document: the keys and list positions that lead to it. */

import { maskInvisible } from "../invisible.ts";

/** Keys, and positions in lists counted from 0, from the outside in; empty for the document itself. */
export type Path = readonly (string | number)[];

const PLAIN_KEY = /^[A-Za-z_][A-Za-z0-9_-]*$/;
const MAX_KEY_SHOWN = 60;
const MAX_FILE_SHOWN = 4096;

/** `["deny", 0, "contains"]` as `deny[0].contains`; other keys than words are quoted, and long ones cut. */
export function formatPath(path: Path): string {
  return path
    .map((part) => {
      if (typeof part === "number") return `[${part}]`;
      return PLAIN_KEY.test(part) ? `.${shorten(part)}` : `[${JSON.stringify(maskInvisible(shorten(part)))}]`;
    })
    .join("")
    .replace(/^\./, "");
}

/** A key as messages show it: quoted, with no character that a terminal would act on, and cut when long. */
export function showKey(key: string): string {
  return `\`${maskInvisible(shorten(key))}\``;
}

/** A file's name as messages show it: quoted, harmless to a terminal, and cut only when no file system would take it. */
export function showFile(name: string): string {
  return `\`${maskInvisible(name.slice(0, MAX_FILE_SHOWN))}\``;
}

function shorten(key: string): string {
  return key.length > MAX_KEY_SHOWN ? `${key.slice(0, MAX_KEY_SHOWN)}…` : key;
}
