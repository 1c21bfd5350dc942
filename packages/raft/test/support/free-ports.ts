/** Ports of loopback for members that are killed and started again. */
import { createServer } from "node:net";

/**
 * Below the range from which systems draw the local ports of outgoing connections (Linux: from
 * 32,768): a port from within it may be gone when a killed member wants it back, even to another
 * member that dials it.
 */
const firstPort = 17_000;
const lastPort = 32_000;

/** Ports that nobody listens on now, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = firstPort + Math.floor(Math.random() * (lastPort - firstPort));
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
