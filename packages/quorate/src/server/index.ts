export type { ServerMachines } from "./backend.ts";
export { idOfHex, memberIdOf } from "./ids.ts";
export {
  addressOfUrl,
  badFlag,
  defaultServerOptions,
  parseInitialCluster,
  type ServerOptions,
} from "./options.ts";
export { type QuorateServer, requestBytesMax, startServer } from "./server.ts";
export {
  type SnapshotSink,
  type SnapshotSource,
  savedBytes,
  streamSnapshot,
} from "./stream-snapshot.ts";
export { etcdClusterVersion, etcdVersion, quorateVersion } from "./versions.ts";
