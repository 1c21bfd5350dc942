/**
 * Plain HTTP on the client port: health and version, for probes and for clients that choose their
 * API by it.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Backend } from "./backend.ts";
import { etcdClusterVersion, etcdVersion, quorateVersion } from "./versions.ts";

/** Milliseconds for the read that `/health` makes. @etcd api/etcdhttp/metrics.go */
const healthTimeoutMs = 1_000;

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export function createHttpEndpoints(backend: Backend): Answer {
  const own = quorateVersion();
  const paths: Record<string, Answer> = {
    "/health": (_request, response) => {
      checkHealth(backend).then((isHealthy) => {
        send(response, isHealthy ? 200 : 503, { health: String(isHealthy) });
      });
    },
    "/version": (_request, response) => {
      const etcdcluster =
        backend.node.status().leader === null ? "not_decided" : etcdClusterVersion;
      send(response, 200, { etcdserver: etcdVersion, etcdcluster, quorate: own });
    },
  };
  return (request, response) => {
    const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
    const answer = Object.hasOwn(paths, path) ? paths[path] : undefined;
    response.setHeader("Access-Control-Allow-Origin", "*");
    if (answer === undefined) {
      sendText(response, 404, "404 page not found\n");
    } else if (request.method !== "GET") {
      response.setHeader("Allow", "GET");
      sendText(response, 405, "Method Not Allowed\n");
    } else {
      answer(request, response);
    }
  };
}

/** Whether a linearizable read works here and now. */
async function checkHealth(backend: Backend): Promise<boolean> {
  if (backend.node.status().leader === null) return false;
  try {
    await backend.machines.kv.read(() => null, { timeoutMs: healthTimeoutMs });
    return true;
  } catch {
    return false;
  }
}

function send(response: ServerResponse, code: number, body: object): void {
  response.writeHead(code, { "Content-Type": "application/json" });
  response.end(JSON.stringify(body));
}

function sendText(response: ServerResponse, code: number, text: string): void {
  response.writeHead(code, { "Content-Type": "text/plain; charset=utf-8" });
  response.end(text);
}
