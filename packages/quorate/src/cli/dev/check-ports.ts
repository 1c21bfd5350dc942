import { createServer } from "node:net";
import { CliError } from "../cli-error.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Layout } from "./layout.ts";

/**
 * Tries all ports before anything is started: one sentence now is better than three failing
 * processes.
 *
 * @throws CliError that names the ports that are taken
 */
export async function checkPorts(layout: Layout): Promise<void> {
  const ports = layout.flatMap(({ clientPort, peerPort }) => [clientPort, peerPort]);
  const reasons = await Promise.all(ports.map(tryPort));
  const taken = ports.flatMap((port, at) => {
    const reason = reasons[at];
    return reason === null || reason === undefined ? [] : [`127.0.0.1:${port} (${reason})`];
  });
  if (taken.length === 0) return;
  const what = taken.length === 1 ? "a port is" : `${taken.length} ports are`;
  throw new CliError(`${what} not free: ${taken.join(", ")}`, {
    exitCode: exitCodes.failed,
    code: "PORT_IN_USE",
    lines: [
      "Stop what listens there (another quorate dev?), or choose other ports with --base-port N.",
    ],
  });
}

/** Null if it is free, else the system's code. */
function tryPort(port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error) => resolve("code" in error ? String(error.code) : error.message));
    server.listen({ port, host: "127.0.0.1" }, () => server.close(() => resolve(null)));
  });
}
