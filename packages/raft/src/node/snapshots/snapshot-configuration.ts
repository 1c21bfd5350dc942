/**
 * What stands in the `configuration` of a snapshot: who the members are at its position, and the
 * index of the entry that says so. Part of the file format (`docs/formats.md`, "snapshot"), so
 * equal on all members.
 */
import { ByteReader, ByteWriter, FormatError, type LogIndex, logIndex } from "../../base/index.ts";
import {
  decodeConfiguration,
  encodeConfiguration,
  type PlacedConfiguration,
  type PlacedSnapshot,
} from "../../core/index.ts";
import type { SnapshotDescription } from "../../storage/index.ts";

const version = 1;
const headBytes = 9;

/** @invariant `index` is 1 or above */
export function encodeSnapshotConfiguration(placed: PlacedConfiguration): Uint8Array {
  const data = encodeConfiguration(placed.configuration);
  const writer = new ByteWriter(headBytes + data.length);
  return writer.u8(version).u64(placed.index).raw(data).finish();
}

/** @throws FormatError for bytes that no member writes, or of a later version */
export function decodeSnapshotConfiguration(bytes: Uint8Array): PlacedConfiguration {
  const reader = new ByteReader(bytes);
  const found = reader.u8();
  if (found !== version) throw new FormatError(`the configuration's format is ${found}, not 1`);
  const index: LogIndex = logIndex(reader.u64());
  if (index < 1) throw new FormatError("the configuration is of no entry");
  return { configuration: decodeConfiguration(bytes.subarray(headBytes)), index };
}

/**
 * A snapshot as the core sees it.
 *
 * @throws FormatError
 */
export function placeSnapshot(description: SnapshotDescription): PlacedSnapshot {
  const { position } = description.identity;
  const placed = decodeSnapshotConfiguration(description.configuration);
  if (placed.index > position.index) {
    const text = `its configuration is of entry ${placed.index}, it is of ${position.index}`;
    throw new FormatError(`the snapshot contradicts itself: ${text}`);
  }
  return { position, configuration: placed.configuration, configurationIndex: placed.index };
}
