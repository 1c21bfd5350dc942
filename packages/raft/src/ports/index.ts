export type { Address } from "./address.ts";
export { formatAddress, isLoopbackHost, parseAddress } from "./address.ts";
export type { Clock, Timer } from "./clock.ts";
export type { DirectoryLock, Disk, DiskFile, Done, DoneWith } from "./disk.ts";
export { DiskError } from "./disk.ts";
export type { Connection, ConnectionHandlers, Listener, Network } from "./network.ts";
export { NetworkError } from "./network.ts";
export type { Ports } from "./ports.ts";
export type { Random } from "./random.ts";
