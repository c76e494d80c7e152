/** Collects the problems of one policy text and shows each at its place, with a caret. */

import type { PolicyIssue } from "../../errors.ts";
import { maskInvisible } from "../invisible.ts";
import { TextLines } from "./lines.ts";
import { formatPath, type Path } from "./path.ts";

/** Most problems listed in one error; what lies beyond is counted. */
const MAX_ISSUES = 100;

/** Most problems kept; a file with so many is not one somebody wrote. */
const MAX_KEPT = 2000;

/** Widest piece of a line shown, in characters. */
const FRAME_WIDTH = 100;

interface Problem {
  readonly offset: number;
  readonly path: string;
  readonly message: string;
}

/** The problems found so far in one text. Of several about the same thing at the same place, only the first counts. */
export class Diagnostics {
  /** What the text is called in messages: a file's path as it was named. */
  readonly source: string;
  readonly #lines: TextLines;
  /** Where the text ends, but for white space: a problem at the end is shown there. */
  readonly #end: number;
  #dropped = 0;
  readonly #problems: Map<string, Problem> = new Map();
  /** Every path that has a problem at or below it. */
  readonly #touched: Set<string> = new Set();

  constructor(source: string, text: string) {
    this.source = source;
    this.#lines = new TextLines(text);
    this.#end = text.trimEnd().length;
  }

  /** Whether nothing has been reported. */
  get clean(): boolean {
    return this.#problems.size === 0;
  }

  /** Whether further problems would only be counted. */
  get full(): boolean {
    return this.#problems.size >= MAX_KEPT;
  }

  /** Counts problems that there is no room for. */
  drop(count: number): void {
    this.#dropped += count;
  }

  /** The line, from 1, on which `offset` is. */
  lineOf(offset: number): number {
    return this.#lines.lineOf(offset);
  }

  /** Notes a problem at `offset`, counted in UTF-16 code units from 0. */
  report(offset: number, path: Path, message: string): void {
    if (this.full) return this.drop(1);
    const name = formatPath(path);
    const key = `${offset} ${name}`;
    if (this.#problems.has(key)) return;
    this.#problems.set(key, { offset, path: name, message });
    path.forEach((_, index) => this.#touched.add(formatPath(path.slice(0, index + 1))));
  }

  /** Whether something at `path`, or inside it, has a problem. */
  touches(path: Path): boolean {
    return !this.clean && this.#touched.has(formatPath(path));
  }

  /** All problems in the order of the text. */
  issues(): readonly PolicyIssue[] {
    const problems = [...this.#problems.values()].toSorted((left, right) => left.offset - right.offset);
    const issues = problems.slice(0, MAX_ISSUES).map((problem) => this.#issue(problem));
    const next = problems[MAX_ISSUES];
    if (next !== undefined) {
      const more = `and ${problems.length - MAX_ISSUES + this.#dropped} more problems; correct the ones above first`;
      issues.push(this.#issue({ offset: next.offset, path: "", message: more }));
    }
    return issues;
  }

  /** What there is to say about `offset`, without noting it as a problem. */
  issueAt(offset: number, path: Path, message: string): PolicyIssue {
    return this.#issue({ offset, path: formatPath(path), message });
  }

  #issue({ offset, path, message }: Problem): PolicyIssue {
    const { line, column, content } = this.#lines.at(Math.min(offset, this.#end));
    const frame = content === "" ? {} : { frame: drawFrame(line, content, column - 1) };
    return Object.freeze({ source: this.source, line, column, path, message, ...frame });
  }
}

function drawFrame(line: number, content: string, column: number): string {
  const from = Math.max(0, Math.min(column - FRAME_WIDTH / 2, content.length - FRAME_WIDTH));
  const end = from + FRAME_WIDTH;
  const before = from > 0 ? "…" : "";
  const after = content.length > end ? "…" : "";
  const text = before + maskInvisible(content.slice(from, end).replaceAll("\t", " ")) + after;
  const gutter = String(line);
  return `${gutter} | ${text}\n${" ".repeat(gutter.length)} | ${" ".repeat(before.length + column - from)}^`;
}
