/** Three servers in this process, over loopback and in memory, for tests of what they serve. */
import { silentLogger } from "@quorate/raft";
import { freePorts } from "../../../raft/test/support/free-ports.ts";
import { until } from "../../../raft/test/support/wait.ts";
import { defaultServerOptions, type ServerOptions } from "../../src/server/options.ts";
import { type QuorateServer, startServer } from "../../src/server/server.ts";

export class LocalServers {
  readonly servers: readonly QuorateServer[];
  readonly #options: readonly ServerOptions[];

  private constructor(servers: readonly QuorateServer[], options: readonly ServerOptions[]) {
    this.servers = servers;
    this.#options = options;
  }

  /** All three know where all serve clients. @param more Options of each, by its name */
  static async started(
    more: (name: string) => Partial<ServerOptions> = () => ({}),
  ): Promise<LocalServers> {
    const names = ["a", "b", "c"];
    const ports = await freePorts(names.length);
    const urlOf = (name: string): string => `http://127.0.0.1:${ports[names.indexOf(name)]}`;
    const initialCluster = names.map((name) => `${name}=${urlOf(name)}`).join(",");
    const clientPorts = await freePorts(names.length);
    const options = names.map((name, at): ServerOptions => {
      const peerUrls = [urlOf(name)];
      const clientUrls = [`http://127.0.0.1:${clientPorts[at]}`];
      return {
        ...defaultServerOptions,
        ...{ name, dataDir: null, listenPeerUrls: peerUrls, initialAdvertisePeerUrls: peerUrls },
        ...{ listenClientUrls: clientUrls, advertiseClientUrls: clientUrls },
        ...{ heartbeatMs: 40, electionMs: 400, initialCluster },
        ...more(name),
      };
    });
    const starting = options.map((each) => startServer(each, silentLogger));
    const servers = new LocalServers(await Promise.all(starting), options);
    await servers.#published();
    return servers;
  }

  /** All have told where they serve clients. */
  async #published(): Promise<void> {
    for (const { node } of this.servers) {
      await until(async () => {
        const told = await node.machines.members.read((state) => state.members);
        return Object.keys(told).length === this.servers.length;
      });
    }
  }

  server(name: string): QuorateServer {
    const server = this.servers.find(({ node }) => node.id === name);
    if (server === undefined) throw new Error(`there is no server ${name}`);
    return server;
  }

  /** To start it once more. */
  optionsOf(name: string): ServerOptions {
    const options = this.#options.find((each) => each.name === name);
    if (options === undefined) throw new Error(`there is no server ${name}`);
    return options;
  }

  /** Who leads, known to all that run. */
  leader(): Promise<QuorateServer> {
    return until(() => {
      const running = this.servers.filter(({ node }) => node.explain().findings.length > 0);
      return running.find(({ node }) => node.status().role === "leader") ?? null;
    });
  }

  async followers(): Promise<QuorateServer[]> {
    const leader = await this.leader();
    return this.servers.filter((server) => server !== leader);
  }

  async dispose(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()));
  }
}
