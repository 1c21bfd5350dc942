/**
 * Where a rule of tidy does not hold, and why. An exemption that exempts nothing is a violation
 * itself, so the table only shrinks by itself.
 */
import type { RuleName } from "./violation.ts";

export interface Exemption {
  readonly rule: RuleName;
  /** One file, from the root of the workspace. */
  readonly path: string;
  readonly reason: string;
}

const generatedCodecs = {
  path: "packages/quorate/src/proto/codecs.ts",
  reason: "generated from the schema beside it; nobody reads it from top to bottom",
};

export const exemptions: readonly Exemption[] = [
  { rule: "file-size", ...generatedCodecs },
  { rule: "function-size", ...generatedCodecs },
];
