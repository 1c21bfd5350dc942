/** Names of the files of a content that is written beside another one. */

/** Before the name that a file will have. */
export const stagedPrefix = "rebuild-";

/** Says how far the change has come. */
export const rebuildFileName = "rebuild";

export function isStaged(name: string): boolean {
  return name.startsWith(stagedPrefix);
}
