import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    environment: "happy-dom",
    include: ["test/**/*.test.ts"],
    pool: "threads",
    maxWorkers: 1,
    testTimeout: 30_000,
  },
});
