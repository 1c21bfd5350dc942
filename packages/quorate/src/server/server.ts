/**
 * A member process from its options to its open ports, and back. The only place where the store,
 * the gRPC layer and the node meet.
 */
import {
  isQuorateError,
  type LeaseOptions,
  type Logger,
  type Node,
  QuorateError,
  start,
} from "@quorate/raft";
import {
  createPortSplitter,
  createRpcServer,
  MethodTable,
  type PortSplitter,
} from "../rpc/index.ts";
import { type Backend, createBackend, type ServerMachines, serverMachines } from "./backend.ts";
import { registerCluster } from "./cluster-service.ts";
import { createHttpEndpoints } from "./http-endpoints.ts";
import { registerKv } from "./kv-service.ts";
import { registerMaintenance } from "./maintenance-service.ts";
import { registerMembers } from "./members-service.ts";
import { registerMoveLeader } from "./move-leader.ts";
import { addressOfUrl, badFlag, type ServerOptions } from "./options.ts";
import { registerSnapshot } from "./snapshot-service.ts";
import { planStart } from "./start-plan.ts";
import { quorateVersion } from "./versions.ts";

/** Bytes of one request in the log, as in etcd: 1.5 MiB. */
export const requestBytesMax = 1_572_864;
/** Milliseconds until a member tries again to tell the cluster its client URLs. */
const publishRetryMs = 500;
/** Bytes that a command has besides the request: its machine's name and version. */
const envelopeBytesMax = 64;
/**
 * Election timeouts that a member that stops waits until another one leads: one for a target that
 * does not take over, one for what must be done before.
 */
const handoverElections = 2;

export interface QuorateServer {
  readonly node: Node<ServerMachines>;
  /** `http://host:port` of each client port, with the real port. */
  readonly clientUrls: readonly string[];
  /** Resolves when the server has ended: null after `stop`, else what ended its member. */
  readonly ended: Promise<Error | null>;
  /**
   * A leader hands over first, while it still serves; then the calls in progress end, and the ports
   * and the member close. Whatever becomes of handing over, it stops then. Idempotent.
   */
  stop(): Promise<void>;
}

/**
 * Starts a member with its client ports open; a leader may take an election longer.
 *
 * @throws QuorateError that names the flag, directory or address that cannot be used
 */
export async function startServer(options: ServerOptions, logger: Logger): Promise<QuorateServer> {
  const plan = await planStart(options);
  const clientAddresses = options.listenClientUrls.map((url) =>
    addressOfUrl("--listen-client-urls", url),
  );
  const listen = addressOfUrl("--listen-peer-urls", options.listenPeerUrls[0] ?? "");
  const node = await start({
    ...plan,
    machines: serverMachines,
    token: options.initialClusterToken,
    listen,
    limits: {
      heartbeatMs: options.heartbeatMs,
      electionMs: options.electionMs,
      timeoutMs: 5_000 + 2 * options.electionMs,
      commandBytesMax: requestBytesMax + envelopeBytesMax,
    },
    logger,
    priority: options.priority,
    repair: options.repairs,
    ...leaseOf(options),
    ...(options.dataDir === null ? {} : { dir: options.dataDir }),
  }).catch((error: unknown) => {
    throw nameFlag(error);
  });
  const server = new Server(options, node, logger);
  try {
    await server.listen(clientAddresses);
  } catch (error) {
    await server.stop();
    throw error;
  }
  server.publish();
  return server;
}

/** What is declared of the clocks. */
function leaseOf({ leaseDriftPermille }: ServerOptions): { leaseReads?: LeaseOptions } {
  return leaseDriftPermille === null ? {} : { leaseReads: { driftPermille: leaseDriftPermille } };
}

class Server implements QuorateServer {
  readonly node: Node<ServerMachines>;
  readonly ended: Promise<Error | null>;
  readonly clientUrls: string[] = [];
  readonly #options: ServerOptions;
  readonly #logger: Logger;
  readonly #backend: Backend;
  readonly #splitters: PortSplitter[] = [];
  #stopping: Promise<void> | null = null;

  constructor(options: ServerOptions, node: Node<ServerMachines>, logger: Logger) {
    this.#options = options;
    this.#logger = logger;
    this.node = node;
    this.#backend = createBackend(node, options, requestBytesMax);
    this.ended = new Promise((resolve) => {
      node.on("stopped", ({ error }) => {
        this.#closePorts().then(() => resolve(error));
      });
    });
  }

  async listen(addresses: readonly string[]): Promise<void> {
    for (const address of addresses) this.clientUrls.push(await this.#open(address));
  }

  /** One port: gRPC and plain HTTP. */
  #open(address: string): Promise<string> {
    const methods = new MethodTable();
    registerKv(methods, this.#backend);
    registerCluster(methods, this.#backend);
    registerMembers(methods, this.#backend);
    registerMaintenance(methods, this.#backend);
    registerMoveLeader(methods, this.#backend);
    registerSnapshot(methods, this.#backend);
    const rpc = createRpcServer({
      methods,
      onHandlerError: (error, path) => {
        const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
        this.#logger.error({ path, error: text }, `A handler of ${path} threw: this is a bug`);
      },
    });
    const splitter = createPortSplitter({
      rpc,
      onHttp: createHttpEndpoints(this.#backend),
      onError: (error) => {
        this.#logger.error({ address, error: error.message }, `The port ${address} failed`);
      },
    });
    this.#splitters.push(splitter);
    const { host, port } = splitAddress(address);
    return new Promise((resolve, reject) => {
      splitter.listen(port, host, (result) => {
        if (result instanceof Error) reject(portError(address, result));
        else resolve(`http://${host.includes(":") ? `[${host}]` : host}:${result.port}`);
      });
    });
  }

  /**
   * Tells the cluster this member's client URLs, once there is a leader; tried again until it is
   * heard.
   */
  publish(): void {
    const clientUrls = [...this.#options.advertiseClientUrls];
    const { name } = this.#options;
    const { id } = this.node;
    const shown = id === name ? {} : { shownAs: name };
    const attributes = { name: id, clientUrls, version: quorateVersion(), ...shown };
    const attempt = (): void => {
      this.node.machines.members.publish(attributes).then(
        () => this.#logger.info({ name, clientUrls }, `published ${name} with its client URLs`),
        (error: unknown) => {
          if (error instanceof QuorateError && error.code === "STOPPED") return;
          setTimeout(attempt, publishRetryMs).unref();
        },
      );
    };
    attempt();
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /**
   * With the ports open until another leads: what clients send meanwhile waits, and goes there.
   */
  async #stop(): Promise<void> {
    const { node } = this;
    const timeoutMs = handoverElections * this.#options.electionMs;
    if (node.status().role === "leader") {
      await node.transferLeadership(undefined, { timeoutMs }).catch((error: unknown) => {
        const why = error instanceof Error ? error.message : String(error);
        this.#logger.info({ why }, `Stops without handing over: ${why}`);
      });
    }
    await this.#closePorts();
    await node.stop();
  }

  async #closePorts(): Promise<void> {
    const open = this.#splitters.splice(0);
    await Promise.all(open.map((splitter) => new Promise<void>((done) => splitter.stop(done))));
  }
}

function splitAddress(address: string): { readonly host: string; readonly port: number } {
  const at = address.lastIndexOf(":");
  const host = address.slice(0, at).replace(/^\[|\]$/g, "");
  return { host, port: Number(address.slice(at + 1)) };
}

/** The library's options by the flags that they come from. */
const flagsOfOptions: Readonly<Record<string, string>> = {
  listen: "--listen-peer-urls",
  id: "--name",
  dir: "--data-dir",
  members: "--initial-cluster",
  join: "--join",
  address: "--initial-advertise-peer-urls",
  "limits.heartbeatMs": "--heartbeat-interval",
  "limits.electionMs": "--election-timeout",
};

/** A refused option, by the name that the operator knows. */
function nameFlag(error: unknown): unknown {
  if (!isQuorateError(error, "BAD_CONFIG")) return error;
  const { option, value } = error.details;
  const flag = Object.hasOwn(flagsOfOptions, option) ? flagsOfOptions[option] : undefined;
  const start = `Cannot start with ${option} ${value}: `;
  if (flag === undefined || !error.message.startsWith(start)) return error;
  return badFlag(flag, value, error.message.slice(start.length), error.hint);
}

function portError(address: string, error: Error): QuorateError {
  const code = "code" in error ? String(error.code) : "";
  const fact = code === "EADDRINUSE" ? "the address is in use (EADDRINUSE)" : error.message;
  const hint = "Stop what uses the port, or choose another one.";
  return badFlag("--listen-client-urls", `http://${address}`, fact, hint);
}
