/**
 * Holds the plan of the house: layers, purity, sizes. Reads only; exits with 1 if something is out
 * of place. Run by `npm test` and `npm run check`, or alone: `npx tsx tools/tidy.ts`.
 */
import { fileURLToPath } from "node:url";
import { checkTree } from "./tidy/check-tree.ts";
import { describeViolation } from "./tidy/violation.ts";

const root = fileURLToPath(new URL("..", import.meta.url)).replace(/[\\/]$/, "");
const violations = checkTree(root);
for (const violation of violations) process.stdout.write(`${describeViolation(violation)}\n`);
if (violations.length > 0) {
  process.stdout.write(`tidy: ${violations.length} out of place\n`);
  process.exitCode = 1;
}
