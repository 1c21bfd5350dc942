/**
 * `npm run finding -- --found TEXT --by TEXT --fixed TEXT`: writes a violation that was found in
 * our own code into the ledger: what it was, what found it (with its seed), what became of it.
 */
import { parseArgs } from "node:util";
import { addFinding } from "./ledger.ts";

const { values } = parseArgs({
  options: {
    found: { type: "string" },
    by: { type: "string" },
    fixed: { type: "string" },
  },
});

const { found, by, fixed } = values;
if (found === undefined || by === undefined || fixed === undefined) {
  throw new Error("Give --found, --by and --fixed");
}
addFinding({ found, by, fixed });
