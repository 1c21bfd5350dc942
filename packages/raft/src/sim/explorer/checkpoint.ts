/**
 * An exploration as plain data and blocks of bytes, to be kept anywhere and taken up again. The
 * host brings the place (a directory, say) and guards the bytes against damage.
 */
import { fingerprint64 } from "../../base/index.ts";
import type { Model } from "./model.ts";

/** The parts of a checkpoint that are blocks of bytes; each part's blocks keep their order. */
export const checkpointSections = ["fingerprints", "frontier", "next", "predecessors"] as const;
export type CheckpointSection = (typeof checkpointSections)[number];

/** The rest of a checkpoint: plain data, fit for JSON. */
export interface CheckpointHeader {
  readonly version: 1;
  readonly model: string;
  /** Of the model's description: another description, another model. */
  readonly descriptionFingerprint: string;
  readonly distinct: number;
  readonly generated: number;
  readonly expanded: number;
  /** States of each level up to the one under way. */
  readonly levels: readonly number[];
  /** States of the level after it, so far. */
  readonly nextCount: number;
  readonly probeHits: readonly number[];
  readonly elapsedMs: number;
}

/** Takes a checkpoint. */
export interface CheckpointWriter {
  header(header: CheckpointHeader): void;
  /** The bytes are valid until this returns. */
  block(section: CheckpointSection, block: Uint8Array): void;
}

/** Gives a checkpoint back. */
export interface CheckpointReader {
  readonly header: CheckpointHeader;
  blocks(section: CheckpointSection): Iterable<Uint8Array>;
}

/** A checkpoint that does not belong to the model, or is not whole. */
export class CheckpointError extends Error {
  override readonly name = "CheckpointError";
}

/** @throws CheckpointError unless the checkpoint is one of this model with these bounds */
export function checkBelongs(header: CheckpointHeader, model: Model): void {
  if (header.version !== 1) {
    throw new CheckpointError(`Cannot resume: the checkpoint has version ${header.version}, not 1`);
  }
  if (header.model !== model.name) {
    throw new CheckpointError(
      `Cannot resume: the checkpoint is of model "${header.model}", not "${model.name}"`,
    );
  }
  if (
    header.descriptionFingerprint !== fingerprint64(model.description) ||
    header.probeHits.length !== model.probes.length
  ) {
    throw new CheckpointError(
      `Cannot resume: model "${model.name}" changed since the checkpoint; start afresh`,
    );
  }
}
