/** Where a path leads, by its text alone: segments below a root, or below a working directory that nobody knows. */

import type { Answer } from "../../answer.ts";

/** How paths are written where a rule applies: as its own directories are. */
export type PathStyle = "posix" | "windows" | "unknown";

/** A path as segments below a root, or below a working directory. A drive is the first segment below the root. */
export interface Location {
  readonly absolute: boolean;
  /** Whether it begins with `./` or `../`, so that it can be nothing but a path. */
  readonly explicit: boolean;
  readonly segments: readonly string[];
  /** How many directories above the working directory it starts. */
  readonly above: number;
}

const DRIVE = /^[A-Za-z]:[\\/]/;

/** The style of a directory that a rule names. A relative one has none. */
export function styleOf(directory: string): PathStyle {
  if (DRIVE.test(directory) || directory.startsWith("\\\\")) return "windows";
  return directory.startsWith("/") ? "posix" : "unknown";
}

/** Follows `.` and `..` in the text, as every reader does that does not resolve links first. */
export function locate(path: string, style: PathStyle = "posix"): Location {
  const text = style === "windows" ? path.replaceAll("\\", "/").toLowerCase() : path;
  const hasDrive = style === "windows" && DRIVE.test(text);
  const absolute = text.startsWith("/") || hasDrive;
  const explicit = absolute || /^\.\.?\//.test(text);
  const segments: string[] = [];
  let above = 0;
  for (const segment of text.split("/")) {
    if (segment === "" || segment === ".") continue;
    if (segment !== "..") segments.push(segment);
    else if (segments.length > (hasDrive ? 1 : 0)) segments.pop();
    else if (!absolute) above += 1;
  }
  return { absolute, explicit, segments, above };
}

/** Where a relative location leads from `origin`; an absolute one leads where it does. */
export function resolveFrom(origin: Location, location: Location): Location {
  if (location.absolute) return location;
  const root = origin.absolute && origin.segments[0]?.endsWith(":") === true ? 1 : 0;
  const kept = origin.segments.slice(0, Math.max(root, origin.segments.length - location.above));
  const beyond = Math.max(0, location.above - origin.segments.length);
  return {
    absolute: origin.absolute,
    explicit: true,
    segments: [...kept, ...location.segments],
    above: origin.absolute ? 0 : origin.above + beyond,
  };
}

/**
 * Whether `location` is `directory` or below it. `maybe` when that depends on the working directory, on whether a bare name
 * is looked up there, or on whether letters that are alike are the same.
 */
export function isWithin(location: Location, directory: Location, alike: Fold = fold): Answer {
  if (location.absolute !== directory.absolute)
    return location.above > 0 || passesThrough(location, directory, alike) ? "maybe" : "no";
  if (location.above !== directory.above) return location.above > directory.above ? "maybe" : "no";
  const { segments } = directory;
  if (location.segments.length < segments.length) return "no";
  if (segments.every((segment, index) => segment === location.segments[index]))
    return location.explicit || !directory.explicit ? "yes" : "maybe";
  return segments.every((segment, index) => alike(segment) === alike(location.segments[index] ?? "")) ? "maybe" : "no";
}

/** Whether an absolute path has a directory of that name, which is the one that is meant or another. */
function passesThrough({ absolute, segments }: Location, directory: Location, alike: Fold): boolean {
  const names = directory.segments;
  if (!absolute || names.length === 0) return false;
  return segments.some((_, start) =>
    names.every((name, index) => alike(name) === alike(segments[start + index] ?? "")),
  );
}

/** Makes names the same that some file system takes for the same. */
export type Fold = (name: string) => string;

/** Takes compatibility forms of letters for those letters: full-width ones, ligatures. */
export const foldForms: Fold = (name) => name.normalize("NFKC");

/** Takes capitals for small letters too. */
export const fold: Fold = (name) => foldForms(name).toUpperCase().toLowerCase();
