/** A bug to plant, as patches of the sources. */

/** `search` occurs exactly once in `file`, a path below `packages/raft/src`. */
export interface Patch {
  readonly file: string;
  readonly search: string;
  readonly replace: string;
}

export interface Mutant {
  readonly name: string;
  /** What is wrong, in a sentence. */
  readonly bug: string;
  /** In which world it is hunted. */
  readonly world: "cores" | "members" | "sessions";
  readonly patches: readonly Patch[];
}

export function patch(file: string, search: string, replace: string): Patch {
  return { file, search, replace };
}

/** Lines of a replacement. */
export function lines(...parts: readonly string[]): string {
  return parts.join("\n");
}
