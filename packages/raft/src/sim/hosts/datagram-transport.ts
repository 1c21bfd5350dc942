/** A member's transport on the hostile door: the same contract as the one on streams. */
import { assert, type NodeId } from "../../base/index.ts";
import type { PeerMessage, Transport, TransportOptions } from "../../transport/index.ts";
import type { DatagramNetwork, Station } from "./datagram-network.ts";
import type { Life } from "./life.ts";

/** As `createTransport`, bound to one life. */
export type OpenTransport = (
  options: Pick<TransportOptions, "identity" | "listenAddress" | "handlers">,
  done: (error: null, transport: Transport) => void,
) => void;

/**
 * What to call in place of `createTransport` for the member that runs in `life`. It never fails;
 * `done` runs once, never inside the call.
 */
export function createDatagramTransport(network: DatagramNetwork, life: Life): OpenTransport {
  return ({ identity, listenAddress, handlers }, done) => {
    const station: Station = {
      ...{ life, identity, handlers },
      peers: new Map(),
      incarnations: new Map(),
      connected: new Map(),
    };
    life.post(() => {
      network.attach(station);
      done(null, new DatagramTransport(network, station, listenAddress));
    });
  };
}

class DatagramTransport implements Transport {
  readonly address: string;
  readonly #network: DatagramNetwork;
  readonly #station: Station;
  #isClosed = false;

  constructor(network: DatagramNetwork, station: Station, address: string) {
    this.#network = network;
    this.#station = station;
    this.address = address;
  }

  send(message: PeerMessage): boolean {
    const { identity, life } = this.#station;
    assert(message.from === identity.id, "a member sends in its own name");
    if (this.#isClosed || !life.isAlive) return false;
    return this.#network.send(this.#station, message);
  }

  flush(): void {} // messages leave at once

  /** Datagrams have no connections: nobody is reached for bulk. */
  dialBulk(): null {
    return null;
  }

  setPeers(peers: ReadonlyMap<NodeId, string>): void {
    if (this.#isClosed) return;
    assert(!peers.has(this.#station.identity.id), "a member is not its own peer");
    const hosts = new Map<NodeId, number>();
    for (const [id, address] of peers) {
      const host = this.#network.hostOf(address);
      if (host >= 0) hosts.set(id, host);
    }
    this.#station.peers = hosts;
    this.#network.onPeers(this.#station);
  }

  close(done: () => void): void {
    assert(!this.#isClosed, "a transport is closed once");
    this.#isClosed = true;
    this.#network.detach(this.#station);
    this.#station.life.post(done);
  }
}
