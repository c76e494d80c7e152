/** Globs over one text: `*` is any run of characters, `?` is one, `[abc]` and `[!a-z]` are classes. Case counts. */

type Part =
  | "*"
  | "?"
  | { readonly literal: string }
  | { readonly ranges: readonly (readonly [string, string])[]; readonly not: boolean };

/** Answers whether a whole text matches. Takes at most text times pattern steps. */
export type Glob = (text: string) => boolean;

/** Compiles a glob. A `[` that no `]` closes stands for itself. */
export function compileGlob(pattern: string): Glob {
  if (!/[*?[]/.test(pattern)) return (text) => text === pattern;
  const parts = partsOf(Array.from(pattern));
  return (text) => matches(parts, Array.from(text));
}

function partsOf(pattern: readonly string[]): readonly Part[] {
  const parts: Part[] = [];
  for (let at = 0; at < pattern.length; at += 1) {
    const character = pattern[at] ?? "";
    if (character === "*" || character === "?") {
      if (character === "?" || parts.at(-1) !== "*") parts.push(character);
      continue;
    }
    const end = character === "[" ? classEnd(pattern, at) : -1;
    if (end === -1) {
      parts.push({ literal: character });
    } else {
      parts.push(classOf(pattern.slice(at + 1, end)));
      at = end;
    }
  }
  return parts;
}

/** Where the class that opens at `start` closes; a `]` right at its beginning belongs to it. */
function classEnd(pattern: readonly string[], start: number): number {
  const first = start + (pattern[start + 1] === "!" ? 2 : 1);
  return pattern.indexOf("]", first + (pattern[first] === "]" ? 1 : 0));
}

function classOf(content: readonly string[]): Part {
  const not = content[0] === "!";
  const members = not ? content.slice(1) : content;
  const ranges: (readonly [string, string])[] = [];
  for (let at = 0; at < members.length; at += 1) {
    const from = members[at] ?? "";
    const to = members[at + 1] === "-" ? members[at + 2] : undefined;
    ranges.push([from, to ?? from]);
    if (to !== undefined) at += 2;
  }
  return { ranges, not };
}

/** Goes back to the last `*` only: what an earlier one took need never be taken again. */
function matches(parts: readonly Part[], text: readonly string[]): boolean {
  let part = 0;
  let at = 0;
  let star = -1;
  let resume = 0;
  while (at < text.length) {
    if (parts[part] === "*") {
      star = part;
      resume = at;
      part += 1;
    } else if (fits(parts[part], text[at] ?? "")) {
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
  while (parts[part] === "*") part += 1;
  return part === parts.length;
}

function fits(part: Part | undefined, character: string): boolean {
  if (part === undefined || part === "*") return false;
  if (part === "?") return true;
  if ("literal" in part) return part.literal === character;
  const code = character.codePointAt(0) ?? 0;
  const inside = part.ranges.some(
    ([from, to]) => code >= (from.codePointAt(0) ?? 0) && code <= (to.codePointAt(0) ?? 0),
  );
  return inside !== part.not;
}
