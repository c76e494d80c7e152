import { defineConfig } from "vitest/config";

const SLOW = "__tests__/**/*.slow.test.ts";

/** These have modules of their own: the first use is looked at, or a suite is told of another place before it is loaded. */
const APART = ["__tests__/policy/conditions/sql.test.ts", "__tests__/runtime/approvals-in-postgres.test.ts"];

const quick = { testTimeout: 30_000, hookTimeout: 60_000 };

export default defineConfig({
  test: {
    // Vitest leaves one core free, which on two of them is half of all.
    maxWorkers: "100%",
    // Here and not in the projects, so that there is one server for all of them.
    globalSetup: ["__tests__/postgres/global-setup.ts", "__tests__/compile-setup.ts"],
    projects: [
      // Loading LangChain anew for each file took a third of the time.
      {
        test: {
          ...quick,
          name: "fast",
          include: ["__tests__/**/*.test.ts"],
          exclude: [SLOW, ...APART],
          isolate: false,
        },
      },
      { test: { ...quick, name: "apart", include: APART, exclude: [SLOW] } },
      {
        test: {
          name: "slow",
          include: [SLOW],
          testTimeout: 1_800_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
