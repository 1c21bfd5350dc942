/**
 * What a server is started with, as etcd's flags say it, and the check that names the flag that is
 * wrong.
 */
import { QuorateError } from "@quorate/raft";

export interface ServerOptions {
  readonly name: string;
  /** Null: in memory. */
  readonly dataDir: string | null;
  readonly listenClientUrls: readonly string[];
  readonly advertiseClientUrls: readonly string[];
  readonly listenPeerUrls: readonly string[];
  readonly initialAdvertisePeerUrls: readonly string[];
  /** `a=http://host:port,b=…`: the first members, the same on all. */
  readonly initialCluster: string;
  readonly initialClusterState: "new" | "existing";
  readonly initialClusterToken: string;
  /** `host:port` of running members: this one joins their cluster. Empty: it does not. */
  readonly join: readonly string[];
  readonly heartbeatMs: number;
  readonly electionMs: number;
  /** How much this member wants to lead, 0 to 10. */
  readonly priority: number;
  /**
   * Linearizable reads are answered by lease; no member's clock runs fast or slow by more
   * thousandths than this. Null: they are confirmed by a majority each time.
   */
  readonly leaseDriftPermille: number | null;
  /** Damage on its disk is mended from the other members; false: it is refused at the start. */
  readonly repairs: boolean;
}

/** etcd's defaults. */
export const defaultServerOptions: ServerOptions = {
  name: "default",
  dataDir: "default.quorate",
  listenClientUrls: ["http://localhost:2379"],
  advertiseClientUrls: ["http://localhost:2379"],
  listenPeerUrls: ["http://localhost:2380"],
  initialAdvertisePeerUrls: ["http://localhost:2380"],
  initialCluster: "default=http://localhost:2380",
  initialClusterState: "new",
  initialClusterToken: "etcd-cluster",
  join: [],
  heartbeatMs: 100,
  electionMs: 1_000,
  priority: 1,
  leaseDriftPermille: null,
  repairs: true,
};

/** A wrong flag, in a sentence that names it, its value, and what to do. */
export function badFlag(flag: string, value: string, fact: string, hint: string): QuorateError {
  return new QuorateError("BAD_CONFIG", `Cannot start with ${flag} ${value}: ${fact}`, {
    outcome: "not-applied",
    retry: "never",
    hint,
    details: { option: flag, value },
  });
}

/** `host:port` of an `http://host:port` flag. @throws QuorateError `BAD_CONFIG` */
export function addressOfUrl(flag: string, text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw badFlag(flag, JSON.stringify(text), "it is no URL", "Write http://host:port.");
  }
  if (url.protocol === "https:") {
    const fact = "this version does not serve TLS yet";
    throw badFlag(flag, text, fact, "Write http://host:port, and keep the port private.");
  }
  if (url.protocol !== "http:") {
    throw badFlag(flag, text, `its scheme is ${url.protocol}`, "Write http://host:port.");
  }
  if (url.pathname !== "/" || url.search !== "" || url.username !== "") {
    throw badFlag(flag, text, "it has more than a host and a port", "Write http://host:port.");
  }
  return `${url.hostname}:${url.port === "" ? "80" : url.port}`;
}

/** Names to peer addresses out of `--initial-cluster`. @throws QuorateError `BAD_CONFIG` */
export function parseInitialCluster(text: string): Record<string, string> {
  const members: Record<string, string> = {};
  for (const part of text.split(",")) {
    const at = part.indexOf("=");
    if (at <= 0) {
      const fact = `${JSON.stringify(part)} is not name=url`;
      throw badFlag("--initial-cluster", text, fact, "Write name=http://host:port,name=…");
    }
    const name = part.slice(0, at).trim();
    if (Object.hasOwn(members, name)) {
      const fact = `the member ${name} is named twice; a member has one peer URL here`;
      throw badFlag("--initial-cluster", text, fact, "Name each member once.");
    }
    members[name] = addressOfUrl("--initial-cluster", part.slice(at + 1).trim());
  }
  return members;
}

/**
 * Names to peer addresses of the first members; with `--join` of this one only.
 *
 * @throws QuorateError `BAD_CONFIG` if the flags contradict each other
 */
export function checkServerOptions(options: ServerOptions): Record<string, string> {
  // First what others follow from, so that the flag that was given is the one that is named.
  for (const url of options.listenPeerUrls) addressOfUrl("--listen-peer-urls", url);
  const members = options.join.length > 0 ? checkJoin(options) : checkInitialCluster(options);
  checkNumbers(options);
  return members;
}

function checkJoin({ name, initialAdvertisePeerUrls }: ServerOptions): Record<string, string> {
  const flag = "--initial-advertise-peer-urls";
  const [address, ...others] = initialAdvertisePeerUrls.map((url) => addressOfUrl(flag, url));
  if (address === undefined || others.length > 0) {
    const value = initialAdvertisePeerUrls.join(",");
    throw badFlag(flag, value, "one is needed, and one only", "Give one URL.");
  }
  return { [name]: address };
}

function checkInitialCluster(options: ServerOptions): Record<string, string> {
  const members = parseInitialCluster(options.initialCluster);
  const own = members[options.name];
  if (own === undefined) {
    const names = Object.keys(members).join(", ");
    const fact = `--initial-cluster names ${names}, and not this member`;
    throw badFlag("--name", options.name, fact, "Correct --name, or add it to --initial-cluster.");
  }
  const flag = "--initial-advertise-peer-urls";
  const advertised = options.initialAdvertisePeerUrls.map((url) => addressOfUrl(flag, url));
  if (!advertised.includes(own)) {
    const fact = `--initial-cluster says ${own} for ${options.name}`;
    throw badFlag(flag, options.initialAdvertisePeerUrls.join(","), fact, "Make the two equal.");
  }
  return members;
}

function checkNumbers(options: ServerOptions): void {
  if (options.listenPeerUrls.length !== 1) {
    const value = options.listenPeerUrls.join(",");
    throw badFlag("--listen-peer-urls", value, "one is needed, and one only", "Give one URL.");
  }
  if (options.listenClientUrls.length === 0) {
    throw badFlag("--listen-client-urls", '""', "one is needed", "Give at least one URL.");
  }
  if (options.electionMs < 5 * options.heartbeatMs) {
    const fact = `it must be at least five times --heartbeat-interval (${options.heartbeatMs})`;
    const hint = "Raise it, or lower --heartbeat-interval.";
    throw badFlag("--election-timeout", String(options.electionMs), fact, hint);
  }
}
