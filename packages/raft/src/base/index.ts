export { assert, InvariantError, unreachable } from "./assert.ts";
export type { LogIndex, NodeId, PersistUnit, Term, Ticks } from "./brands.ts";
export {
  isNodeId,
  logIndex,
  nodeId,
  noIndex,
  noTerm,
  persistUnit,
  term,
  ticks,
} from "./brands.ts";
export { BytePool } from "./byte-pool.ts";
export { ByteReader, ByteWriter, concatBytes, FormatError } from "./bytes.ts";
export type { Crc32 } from "./checksum.ts";
export { crc32 } from "./checksum.ts";
export { fingerprint64 } from "./fingerprint.ts";
export type { MachineVersion } from "./machine-version.ts";
export {
  machineNameBytesMax,
  namedVersionsMax,
  readVersions,
  writeVersions,
} from "./machine-version.ts";
export type { ErrorCode, ErrorDetails, Outcome, QuorateErrorOptions } from "./quorate-error.ts";
export { isQuorateError, QuorateError } from "./quorate-error.ts";
