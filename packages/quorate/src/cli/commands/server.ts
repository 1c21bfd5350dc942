import { type Logger, QuorateError } from "@quorate/raft";
import type { Command } from "commander";
import { type QuorateServer, type ServerOptions, startServer } from "../../server/index.ts";
import type { CliContext } from "../cli-context.ts";
import { CliError, toCliError } from "../cli-error.ts";
import { openParentChannel, type ParentChannel } from "../dev/parent-channel.ts";
import { exitCodes } from "../exit-codes.ts";
import { createServerLogger } from "../log/create-logger.ts";
import { addServerFlags, createServerOptions, type ServerFlags } from "../server-flags.ts";
import { onStopSignals } from "../stop-signals.ts";

/** `quorate server`: one member in this process. */

export function registerServer(program: Command, context: CliContext): void {
  addServerFlags(program.command("server"))
    .description("run one member, with etcd's flags")
    .addHelpText(
      "after",
      "\nEach flag is also a variable: --data-dir is ETCD_DATA_DIR. The flag wins. Those\n" +
        "that etcd does not have are QUORATE_JOIN, QUORATE_PRIORITY, QUORATE_LEASE_READS.\n" +
        "\n--lease-reads 10: the leader answers reads alone, which is right while the clock\n" +
        "of no member runs fast or slow by more than 10 thousandths. Give it to all,\n" +
        "alike, and to no machine that is suspended.\n" +
        "\nSIGTERM and Ctrl-C hand the leadership over, then stop; the second one ends the\n" +
        "process at once.\n" +
        "\nExample, one of three members:\n" +
        "  quorate server --name a --data-dir /var/lib/quorate \\\n" +
        "    --listen-client-urls http://10.0.0.1:2379 \\\n" +
        "    --listen-peer-urls http://10.0.0.1:2380 \\\n" +
        "    --initial-cluster a=http://10.0.0.1:2380,b=http://10.0.0.2:2380,\\\n" +
        "c=http://10.0.0.3:2380\n" +
        "\nA fourth one (see also quorate member add --help):\n" +
        "  quorate server --name d --data-dir /var/lib/quorate \\\n" +
        "    --listen-client-urls http://10.0.0.4:2379 \\\n" +
        "    --listen-peer-urls http://10.0.0.4:2380 --join 10.0.0.1:2380,10.0.0.2:2380",
    )
    .action((flags: ServerFlags) => runServer(context, flags));
}

async function runServer(context: CliContext, flags: ServerFlags): Promise<void> {
  const { terminal } = context;
  const options = createServerOptions(flags);
  const logger = createServerLogger(terminal, flags.logLevel, options.name);
  const parent = openParentChannel();
  try {
    await serve(options, logger, parent);
  } catch (error) {
    const { code, message, lines } = toCliError(error);
    parent?.send({ kind: "failed", code, message, lines });
    throw error;
  } finally {
    parent?.close();
  }
}

/**
 * Resolves when the member was told to stop and has. @throws what it could not start with, or what
 * ended it
 */
async function serve(
  options: ServerOptions,
  logger: Logger,
  parent: ParentChannel | null,
): Promise<void> {
  let server: QuorateServer | null = null;
  let isStopping = false;
  const stop = (why: string): void => {
    if (isStopping) return;
    isStopping = true;
    logger.info({}, `Stopping: ${why}`);
    server?.stop();
  };
  const release = onStopSignals((signal) => stop(`${signal} came`));
  parent?.onGone(() => stop("the process that started this member is gone"));
  try {
    server = await startServer(options, logger);
    announce(options, server, logger, parent);
    if (isStopping) await server.stop();
    const error = await server.ended;
    if (error !== null) throw memberFailed(options.name, error);
  } finally {
    release();
  }
}

function announce(
  options: ServerOptions,
  { node, clientUrls }: QuorateServer,
  logger: Logger,
  parent: ParentChannel | null,
): void {
  const { name, dataDir } = options;
  const { address, role, term } = node.status();
  const place = dataDir === null ? "in memory" : `in ${dataDir}`;
  logger.warn(
    { clientUrls, peerAddress: address },
    "The client and peer ports have neither authentication nor encryption yet: " +
      "keep them on a private network",
  );
  const text = `Member ${name} serves clients on ${clientUrls.join(", ")}, data ${place}`;
  logger.info({ clientUrls, peerAddress: address, dataDir }, text);
  node.on("role", (event) => parent?.send({ kind: "role", ...event }));
  parent?.send({ kind: "listening", clientUrls });
  parent?.send({ kind: "role", role, term });
}

/**
 * What ends a member in its course: its disk, a broken invariant, a command that this version does
 * not know.
 */
function memberFailed(name: string, error: Error): CliError {
  const isOurs = error instanceof QuorateError;
  const code = isOurs ? error.code : "STOPPED";
  const hint = isOurs ? error.hint : "Repair what it names, then start the member again.";
  return new CliError(`member ${name} had to stop: ${error.message}`, {
    exitCode: exitCodes.failed,
    code,
    lines: [hint],
    cause: error,
  });
}
