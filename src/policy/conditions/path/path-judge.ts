/** What a rule says about paths, compiled: which directories they are to be in and which globs they are to match. */

import { alike, both, either, type Answer } from "../../answer.ts";
import type { DecisionKind } from "../../../event.ts";
import type { Json } from "../../../snapshot.ts";
import { compilePathGlob } from "./path-glob.ts";
import { fold, isWithin, locate, resolveFrom, styleOf, type Fold, type Location, type PathStyle } from "./location.ts";
import { readingsOf } from "./readings.ts";
import { spellingProblem } from "./spelling.ts";

/** What a rule may say. Texts as they are written there. */
export interface PathTerms {
  readonly within?: readonly string[];
  readonly notWithin?: readonly string[];
  readonly glob?: readonly string[];
  readonly base?: string | undefined;
  /** Which names may be the same. Default: those that differ in case or in compatibility forms. */
  readonly alike?: Fold;
}

/** What is answered about one path, and why, as the rest of a sentence about it. */
export interface PathJudgement {
  readonly answer: Answer;
  readonly why: string;
}

/** Whether the directories are written in two styles, so that no path can be read for all of them. */
export function mixesStyles({ within = [], notWithin = [], base }: PathTerms): boolean {
  const styles = new Set([...within, ...notWithin, ...(base === undefined ? [] : [base])].map(styleOf));
  return styles.has("posix") && styles.has("windows");
}

/**
 * Compiles terms. A relative path starts from `base`. Without one, a permission takes it to start from whichever directory
 * it permits, and any other rule from a directory that has nothing to do with those it is about.
 */
export function compilePath(terms: PathTerms, section: DecisionKind): (value: Json) => PathJudgement {
  const { within, notWithin = [], glob, base, alike: sameNames = fold } = terms;
  const written = [...(base === undefined ? [] : [base]), ...(within ?? []), ...notWithin];
  const style = written.map(styleOf).find((each) => each !== "unknown") ?? "unknown";
  const inside = within?.map((directory) => locate(directory, style));
  const outside = notWithin.map((directory) => locate(directory, style));
  const origins = originsOf(base, inside ?? [], section, style);
  const globs = glob?.map((pattern) => compilePathGlob(pattern, style, origins.length > 0 ? origins : (inside ?? [])));

  const judge = (location: Location): Answer => {
    let answer: Answer =
      inside === undefined ? "yes" : any(inside, (directory) => isWithin(location, directory, sameNames));
    for (const directory of outside) answer = both(answer, isOutside(location, directory, section, sameNames));
    if (globs !== undefined)
      answer = both(
        answer,
        any(globs, (matches) => matches(location)),
      );
    return answer;
  };

  return (value) => {
    if (typeof value !== "string") return { answer: "maybe", why: "is no text" };
    const problem = spellingProblem(value, style);
    if (problem !== undefined) return { answer: "maybe", why: problem };
    const locations = readingsOf(value, style).flatMap((reading) =>
      reading.absolute || origins.length === 0 ? [reading] : origins.map((origin) => resolveFrom(origin, reading)),
    );
    return { answer: alike(locations.map(judge)), why: `is read as ${[...new Set(locations.map(show))].join(" or ")}` };
  };
}

function any<Item>(items: readonly Item[], ask: (item: Item) => Answer): Answer {
  return items.reduce<Answer>((answer, item) => either(answer, ask(item)), "no");
}

function originsOf(
  base: string | undefined,
  inside: readonly Location[],
  section: DecisionKind,
  style: PathStyle,
): readonly Location[] {
  if (base !== undefined) return [locate(base, style)];
  return section === "allow" ? inside.filter(({ absolute }) => absolute) : [];
}

/** A relative path is not in an absolute directory, as far as a restriction goes; for a permission that is not known. */
function isOutside(location: Location, directory: Location, section: DecisionKind, sameNames: Fold): Answer {
  if (!location.absolute && directory.absolute) return section === "allow" || location.above > 0 ? "maybe" : "no";
  const inside = isWithin(location, directory, sameNames);
  if (inside === "maybe") return "maybe";
  return inside === "yes" ? "no" : "yes";
}

function show({ absolute, above, segments }: Location): string {
  const path = [...Array<string>(above).fill(".."), ...segments].join("/");
  if (!absolute) return path === "" ? "." : path;
  return segments[0]?.endsWith(":") === true ? path : `/${path}`;
}
