import { defineConfig } from "vitest/config";

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
  },
});
