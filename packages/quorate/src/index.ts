/** `quorate`: the etcd-compatible server, for programs that run it in their own process. */
export {
  defaultServerOptions,
  etcdVersion,
  type QuorateServer,
  quorateVersion,
  type ServerMachines,
  type ServerOptions,
  startServer,
} from "./server/index.ts";
