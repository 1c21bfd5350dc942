/** What the server says of itself: to etcd's clients etcd's version, beside it its own. */
import { readFileSync } from "node:fs";

/** The version of etcd whose behaviour clients see. */
export const etcdVersion = "3.4.23";
/** What `GET /version` calls the cluster's version: clients choose their API path by it. */
export const etcdClusterVersion = "3.4.0";

/** The version of this package. */
export function quorateVersion(): string {
  const file = new URL("../../package.json", import.meta.url);
  const content: unknown = JSON.parse(readFileSync(file, "utf8"));
  if (typeof content === "object" && content !== null && "version" in content) {
    return String(content.version);
  }
  return "unknown";
}
