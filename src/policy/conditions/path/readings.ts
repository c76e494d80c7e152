/** Every way in which a tool may read the text of a path, without looking at a disk. */

import { locate, type Location, type PathStyle } from "./location.ts";

/**
 * Where `path` leads, to each reader that would take it differently: one that trims white space or quotes, and, unless paths
 * are those of Windows anyway, one for whom a backslash separates.
 */
export function readingsOf(path: string, style: PathStyle): readonly Location[] {
  const trimmed = path.trim();
  const texts = [path, trimmed, trimmed.replace(/^(["'])(.*)\1$/s, "$2")];
  const all = style === "windows" ? texts : [...texts, ...texts.map(asOnWindows)];
  return [...new Set(all)].map((text) => locate(text, style));
}

/** Windows drops blanks and dots after two dots. */
function asOnWindows(path: string): string {
  return path.replaceAll("\\", "/").replace(/(^|\/)\.\.[. ]* [. ]*(?=\/|$)/g, "$1..");
}
