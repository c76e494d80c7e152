import { basename, relative } from "node:path";

import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Stryker runs tests in threads, which can't change directory, from a folder that other users can't look into. */
const NOT_THERE = [
  "whatever directory is current later",
  "refuses a directory that can't be written",
  "refuses a log that this user may not read",
  "lets that user append",
];

/** They take seconds, and find nothing in one process that others don't. */
const LONG = [
  "accuses no honest history",
  "goes on beside its writer",
  "flipped in a byte is found",
  "never passes for what was recorded",
  "sealed again and again",
  "happens though appending never pauses",
  "cut anywhere in its last entry",
  "has the number \\(inode\\)",
];

/** In other processes there is no mutant. */
const ELSEWHERE = [
  "two processes",
  "when a process ends",
  "end of the process",
  "python3",
  "from a process that lives",
];

/** What takes long, for the case that nothing else notices. */
const LAST = ["tamper", "copy", "sqlite", "open-items", "lock"];

/**
 * At the first failure a mutant is done with. Its neighbours were noticed by the same file more often than not, so what
 * failed last comes first. Vitest's own order begins with what takes longest.
 */
class LatestFailuresFirst extends BaseSequencer {
  readonly #failedIn = new Map<string, number>();
  #runs = 0;

  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    this.#runs += 1;
    for (const { moduleId } of files) {
      const before = this.ctx.cache.getFileTestResults(`:${relative(this.ctx.config.root, moduleId)}`);
      if (before?.failed === true) this.#failedIn.set(moduleId, this.#runs);
    }
    return files.toSorted((left, right) => this.#placeOf(left) - this.#placeOf(right));
  }

  #placeOf({ moduleId }: TestSpecification): number {
    const failedIn = this.#failedIn.get(moduleId);
    return failedIn === undefined ? LAST.indexOf(basename(moduleId, ".test.ts")) : -1 - failedIn;
  }
}

/** The tests that mutants of src/audit are held against: those that run in this process. */
export default defineConfig({
  test: {
    include: ["__tests__/audit/**/*.test.ts"],
    exclude: [
      "__tests__/audit/**/!(tables).slow.test.ts",
      "__tests__/audit/{independent-verifier*,postgres/**}.test.ts",
    ],
    testNamePattern: new RegExp(`^(?!.*(?:${[...NOT_THERE, ...LONG, ...ELSEWHERE].join("|")}))`),
    testTimeout: 30_000,
    // Each run has a thread of its own; importing everything anew for each file took most of the time.
    isolate: false,
    sequence: { sequencer: LatestFailuresFirst },
    globalSetup: ["__tests__/compile-setup.ts"],
    // Where tests ask for a PostgreSQL server: there is none.
    provide: { postgresOffice: "data:application/json,{}" },
  },
});
