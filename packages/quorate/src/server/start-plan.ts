/**
 * How a member begins: it forms a cluster with others, goes on where its directory ends, or joins a
 * cluster that runs. etcd's way to join is in two steps: `member add` announces an address, and the
 * process that is then started there with `--initial-cluster-state existing` is that member. Ours
 * is `--join`: the process may come first, and waits to be added by its name.
 */
import { askCluster, identifyDirectory, type StartOptions } from "@quorate/raft";
import { isAnnouncedId } from "./announced-id.ts";
import { badFlag, checkServerOptions, type ServerOptions } from "./options.ts";

export type StartPlan = Pick<
  StartOptions<Record<never, never>>,
  "id" | "members" | "join" | "address" | "joinsExisting"
>;

/** Who asks before it knows which member it is; no member is called so. */
const nobody = "_";

/**
 * @param askMs Milliseconds to find somebody who knows the cluster; the node's default if left out
 * @throws QuorateError `BAD_CONFIG` about a flag; those of `askCluster` and `identifyDirectory`
 */
export async function planStart(options: ServerOptions, askMs?: number): Promise<StartPlan> {
  const members = checkServerOptions(options);
  const { name, dataDir } = options;
  const address = members[name] ?? ""; // checked: it is there
  const owner = dataDir === null ? null : await identifyDirectory(dataDir);
  // A member that was added without a name keeps the one that it got, whatever its flags are.
  const id = owner !== null && isAnnouncedId(owner.member) ? owner.member : name;
  if (options.join.length > 0) return { id, join: seedsOf(options.join), address };
  const others = Object.values(members).filter((each) => each !== address);
  const seeds = others.length > 0 ? others : [address]; // of a used directory nobody is asked
  if (owner?.hasLog === true) {
    return id === name ? goOn(options, members) : { id, join: seeds, address };
  }
  if (options.initialClusterState === "new" && id === name) return { id, members };
  if (others.length === 0) {
    const fact = "it names nobody who could be asked about the cluster";
    const hint = "Name the members that run, too, or give --join HOST:PORT.";
    throw badFlag("--initial-cluster", options.initialCluster, fact, hint);
  }
  return { id: await findOwnId(options, { address, seeds, askMs }), join: seeds, address };
}

/** The directory knows its members; the flags are compared with it, as before. */
function goOn(options: ServerOptions, members: Record<string, string>): StartPlan {
  const joinsExisting = options.initialClusterState === "existing";
  return { id: options.name, members, joinsExisting };
}

/** `host:port`, or a peer URL. @throws QuorateError `BAD_CONFIG` */
function seedsOf(join: readonly string[]): string[] {
  return join.map((text) => {
    const address = /^(?:http:\/\/)?([^/\s]+:\d{1,5})\/?$/.exec(text)?.[1];
    if (address !== undefined) return address;
    throw badFlag("--join", text, "it is no host:port", "Write HOST:PORT,… of members that run.");
  });
}

interface Inquiry {
  readonly address: string;
  readonly seeds: readonly string[];
  readonly askMs: number | undefined;
}

/**
 * As whom this member was added: it is known by its address. Who votes has had a log: without it,
 * it is not that member any more.
 */
async function findOwnId(
  { name, dataDir }: ServerOptions,
  { address, seeds, askMs }: Inquiry,
): Promise<string> {
  const limits = askMs === undefined ? {} : { timeoutMs: askMs };
  const { members } = await askCluster({ id: nobody, address, seeds, ...limits });
  const found = members.find((member) => member.address === address);
  if (found === undefined) {
    const list = members.map((member) => `${member.id} at ${member.address}`).join(", ");
    const fact = `nobody was added at ${address} (there are ${list})`;
    const hint = `Run: quorate member add ${name} --address ${address}`;
    throw badFlag("--initial-cluster-state", "existing", fact, hint);
  }
  if (found.id !== name && !isAnnouncedId(found.id)) {
    const fact = `the member at ${address} was added as ${found.id}`;
    throw badFlag("--name", name, fact, `Start it with --name ${found.id}.`);
  }
  if (found.votes) {
    const fact = `member ${found.id} votes in the cluster already, and the directory is empty`;
    const hint = `Run: quorate member replace ${found.id} NEW --address HOST:PORT`;
    throw badFlag("--data-dir", dataDir ?? "(memory)", fact, hint);
  }
  return found.id;
}
