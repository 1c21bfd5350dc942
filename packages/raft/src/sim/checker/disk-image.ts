/** What a power loss now would leave of one member. */
import type { LogIndex, NodeId, Term } from "../../base/index.ts";
import { noIndex } from "../../base/index.ts";
import type { PlacedSnapshot } from "../../core/index.ts";
import type { Past } from "./log-tree.ts";

export interface DiskImage {
  term: Term;
  votedFor: NodeId | null;
  mustCatchUp: boolean;
  /** The longest promise ever made, in milliseconds; none if left out. */
  promisedMs?: number;
  commit: LogIndex;
  /** Entry k is at k - 1, also when it was dropped: then a snapshot stands for it. */
  readonly log: Past[];
  /** So many entries were dropped. */
  base: number;
  /** The newest. */
  snapshot: PlacedSnapshot | null;
}

/**
 * The log of the image loses everything after `length` entries, and the commit index what it says
 * of them.
 */
export function cutImage(image: DiskImage, length: number): void {
  image.log.length = length;
  const last = image.log.at(-1)?.entry.index ?? noIndex;
  if (image.commit > last) image.commit = last;
}
