/**
 * Bootstrap: the `members` option forms the first configuration, only where the log is empty, the
 * same on all. Afterwards the log is the truth, and an option that differs is a warning that says
 * so.
 */
import { logIndex, term } from "../base/index.ts";
import {
  allMembers,
  type Configuration,
  decodeConfiguration,
  type Entry,
  encodeConfiguration,
  type HardState,
  type PlacedSnapshot,
} from "../core/index.ts";

/** The first entry of every log: index 1, term 1, equal on all members and therefore committed. */
export function firstEntry(configuration: Configuration): Entry {
  const data = encodeConfiguration(configuration);
  return { index: logIndex(1), term: term(1), kind: "configuration", data };
}

export const firstHardState: HardState = { term: term(1), votedFor: null, mustCatchUp: false };

/**
 * The newest configuration among `entries`, else that of the snapshot they follow, or null.
 *
 * @throws FormatError
 */
export function configurationOf(
  entries: readonly Entry[],
  snapshot: PlacedSnapshot | null,
): Configuration | null {
  for (let at = entries.length - 1; at >= 0; at--) {
    const entry = entries[at];
    if (entry?.kind === "configuration") return decodeConfiguration(entry.data);
  }
  return snapshot?.configuration ?? null;
}

/** Whether the log holds a configuration besides the one that formed the cluster. */
export function hasLaterConfiguration(
  entries: readonly Entry[],
  snapshot: PlacedSnapshot | null,
): boolean {
  if (snapshot !== null && snapshot.configurationIndex > 1) return true;
  return entries.some(({ kind, index }) => kind === "configuration" && index > 1);
}

/**
 * How the option compares with the log: `same`; `differs` (warn); `foreign` (not one member in
 * common, or the same members under another token: this directory belongs to another cluster).
 * `hasChanged`: the members have changed since the cluster was formed, so that its id does not
 * follow from them.
 */
export function compareConfigurations(
  option: Configuration,
  log: Configuration,
  { isSameId, hasChanged }: { readonly isSameId: boolean; readonly hasChanged: boolean },
): "same" | "differs" | "foreign" {
  if (isSameId) return "same";
  const known = new Set(allMembers(log).map((member) => `${member.id}=${member.address}`));
  const common = option.voters.filter((member) => known.has(`${member.id}=${member.address}`));
  if (common.length === 0) return "foreign";
  const isEqual = common.length === option.voters.length && common.length === log.voters.length;
  if (isEqual && hasChanged) return "same";
  return isEqual ? "foreign" : "differs";
}

export function describeMembers(configuration: Configuration): string {
  return configuration.voters.map((member) => `${member.id}=${member.address}`).join(",");
}
