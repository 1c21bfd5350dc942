/** All machines of a world and the network between them, on one timeline. The door of this room. */
import { assert } from "../../base/index.ts";
import type { Random } from "../random.ts";
import { DatagramNetwork } from "./datagram-network.ts";
import type { DiskProfile } from "./disk-profile.ts";
import { FaultCounts } from "./fault-counts.ts";
import { Host } from "./host.ts";
import { HostTime, type HostTimeOptions } from "./host-time.ts";
import type { Life } from "./life.ts";
import type { DatagramProfile, LinkProfile } from "./link-profile.ts";
import { SimDisk } from "./sim-disk.ts";
import { StreamNetwork } from "./stream-network.ts";
import { Timeline } from "./timeline.ts";
import { Topology } from "./topology.ts";
import { createTrace, noTrace, type Trace } from "./trace.ts";

export interface HostsOptions {
  /** The hosts; `name:port` is an address. At most 64. */
  readonly names: readonly string[];
  /**
   * An independent stream of chance for each number: `(stream) => createRandom(seed, base +
   * stream)`. Numbers are below `hostStreamsMax`.
   */
  readonly random: (stream: number) => Random;
  readonly link?: LinkProfile;
  readonly disk?: DiskProfile;
  readonly datagrams?: DatagramProfile;
  readonly time?: (name: string) => HostTimeOptions;
  /** Bytes under way of one connection that the system takes; more are queued. Default 1 MiB. */
  readonly windowBytes?: number;
  /** Fingerprints all bytes that move (`traceHash`); costs a tenth of the speed. Default false. */
  readonly traces?: boolean;
}

export interface Hosts {
  readonly timeline: Timeline;
  readonly list: readonly Host[];
  readonly topology: Topology;
  readonly network: StreamNetwork;
  readonly datagrams: DatagramNetwork;
  /** Injected faults by kind. */
  readonly faults: FaultCounts;
  /** @throws InvariantError when there is no host of that name */
  host(name: string): Host;
  /** 16 hex digits over every byte that moved and when; zeros unless asked for. */
  traceHash(): string;
}

/** Streams are numbered below this. */
export const hostStreamsMax: number = 2 ** 20;

const hostsMax = 64;
const livesMax = 2 ** 12;
/** Numbers of streams: links first, then the disks, then the lives. */
const linkStreams = 16;
const diskStreams = linkStreams + hostsMax * hostsMax;
const lifeStreams = diskStreams + 4 * hostsMax;

export function createHosts(options: HostsOptions): Hosts {
  const { names, random } = options;
  assert(names.length >= 1 && names.length <= hostsMax, "a world has 1 to 64 hosts");
  const timeline = new Timeline();
  const faults = new FaultCounts();
  const trace = options.traces === true ? createTrace() : noTrace;
  const topology = new Topology(timeline, names, (link) => random(linkStreams + link));
  if (options.link !== undefined) topology.setProfile(options.link);
  const shared = { timeline, faults, trace, topology };
  const network = new StreamNetwork({ ...shared, windowBytes: options.windowBytes });
  const datagrams = new DatagramNetwork({ ...shared, random: random(0) });
  if (options.datagrams !== undefined) datagrams.profile = options.datagrams;
  const list = names.map((name, index) => {
    const disk = createDisk(options, shared, name, index);
    const time = new HostTime(timeline, options.time?.(name));
    const lifeRandom = (life: number) => random(lifeStreams + index * livesMax + (life % livesMax));
    const onEnd = (life: Life) => datagrams.onEnd(life);
    return new Host({ name, index, timeline, time, disk, network, onEnd, random: lifeRandom });
  });
  const host = (name: string): Host => {
    const found = list[topology.indexOf(name)];
    assert(found !== undefined, "there is a host of that name", () => name);
    return found;
  };
  return {
    ...{ timeline, list, topology, network, datagrams, faults, host },
    traceHash: () => trace.hash(),
  };
}

interface Shared {
  readonly timeline: Timeline;
  readonly faults: FaultCounts;
  readonly trace: Trace;
}

function createDisk(options: HostsOptions, shared: Shared, name: string, index: number): SimDisk {
  const stream = diskStreams + 4 * index;
  const disk = new SimDisk({
    ...shared,
    name,
    random: options.random(stream),
    crashRandom: options.random(stream + 1),
  });
  if (options.disk !== undefined) disk.profile = options.disk;
  return disk;
}
