import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const raft = (path: string) => fileURLToPath(new URL(`packages/raft/src/${path}`, import.meta.url));

const alias = [
  { find: /^@quorate\/raft$/, replacement: raft("index.ts") },
  {
    find: /^@quorate\/raft\/(core|storage|transport|sim|testing)$/,
    replacement: raft("$1/index.ts"),
  },
];

/**
 * `unit`: everything in one process. `system`: tests that start processes (built code), one at a
 * time. `deep`: minutes each, on a machine that does nothing else; only by `npm run test:deep`.
 */
export default defineConfig({
  test: {
    projects: [
      {
        resolve: { alias },
        test: {
          name: "unit",
          include: [
            "packages/*/src/**/*.test.ts",
            "packages/raft/test/{paper,stories,properties,traps}/**/*.test.ts",
            "tools/**/*.test.ts",
          ],
          testTimeout: 30_000,
        },
      },
      {
        resolve: { alias },
        test: {
          name: "system",
          include: ["packages/*/test/{e2e,faults,interop}/**/*.test.ts", "examples/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        resolve: { alias },
        test: {
          name: "deep",
          include: ["packages/*/test/deep/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
