/** What the kit found, and the error that shows it. */

import { inspect, isDeepStrictEqual } from "node:util";

/** One thing that is not as it should be. */
export interface Finding {
  /** The kind of tool, or the agent's make-up. */
  readonly subject: string;
  /** The way in, or what was compared. */
  readonly check: string;
  /** What is wrong, one sentence, with what was expected where that helps. */
  readonly problem: string;
}

/** How much was checked. */
export interface Report {
  readonly checks: number;
  /** What was checked: the `check` that a {@link Finding} would name, each once. */
  readonly names: readonly string[];
}

/** A gate has not kept what a gate promises. `findings` holds everything that was found; the message shows it. */
export class ConformanceError extends Error {
  override readonly name = "ConformanceError";
  readonly findings: readonly Finding[];

  constructor(findings: readonly Finding[], checks: number) {
    const shown = findings
      .slice(0, MAX_SHOWN)
      .map(({ subject, check, problem }) => `  ${subject} › ${check}: ${problem}`);
    if (findings.length > MAX_SHOWN) shown.push(`  and ${findings.length - MAX_SHOWN} more`);
    super(`${findings.length} of ${checks} checks failed.\n${shown.join("\n")}`);
    this.findings = findings;
  }
}

const MAX_SHOWN = 40;

/** Collects findings and counts checks. */
export class Findings {
  #checks = 0;
  readonly #names = new Set<string>();
  readonly #found: Finding[] = [];

  /** Notes one check; `problem` is `undefined` when it is as it should be. */
  note(subject: string, check: string, problem: string | undefined): void {
    this.#checks += 1;
    this.#names.add(check);
    if (problem !== undefined) this.#found.push({ subject, check, problem });
  }

  /** Notes whether two values are the same. */
  compare(subject: string, check: string, what: string, gated: unknown, bare: unknown): void {
    this.note(subject, check, isDeepStrictEqual(gated, bare) ? undefined : `${what}: ${difference(gated, bare)}`);
  }

  /** Runs a check that notes what it finds; that it could not be brought to its end is a finding too. */
  async attempt(subject: string, check: string, run: () => Promise<void>): Promise<void> {
    try {
      await run();
    } catch (error) {
      this.note(subject, check, `could not be checked: ${String(error)}`);
    }
  }

  /** Throws when something was found. */
  conclude(): Report {
    if (this.#found.length > 0) {
      const sorted = this.#found.toSorted((left, right) => left.subject.localeCompare(right.subject));
      throw new ConformanceError(sorted, this.#checks);
    }
    return { checks: this.#checks, names: [...this.#names] };
  }
}

/** Where two values part, the gated one first. */
function difference(gated: unknown, bare: unknown, path = ""): string {
  if (isObject(gated) && isObject(bare) && Array.isArray(gated) === Array.isArray(bare)) {
    for (const key of new Set([...Object.keys(bare), ...Object.keys(gated)])) {
      const [left, right] = [gated[key], bare[key]];
      if (!isDeepStrictEqual(left, right)) return difference(left, right, path === "" ? key : `${path}.${key}`);
    }
  }
  const place = path === "" ? "" : ` at ${path}`;
  return `${show(gated)}${place}, without the gate ${show(bare)}`;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function show(value: unknown): string {
  const text = inspect(value, { depth: 3, breakLength: Number.POSITIVE_INFINITY });
  return text.length > 160 ? `${text.slice(0, 160)}…` : text;
}
