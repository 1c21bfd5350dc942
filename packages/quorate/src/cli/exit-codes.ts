/** What the process ends with; the same for every command, so that scripts can act on it. */
export const exitCodes = {
  ok: 0,
  /** The command was understood and refused. */
  failed: 1,
  /** The command line cannot be understood. */
  usage: 2,
  /** No member answered, or those that did have no quorum. */
  unavailable: 3,
  /** Not allowed, or not known. */
  auth: 4,
  /** The condition of a transaction did not hold. */
  precondition: 5,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
