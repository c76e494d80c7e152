import { defineConfig } from "vitest/config";

/** Stryker runs tests in threads, which can't change directory, from a folder that other users can't look into. */
const NOT_THERE = [
  "whatever directory is current later",
  "refuses a directory that can't be written",
  "refuses a log that this user may not read",
  "lets that user append",
];

/** The tests that mutants of src/audit are held against: those that run in this process. */
export default defineConfig({
  test: {
    include: ["__tests__/audit/**/*.test.ts"],
    exclude: ["__tests__/audit/**/*.slow.test.ts", "__tests__/audit/independent-verifier*.test.ts"],
    testNamePattern: new RegExp(`^(?!.*(?:${NOT_THERE.join("|")}))`),
    testTimeout: 30_000,
  },
});
