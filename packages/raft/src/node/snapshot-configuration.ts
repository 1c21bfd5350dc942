/**
 * What a snapshot's table says of the members: the configuration in force at its position, and the
 * index of the entry that brought it. See `docs/formats.md`, "snapshot".
 */
import { ByteReader, ByteWriter, FormatError, type LogIndex, logIndex } from "../base/index.ts";
import { type Configuration, decodeConfiguration, encodeConfiguration } from "../core/index.ts";

export interface SnapshotConfiguration {
  readonly configuration: Configuration;
  /** Of its entry; at or before the snapshot's position. */
  readonly index: LogIndex;
}

/** Bytes before those of the configuration itself. */
const indexBytes = 8;

export function encodeSnapshotConfiguration(placed: SnapshotConfiguration): Uint8Array {
  const configuration = encodeConfiguration(placed.configuration);
  const writer = new ByteWriter(indexBytes + configuration.length);
  return writer.u64(placed.index).raw(configuration).finish();
}

/** @throws FormatError for what is none, or of a version that this program does not know */
export function decodeSnapshotConfiguration(bytes: Uint8Array): SnapshotConfiguration {
  const index = logIndex(new ByteReader(bytes).u64());
  if (index < 1) throw new FormatError("a configuration without an entry");
  return { configuration: decodeConfiguration(bytes.subarray(indexBytes)), index };
}
