/**
 * A member's disk: units of persistence are written in order and become durable one after the
 * other, each as a whole (how a unit can tear is the storage's subject). What is durable is the
 * image; a crash keeps the image and a prefix of what was under way.
 */
import {
  type LogIndex,
  type NodeId,
  noIndex,
  type PersistUnit,
  persistUnit,
  type Term,
} from "../../src/base/index.ts";
import type { Persist } from "../../src/core/index.ts";
import type { Past } from "./history.ts";

/** What a power loss now would leave. */
export interface Image {
  term: Term;
  votedFor: NodeId | null;
  mustCatchUp: boolean;
  commit: LogIndex;
  /** Entry k is at k - 1. */
  readonly log: Past[];
}

export interface Disk {
  readonly image: Image;
  /** In order, not yet durable. */
  readonly pending: Persist[];
  /** Durable; perhaps not yet reported. */
  durableUnit: PersistUnit;
}

export function createDisk(image: Image): Disk {
  return { image, pending: [], durableUnit: persistUnit(0) };
}

/**
 * The log of the image loses everything after `length` entries, and the commit index what it says
 * of them.
 */
export function cutImage(image: Image, length: number): void {
  image.log.length = length;
  const last = image.log.at(-1)?.entry.index ?? noIndex;
  if (image.commit > last) image.commit = last;
}
