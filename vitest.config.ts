import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // Vitest leaves one core free, which on two of them is half of all.
    maxWorkers: "100%",
    projects: [
      {
        test: {
          name: "fast",
          include: ["__tests__/**/*.test.ts"],
          exclude: ["__tests__/**/*.slow.test.ts"],
          globalSetup: ["__tests__/postgres/global-setup.ts"],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "slow",
          include: ["__tests__/**/*.slow.test.ts"],
          globalSetup: ["__tests__/postgres/global-setup.ts"],
          testTimeout: 1_800_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
