import { type RestoredMember, restoreSnapshot } from "@quorate/raft";
import type { Command } from "commander";
import { addressOfUrl, parseInitialCluster } from "../../server/index.ts";
import type { CliContext } from "../cli-context.ts";
import { CliError, usageError } from "../cli-error.ts";
import { exitCodes } from "../exit-codes.ts";
import { formatFacts, startCommand } from "../offline/format.ts";
import { parseList } from "../parse-values.ts";
import { checkSnapshot, describeDamage } from "./snapshot.ts";

/** `quorate snapshot restore FILE`: the directory of a member of a new cluster. */

interface RestoreFlags {
  readonly dataDir?: string;
  readonly name: string;
  readonly initialCluster?: string;
  readonly initialAdvertisePeerUrls: readonly string[];
  readonly initialClusterToken?: string;
  readonly json?: boolean;
}

const peerUrlDefault = "http://localhost:2380";

export function registerSnapshotRestore(snapshot: Command, context: CliContext): void {
  snapshot
    .command("restore")
    .description("make the directory of a member of a new cluster")
    .argument("<file>", "a saved snapshot")
    .option("--data-dir <dir>", "the directory: new, or empty (NAME.quorate)")
    .option("--name <name>", "this member's name", "default")
    .option("--initial-advertise-peer-urls <urls>", "where other members reach it", parseList, [
      peerUrlDefault,
    ])
    .option("--initial-cluster <members>", "NAME=URL,… of all members (this one)")
    .option("--initial-cluster-token <text>", "sets the cluster apart (from the snapshot)")
    .option("--json", "one line of JSON instead of text")
    .addHelpText("after", helpText)
    .action((file: string, flags: RestoreFlags) => runRestore(context, file, flags));
}

const helpText = `
The new cluster has another id than the one that the snapshot is of. Run it for
each member, with the same file, --initial-cluster and token, then start them.
Revisions go on from that of the snapshot: stop the clients that have seen later
ones first. Restoring the same snapshot again, for the same members, needs a
token of its own.

Example, one of three:
  quorate snapshot restore backup.snap --name a --data-dir /var/lib/quorate/a \\
    --initial-advertise-peer-urls http://10.0.0.1:2380 \\
    --initial-cluster a=http://10.0.0.1:2380,b=http://10.0.0.2:2380,\\
c=http://10.0.0.3:2380`;

async function runRestore(
  { terminal }: CliContext,
  file: string,
  flags: RestoreFlags,
): Promise<void> {
  const { name, initialClusterToken, json = false } = flags;
  const members = checkMembers(flags);
  const checked = await checkSnapshot(file);
  const damage = describeDamage(checked);
  if (damage !== null) throw notSound(file, damage);
  const directory = flags.dataDir ?? `${name}.quorate`;
  const restored = await restoreSnapshot({
    ...{ file, dir: directory, id: name, members },
    ...(initialClusterToken === undefined ? {} : { token: initialClusterToken }),
  });
  const form = json ? toJson : formatRestored;
  terminal.print(form(restored, directory, terminal.width));
}

/** The flags as the server takes them. @throws QuorateError, CliError */
function checkMembers(flags: RestoreFlags): Record<string, string> {
  const { name, initialAdvertisePeerUrls } = flags;
  const own = initialAdvertisePeerUrls.map((url) => {
    return addressOfUrl("--initial-advertise-peer-urls", url);
  });
  const [url = peerUrlDefault] = initialAdvertisePeerUrls;
  const members = parseInitialCluster(flags.initialCluster ?? `${name}=${url}`);
  const address = members[name];
  if (address === undefined) {
    const names = Object.keys(members).join(", ");
    throw usageError(`--name ${name} is not in --initial-cluster, which names ${names}`);
  }
  if (!own.includes(address)) {
    throw usageError(
      `--initial-cluster says ${address} for ${name}, and ` +
        `--initial-advertise-peer-urls ${own.join(", ")}`,
      "Make the two equal.",
    );
  }
  return members;
}

function notSound(file: string, damage: string): CliError {
  return new CliError(`Cannot restore ${file}: it is ${damage}`, {
    exitCode: exitCodes.failed,
    code: "CORRUPT",
    lines: ["Nothing was made. Use another snapshot."],
  });
}

function formatRestored(restored: RestoredMember, directory: string, width: number): string {
  const { contents, clusterId, token, member, members } = restored;
  const names = members.map(({ id, address }) => `${id}=${address}`).join(", ");
  const facts = formatFacts(
    [
      ["Restored", `member ${member} of the new cluster ${clusterId} in ${directory}`],
      ["Members", names],
      ["State", `of entry ${contents.index} of term ${contents.term}, hash ${contents.hash}`],
    ],
    width,
  );
  const others = members.length === 1 ? "" : "Restore the others likewise. ";
  return `${facts}\n${others}Start it with:\n${startCommand(member, directory, members, token)}\n`;
}

function toJson(restored: RestoredMember, directory: string): string {
  return `${JSON.stringify({ directory, ...restored })}\n`;
}
