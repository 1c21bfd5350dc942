/** What a rule finds: one line for people, one key for exemptions. */

export type RuleName =
  | "syntax"
  | "layer"
  | "door"
  | "package"
  | "purity"
  | "file-size"
  | "function-size"
  | "line-width"
  | "test-left-out"
  | "test-mock"
  | "left-over-word"
  | "host-path"
  | "default-export"
  | "exemption";

export interface Violation {
  readonly rule: RuleName;
  /** From the root of the workspace. */
  readonly path: string;
  /** Counted from 1. */
  readonly line: number;
  /** What is wrong and what to do instead. */
  readonly message: string;
}

/** `path:line rule: message`. */
export function describeViolation(violation: Violation): string {
  return `${violation.path}:${violation.line} ${violation.rule}: ${violation.message}`;
}
