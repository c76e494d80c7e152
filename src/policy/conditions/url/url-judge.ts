/** What a rule says about URLs, compiled: which hosts, schemes, ports and paths they are to have. */

import type { DecisionKind } from "../../../event.ts";
import { atMostMaybe, both, either, type Answer } from "../../answer.ts";
import { listed, type ReportProblem } from "../condition.ts";
import { compileWholeGlob } from "../path/path-glob.ts";
import { compileHostPattern } from "./host-pattern.ts";
import { isWeb, readUrl, type ReadUrl } from "./url-reading.ts";

/** What a rule may say: one or a list of each. */
export interface UrlTerms {
  readonly hosts?: unknown;
  readonly schemes?: unknown;
  readonly ports?: unknown;
  readonly private?: "deny" | "allow";
  readonly paths?: unknown;
}

/** What is answered about one URL, and why, as the rest of a sentence about it. */
export interface UrlJudgement {
  readonly answer: Answer;
  readonly why: string;
}

/** One thing that is asked about a URL. */
interface Part {
  readonly name: keyof UrlTerms;
  readonly ask: (url: ReadUrl) => Answer;
  /** Whether no author wrote it: then it says nothing about what has no host by its nature, such as `mailto:`. */
  readonly isImplied: boolean;
}

/** Compiles terms. What they leave open is open in a restriction; a permission is for the usual schemes and ports only. */
export function compileUrl(
  terms: UrlTerms,
  section: DecisionKind,
  report: ReportProblem,
): (value: unknown) => UrlJudgement {
  const isPermission = section === "allow";
  const schemes = terms.schemes ?? (isPermission ? ["http", "https"] : undefined);
  const parts = [...hostParts(terms, section, report), ...portParts(terms, isPermission), ...pathParts(terms)];
  return (value) => {
    if (typeof value !== "string") return { answer: "maybe", why: "is no text" };
    const read = readUrl(value);
    const scheme = answerOf(schemes === undefined || listed(schemes).includes(read.scheme));
    if ("problem" in read) {
      if (read.scheme === undefined) return { answer: "maybe", why: read.problem };
      const isWhole = !isWeb(read.scheme) && parts.every(({ isImplied }) => isImplied);
      return {
        answer: isWhole ? scheme : both(scheme, "maybe"),
        why: `has the scheme ${read.scheme} and ${read.problem}`,
      };
    }
    if (read.doubt !== undefined) return { answer: both(scheme, "maybe"), why: read.doubt };
    const said = [{ name: "schemes", answer: scheme }, ...parts.map(({ name, ask }) => ({ name, answer: ask(read) }))];
    const all = said.reduce<Answer>((answer, each) => both(answer, each.answer), "yes");
    const missed = said.filter(({ answer }) => answer !== "yes").map(({ name, answer }) => `${name}: ${answer}`);
    const isDoubtful = isPermission && read.hasCredentials;
    const credentials = isDoubtful ? ["it has a user name"] : [];
    return { answer: isDoubtful ? atMostMaybe(all) : all, why: [describe(read), ...missed, ...credentials].join(", ") };
  };
}

function hostParts(terms: UrlTerms, section: DecisionKind, report: ReportProblem): readonly Part[] {
  const patterns = (terms.hosts === undefined ? [] : listed(terms.hosts)).flatMap((written, index) => {
    const compiled = compileHostPattern(String(written));
    if (typeof compiled !== "string") return compiled;
    report(Array.isArray(terms.hosts) ? ["hosts", index] : ["hosts"], compiled);
    return [];
  });
  const parts: Part[] = [];
  if (terms.hosts !== undefined) {
    const ask = ({ host }: ReadUrl): Answer => answerOf(patterns.some((pattern) => pattern.matches(host)));
    parts.push({ name: "hosts", ask, isImplied: false });
  }
  const onPrivate = terms.private ?? (section === "allow" ? "deny" : undefined);
  const isImplied = terms.private === undefined;
  if (section === "deny") {
    if (onPrivate !== undefined)
      parts.push({
        name: "private",
        ask: ({ host }) => answerOf(host.isPrivate === (onPrivate === "deny")),
        isImplied,
      });
  } else if (onPrivate === "deny") {
    // A pattern that names private hosts itself means them.
    const isNamed = ({ host }: ReadUrl): boolean => patterns.some((each) => each.isPrivate && each.matches(host));
    parts.push({ name: "private", ask: (url) => answerOf(!url.host.isPrivate || isNamed(url)), isImplied });
  }
  return parts;
}

function portParts({ ports }: UrlTerms, isPermission: boolean): readonly Part[] {
  if (ports !== undefined)
    return [{ name: "ports", ask: ({ port }) => answerOf(listed(ports).includes(port)), isImplied: false }];
  if (!isPermission) return [];
  return [{ name: "ports", ask: ({ isDefaultPort }) => answerOf(isDefaultPort), isImplied: true }];
}

function pathParts({ paths }: UrlTerms): readonly Part[] {
  if (paths === undefined) return [];
  const globs = listed(paths).map((glob) => compileWholeGlob(String(glob)));
  const ask = ({ path }: ReadUrl): Answer =>
    path === undefined ? "maybe" : globs.reduce<Answer>((answer, matches) => either(answer, matches(path)), "no");
  return [{ name: "paths", ask, isImplied: false }];
}

function answerOf(holds: boolean): Answer {
  return holds ? "yes" : "no";
}

function describe({ scheme, host, port, path }: ReadUrl): string {
  const where = `${scheme}, ${host.isPrivate ? "private host" : "host"} ${host.name}, port ${port ?? "?"}`;
  return `is read as ${where}, path ${path === undefined ? "uncertain" : `/${path.join("/")}`}`;
}
