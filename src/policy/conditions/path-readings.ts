/** Where a path leads: every way in which a tool may read what is written, without looking at a disk. */

/** A path as segments below `/`, or below a working directory that nobody knows. */
export interface Location {
  readonly absolute: boolean;
  /** Whether it begins with `./` or `../`, so that it can be nothing but a path. */
  readonly explicit: boolean;
  readonly segments: readonly string[];
  /** How many directories above the working directory it starts. */
  readonly above: number;
}

/**
 * What readers disagree about: what only a shell, a URL library or a C string makes sense of, two slashes at the beginning
 * (POSIX leaves their meaning open), and characters that file systems fold into others.
 */
const UNDECIDABLE =
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  /^~|^\/\/(?!\/)|[\u0000-\u001f\u007f`]|\$[\w({]|%[0-9A-Fa-f]{2}|%\w+%|^[A-Za-z][A-Za-z0-9+.-]*:|\p{Default_Ignorable_Code_Point}/u;

/** Whether the path may lead anywhere, depending on who reads it. */
export function isUndecidable(path: string): boolean {
  return UNDECIDABLE.test(path) || path.normalize("NFKC") !== path;
}

/** Where `path` leads: as written, and as a reader would take it for whom a backslash separates. */
export function readingsOf(path: string): readonly Location[] {
  return path.includes("\\") ? [locate(path), locate(path.replaceAll("\\", "/"))] : [locate(path)];
}

/** Follows `.` and `..` in the text, as every reader does that does not resolve links first. */
export function locate(path: string): Location {
  const absolute = path.startsWith("/");
  const explicit = absolute || /^\.\.?\//.test(path);
  const segments: string[] = [];
  let above = 0;
  for (const segment of path.split("/")) {
    if (segment === "" || segment === ".") continue;
    if (segment !== "..") segments.push(segment);
    else if (segments.pop() === undefined && !absolute) above += 1;
  }
  return { absolute, explicit, segments, above };
}

/**
 * Whether `location` is `directory` or below it; `undefined` when that depends on the working directory, or on whether a
 * bare name is looked up there.
 */
export function isWithin(location: Location, directory: Location): boolean | undefined {
  if (location.absolute !== directory.absolute) return location.above > 0 ? undefined : false;
  if (location.above !== directory.above) return location.above > directory.above ? undefined : false;
  if (!directory.segments.every((segment, index) => segment === location.segments[index])) return false;
  return location.explicit || !directory.explicit ? true : undefined;
}
