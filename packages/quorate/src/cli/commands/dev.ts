import { relative, resolve } from "node:path";
import { type Command, Option } from "commander";
import { quorateVersion } from "../../server/index.ts";
import type { CliContext } from "../cli-context.ts";
import { CliError, usageError } from "../cli-error.ts";
import { formatBanner } from "../dev/banner.ts";
import { checkPorts } from "../dev/check-ports.ts";
import { chooseLayout, planLayout, saveLayout } from "../dev/data-folder.ts";
import { DevCluster } from "../dev/dev-cluster.ts";
import { DevSession } from "../dev/dev-session.ts";
import {
  basePortMax,
  clientUrlOf,
  createLayout,
  type Layout,
  nodesDefault,
  nodesMax,
  peerUrlOf,
} from "../dev/layout.ts";
import { readKeys } from "../dev/read-keys.ts";
import { exitCodes } from "../exit-codes.ts";
import { formatJson } from "../output/json.ts";
import { createNumberParser } from "../parse-values.ts";
import { onStopSignals } from "../stop-signals.ts";
import type { Terminal } from "../terminal.ts";

/** `quorate dev`: a cluster on this machine, as processes. */

interface DevFlags {
  readonly nodes?: number;
  readonly dataDir?: string;
  readonly memory?: boolean;
  readonly basePort?: number;
  readonly json?: boolean;
}

const folderDefault = ".quorate/dev";

export function registerDev(program: Command, context: CliContext): void {
  program
    .command("dev")
    .description("start a cluster on this machine, to develop with")
    .addOption(
      new Option("--nodes <count>", `how many members (${nodesDefault})`).argParser(
        createNumberParser(1, nodesMax),
      ),
    )
    .addOption(new Option("--data-dir <dir>", `where they keep their data (${folderDefault})`))
    .addOption(new Option("--memory", "keep all in memory; gone on exit").conflicts("dataDir"))
    .addOption(
      new Option(
        "--base-port <port>",
        "the first client port; others at steps of 10, peer ports one above",
      ).argParser(createNumberParser(1, basePortMax)),
    )
    .option("--json", "print one line of JSON when ready, for programs")
    .addHelpText(
      "after",
      "\nExamples:\n  quorate dev\n  quorate dev --nodes 5 --memory\n" +
        "  quorate dev --base-port 4000 --json",
    )
    .action((flags: DevFlags) => runDev(context, flags));
}

async function runDev({ terminal }: CliContext, flags: DevFlags): Promise<void> {
  const startMs = performance.now();
  checkBasePort(flags);
  const folder = flags.memory === true ? null : resolve(flags.dataDir ?? folderDefault);
  const layout = await prepare(folder, flags);
  const hasKeys = terminal.isInputPerson && terminal.isPrintPerson && flags.json !== true;
  const session = new DevSession(terminal, hasKeys);
  const cluster = new DevCluster(layout, folder, session);
  const release = onStopSignals(
    () => session.quit(),
    () => cluster.killAll(),
  );
  const giveBack = hasKeys ? readKeys((key) => session.onKey(key)) : () => undefined;
  try {
    const ended = await Promise.race([cluster.waitReady(), session.ended]);
    if (ended === "quit") return;
    const readyMs = performance.now() - startMs;
    if (flags.json === true) terminal.print(`${formatReady(cluster)}\n`);
    else terminal.print(describeReady(terminal, cluster, { folder, readyMs, hasKeys }));
    session.begin(cluster);
    if ((await session.ended) === "all-dead") throw noneLeft();
  } finally {
    giveBack();
    await cluster.stop();
    release();
  }
}

/** Everything that can be found wrong before a process is started. */
async function prepare(folder: string | null, flags: DevFlags): Promise<Layout> {
  const wanted = { nodes: flags.nodes ?? null, basePort: flags.basePort ?? null };
  const layout = folder === null ? chooseLayout(wanted) : planLayout(folder, wanted);
  await checkPorts(layout);
  if (folder !== null) saveLayout(folder, layout);
  return layout;
}

function checkBasePort({ basePort, nodes = nodesDefault }: DevFlags): void {
  if (basePort === undefined) return;
  const lastPort = createLayout(nodes, basePort).at(-1)?.peerPort ?? 0;
  if (lastPort <= 65_535) return;
  throw usageError(`--base-port ${basePort} leads to port ${lastPort}; the last one is 65535`);
}

/** The line for programs. */
function formatReady({ members }: DevCluster): string {
  return formatJson({
    ready: true,
    members: members.map(({ layout, dataDir, process }) => ({
      name: layout.name,
      clientUrl: clientUrlOf(layout),
      peerUrl: peerUrlOf(layout),
      pid: process.pid,
      dataDir,
    })),
  });
}

interface Readiness {
  readonly folder: string | null;
  readonly readyMs: number;
  readonly hasKeys: boolean;
}

function describeReady(
  { environment, printColours }: Terminal,
  cluster: DevCluster,
  { folder, readyMs, hasKeys }: Readiness,
): string {
  const members = cluster.members.map(({ layout, role, process }) => {
    return { name: layout.name, clientUrl: clientUrlOf(layout), role, pid: process.pid };
  });
  const dataDir = folder === null ? null : shortPath(folder);
  // Started by npm, our program is not on the path, but npx finds it.
  const command = environment["npm_execpath"] === undefined ? "quorate" : "npx quorate";
  const version = quorateVersion();
  return formatBanner({ version, readyMs, members, dataDir, hasKeys, command }, printColours);
}

/** From here if it is below, else whole. */
function shortPath(folder: string): string {
  const path = relative(process.cwd(), folder);
  return path.startsWith("..") ? folder : path;
}

function noneLeft(): CliError {
  const lines = ["Start it again to bring the members back, with what they have on disk."];
  const { failed: exitCode } = exitCodes;
  return new CliError("no member is left", { exitCode, code: "STOPPED", lines });
}
