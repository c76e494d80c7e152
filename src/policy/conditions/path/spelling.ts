/** Spellings of paths that readers disagree about, so that where they lead cannot be told from the text. */

import type { PathStyle } from "./location.ts";

/** Longest path that is read, in UTF-16 code units; PATH_MAX of Linux, and more than tools of other systems take. */
const MAX_PATH = 4096;

/** Most times that percent-encoded text is decoded again. */
const MAX_DECODED = 4;

type Spelling = readonly [pattern: RegExp, problem: string];

/** What only a shell, a URL library or a C string makes sense of, and what a terminal or an editor hides. */
const ANYWHERE: readonly Spelling[] = [
  [/^\s*$/, "is empty"],
  [/[\p{Cc}\u2028\u2029]/u, "has a control character"],
  [/[\p{Cf}\p{Default_Ignorable_Code_Point}]/u, "has an invisible character"],
  [/^\s*~/, "begins with ~, which shells and some tools read as a home directory"],
  [/\$[\w({]|`/, "has what a shell would replace"],
  [/[*?]|\{[^{}]*(?:,|\.\.)[^{}]*\}/, "has a wildcard"],
  [/^\s*\/\/(?!\/)/, "begins with two slashes, whose meaning POSIX leaves open"],
  [/^\s*(?:[A-Za-z][\w+.-]+:\/|file:)/i, "is a URL to some readers"],
  [
    /(?:^|[\\/])\s*(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)\s*(?:[.:][^\\/]*)?(?:[\\/]|$)/i,
    "names a device of Windows",
  ],
];

const DRIVE_OR_SHARE: Spelling = [/^\s*(?:[A-Za-z]:|\\\\)/, "begins with a drive or a share of Windows"];
const STREAM: Spelling = [/:/, "has a colon, which begins a stream in a file of Windows"];

/** By how the paths of a rule are written; where nothing tells, whatever is undecidable in any style is. */
const BY_STYLE: Readonly<Record<PathStyle, readonly Spelling[]>> = {
  posix: [DRIVE_OR_SHARE],
  unknown: [DRIVE_OR_SHARE, STREAM],
  windows: [
    [/^[\\/]/, "begins with a share, a device or the root of a drive that nobody knows"],
    [/^(?:[A-Za-z]:[^\\/]|[A-Za-z]:$)/, "is relative to the directory of a drive that nobody knows"],
    [/^[^:]{2,}:|:.*:|^:/s, "has a colon, which begins a stream in a file"],
    [/[<>"|]/, "has a character that no name on Windows has"],
    [
      /(?:^|[\\/])(?!\.{1,2}(?:[\\/]|$))[^\\/]*[. ](?:[\\/]|$)/,
      "has a name that ends in a dot or a blank, which Windows drops",
    ],
    [/~\d/, "may have a short name of Windows"],
  ],
};

/** Characters that change where a path leads. */
const SPECIAL = /[./\\~:*?$%\u2044\u2215\u29F5\u29F8\u29F9\uFE68]/gu;

/** Why readers disagree where the path leads, as the rest of a sentence about it; `undefined` when they agree. */
export function spellingProblem(path: string, style: PathStyle): string | undefined {
  if (path.length > MAX_PATH) return `is longer than ${MAX_PATH} characters`;
  for (const [pattern, problem] of [...ANYWHERE, ...BY_STYLE[style]]) if (pattern.test(path)) return problem;
  if (path.normalize("NFC") !== path)
    return "has letters and accents as characters of their own, which file systems join";
  if (specials(path.normalize("NFKC")) !== specials(path, true)) return "has characters that look like dots or slashes";
  return encodingProblem(path);
}

/** How many special characters there are; look-alikes are special to begin with, so that what has any differs from itself. */
function specials(text: string, onlyAscii = false): number {
  return (text.match(SPECIAL) ?? []).filter((each) => !onlyAscii || each < "\u0080").length;
}

/** To a file system a percent sequence is part of a name. What it may stand for must be as harmless as what is written. */
function encodingProblem(path: string): string | undefined {
  let text = path;
  for (let round = 0; round < MAX_DECODED; round += 1) {
    if (/%[A-Za-z_][\w()]*%/.test(text.replace(ENCODED, ""))) return "has what a Windows shell would replace";
    const decoded = decode(text);
    if (decoded === text) return undefined;
    if (decoded === undefined) return "has a percent sequence that stands for no ordinary character";
    text = decoded;
  }
  return "is percent-encoded several times";
}

const ENCODED = /(?:%[0-9A-Fa-f]{2})+/g;
const NOT_ORDINARY = /[./\\~:*?$`\p{Cc}\p{Cf}]/u;

/** `undefined` when the bytes are not UTF-8, or stand for what changes where a path leads. */
function decode(text: string): string | undefined {
  let isOrdinary = true;
  try {
    const decoded = text.replace(ENCODED, (run) => {
      const characters = decodeURIComponent(run);
      isOrdinary &&=
        !NOT_ORDINARY.test(characters.normalize("NFKC")) && specials(characters) === specials(characters, true);
      return characters;
    });
    return isOrdinary ? decoded : undefined;
  } catch {
    return undefined;
  }
}
