/** Globs over paths: `*`, `?` and `[…]` within a name, `**` for any number of names. Names that begin with a dot count. */

import { atMostMaybe, either, type Answer } from "../../answer.ts";
import { compileGlob, type Glob } from "../glob.ts";
import { fold, type Location, type PathStyle } from "./location.ts";

type Part = "**" | { readonly exact: Glob; readonly folded: Glob };

/** Answers for a location; `maybe` when only letters that some file systems take for the same make it match. */
export type PathGlob = (location: Location) => Answer;

/**
 * Compiles a glob. One without a slash is about the last name, wherever it is; one that begins with a slash or a drive is
 * about the whole path. Any other is about the path below one of `origins`, or, where nobody knows where paths begin,
 * about any ending of the path: then it may match.
 */
export function compilePathGlob(pattern: string, style: PathStyle, origins: readonly Location[]): PathGlob {
  const text = style === "windows" ? pattern.replaceAll("\\", "/").toLowerCase() : pattern;
  const parts = compileParts(text);
  const anywhere = parts[0] === "**" ? parts : (["**", ...parts] as const);
  if (!text.includes("/")) return (location) => matches(anywhere, location.segments);
  if (text.startsWith("/") || (style === "windows" && /^[a-z]:/.test(text)))
    return ({ absolute, segments }) => (absolute ? matches(parts, segments) : ending(parts, segments));
  return (location) => {
    const { absolute, above, segments } = location;
    if (!absolute && above === 0) return matches(parts, segments);
    const below = origins.filter((origin) => startsAt(location, origin));
    if (below.length === 0)
      return parts === anywhere ? matches(parts, segments) : atMostMaybe(matches(anywhere, segments));
    return below.reduce<Answer>(
      (answer, origin) => either(answer, matches(parts, segments.slice(origin.segments.length))),
      "no",
    );
  };
}

/** What {@link compilePathGlob} does for the text of a path whose segments are known to be all of it, as in a URL. */
export function compileWholeGlob(pattern: string): (segments: readonly string[]) => Answer {
  const parts = compileParts(pattern);
  return (segments) => matches(parts, segments);
}

function compileParts(text: string): readonly Part[] {
  return text
    .split("/")
    .filter((name) => name !== "" && name !== ".")
    .map((name) => (name === "**" ? name : { exact: compileGlob(name), folded: compileGlob(fold(name)) }));
}

function startsAt(location: Location, origin: Location): boolean {
  return (
    location.absolute === origin.absolute &&
    location.above === origin.above &&
    origin.segments.every((segment, index) => segment === location.segments[index])
  );
}

/** A path below an unknown directory may be what an absolute glob is about. */
function ending(parts: readonly Part[], segments: readonly string[]): Answer {
  for (let from = 0; from < parts.length; from += 1) if (matches(parts.slice(from), segments) !== "no") return "maybe";
  return "no";
}

function matches(parts: readonly Part[], segments: readonly string[]): Answer {
  if (matchesAs(parts, segments, ({ exact }, segment) => exact(segment))) return "yes";
  return matchesAs(parts, segments.map(fold), ({ folded }, segment) => folded(segment)) ? "maybe" : "no";
}

/** Goes back to the last `**` only: what an earlier one took need never be taken again. */
function matchesAs(
  parts: readonly Part[],
  segments: readonly string[],
  fits: (part: Exclude<Part, "**">, segment: string) => boolean,
): boolean {
  let part = 0;
  let at = 0;
  let star = -1;
  let resume = 0;
  while (at < segments.length) {
    const current = parts[part];
    if (current === "**") {
      star = part;
      resume = at;
      part += 1;
    } else if (current !== undefined && fits(current, segments[at] ?? "")) {
      part += 1;
      at += 1;
    } else if (star === -1) {
      return false;
    } else {
      part = star + 1;
      resume += 1;
      at = resume;
    }
  }
  while (parts[part] === "**") part += 1;
  return part === parts.length;
}
