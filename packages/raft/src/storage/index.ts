export { pathIn, replaceFile } from "./files.ts";
export type { DirectoryIdentity } from "./identity.ts";
export type { LogStore, PersistRequest, RecoveredLog, SnapshotEffect } from "./log-store.ts";
export { StorageError } from "./log-store.ts";
export type { MemoryLogOptions } from "./memory-log-store.ts";
export { MemoryLogStore, openMemoryLog } from "./memory-log-store.ts";
export type { FoundIdentity, OpenDirectoryOptions, OpenedDirectory } from "./open-directory.ts";
export { findsLog, openDirectory, readIdentity } from "./open-directory.ts";
export type { PeerRecord, PeerRecordStore } from "./peer-records.ts";
export { createPeerRecordStore, peerRecordsMax } from "./peer-records.ts";
export type { BuildPlace, DirectoryContent } from "./rebuild/build-directory.ts";
export { fillDirectory, prepareEmpty, replaceContent } from "./rebuild/build-directory.ts";
export type { FoundDirectory } from "./rebuild/look-into.ts";
export { letGo, lookInto } from "./rebuild/look-into.ts";
export type { OpenedSnapshotFile, SnapshotFileFinding } from "./snapshot/snapshot-file.ts";
export { examineSnapshotFile, openSnapshotFile } from "./snapshot/snapshot-file.ts";
export type {
  SnapshotDescription,
  SnapshotIdentity,
  SnapshotSection,
} from "./snapshot/snapshot-format.ts";
export {
  chunkBytesMax,
  chunkEnd,
  describeSnapshot,
  isSameSnapshot,
  isSnapshotSize,
} from "./snapshot/snapshot-format.ts";
export type { SnapshotPart, SnapshotReader } from "./snapshot/snapshot-reader.ts";
export { readBytesMax } from "./snapshot/snapshot-reader.ts";
export type { ChunkAnswer, SnapshotReceiver } from "./snapshot/snapshot-receiver.ts";
export type { SealedSnapshot } from "./snapshot/snapshot-space.ts";
export type { SnapshotStore } from "./snapshot/snapshot-store.ts";
export type { SnapshotWriter } from "./snapshot/snapshot-writer.ts";
export type { LogView } from "./snapshot-effect.ts";
export { snapshotEffect } from "./snapshot-effect.ts";
export type { DamagePlace, OpenError } from "./storage-errors.ts";
export {
  describePlace,
  ForeignDirectoryError,
  isOpenError,
  StorageDamage,
  UnfinishedRestoreError,
  UnknownFormatError,
} from "./storage-errors.ts";
export { perform, runTask, type Task } from "./task.ts";
export type {
  OpenedLog,
  OpenLogOptions,
  RecoveryVerdict,
  SnapshotVerdict,
} from "./wal/open-log.ts";
export { openLog } from "./wal/open-log.ts";
export type {
  FoundConfiguration,
  Repair,
  RepairEvidence,
  RepairPolicy,
} from "./wal/repair.ts";
