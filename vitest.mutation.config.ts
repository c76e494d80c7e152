import { defineConfig } from "vitest/config";

/** The tests that mutants of src/audit are held against: those that run in this process. */
export default defineConfig({
  test: {
    include: ["__tests__/audit/**/*.test.ts"],
    exclude: ["__tests__/audit/**/*.slow.test.ts", "__tests__/audit/independent-verifier.test.ts"],
    globalSetup: ["__tests__/postgres/global-setup.ts"],
    testTimeout: 30_000,
  },
});
