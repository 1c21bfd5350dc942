/** Three member processes whose every link goes through a proxy. */
import { freePorts } from "./free-ports.ts";
import type { MemberStart } from "./member-messages.ts";
import { memberIds, ProcessCluster } from "./process-cluster.ts";
import { type LinkFaults, TcpProxy } from "./tcp-proxy.ts";

export class ProxiedCluster {
  readonly cluster: ProcessCluster;
  readonly proxies: ReadonlyMap<string, TcpProxy>;

  private constructor(cluster: ProcessCluster, proxies: ReadonlyMap<string, TcpProxy>) {
    this.cluster = cluster;
    this.proxies = proxies;
  }

  /** All three run, and there is a leader. */
  static async started(changes: Partial<MemberStart> = {}): Promise<ProxiedCluster> {
    const cluster = await ProcessCluster.create();
    const ports = await freePorts(memberIds.length);
    const proxies = new Map<string, TcpProxy>();
    for (const [at, id] of memberIds.entries()) {
      const public_ = Number(cluster.addresses[id]?.split(":").at(-1));
      const proxy = new TcpProxy(public_, ports[at] ?? 0);
      await proxy.listen();
      proxies.set(id, proxy);
      cluster.launch(id, { listen: `127.0.0.1:${ports[at]}`, ...changes });
    }
    await Promise.all(cluster.members.map((member) => member.started()));
    await cluster.leader();
    return new ProxiedCluster(cluster, proxies);
  }

  /** What happens to what `from` sends to `to`. */
  setFaults(from: string, to: string, faults: LinkFaults): void {
    this.proxies.get(to)?.setFaults(from, faults);
  }

  /** The same for all that `from` sends. */
  setFaultsFrom(from: string, faults: LinkFaults): void {
    for (const to of memberIds) if (to !== from) this.setFaults(from, to, faults);
  }

  async dispose(): Promise<void> {
    await this.cluster.dispose();
    await Promise.all([...this.proxies.values()].map((proxy) => proxy.close()));
  }
}
