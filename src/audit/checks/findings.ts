/** What verification has found in one log. */

/** One thing that is wrong with a log. */
export interface VerifyProblem {
  /** The entry at fault; absent when it is the log as a whole. */
  readonly seq?: number;
  /** What is wrong, half a sentence. */
  readonly what: string;
}

/** Problems reported at most; a log that was overwritten has one in every entry. */
const MAX_PROBLEMS = 100;

/** Collects problems and warnings in the order in which they are found. */
export class Findings {
  readonly problems: VerifyProblem[] = [];
  readonly warnings: string[] = [];

  problem(seq: number | undefined, what: string): void {
    if (this.problems.length < MAX_PROBLEMS) this.problems.push({ ...(seq !== undefined && { seq }), what });
  }
}
