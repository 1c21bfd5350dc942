/**
 * The cluster's id: derived once from the first members and a token, so that all of them find the
 * same without talking. Kept in each directory; afterwards the directory is the truth.
 */
import { fingerprint64 } from "../base/index.ts";
import type { Configuration } from "../core/index.ts";

/** 16 hex digits. Two clusters with equal members need different tokens to be told apart. */
export function deriveClusterId(configuration: Configuration, token: string): string {
  const members = configuration.voters.map((member) => `${member.id}=${member.address}`);
  return fingerprint64(["quorate-cluster", token, ...members].join("\n"));
}
