/** C3: what a member takes for its configurations follows from its log and its commit index. */
import { assert, logIndex } from "../../../base/index.ts";
import {
  type Configuration,
  type Entry,
  encodeConfiguration,
  type Raft,
} from "../../../core/index.ts";
import { type Chain, chainConfiguration, numberOf } from "./changes.ts";

export type Configurations = Pick<
  Raft,
  "configuration" | "configurationIndex" | "committedConfiguration" | "committedConfigurationIndex"
>;

/** In force is the newest; committed is what the commit index reaches, or another one follows. */
export function configurationsOf(
  chain: Chain,
  entries: readonly Entry[],
  commit: number,
): Configurations {
  let inForce = 1;
  let before = 1;
  let known = 1;
  for (const { index, kind } of entries) {
    if (kind !== "configuration" || index === 1) continue;
    before = inForce;
    inForce = index;
    if (index <= commit) known = index;
  }
  const committed = Math.max(before, known);
  const at = (index: number): Configuration => {
    const entry = entries[index - 1];
    assert(entry !== undefined, "a log has the entries that it has");
    return chainConfiguration(chain, numberOf(entry.data));
  };
  return {
    configuration: at(inForce),
    configurationIndex: logIndex(inForce),
    committedConfiguration: at(committed),
    committedConfigurationIndex: logIndex(committed),
  };
}

/** What the core says is what decoding makes of its log. */
export function checkConfigurations(chain: Chain, raft: Raft): void {
  const expected = configurationsOf(chain, raft.log.entries, raft.commit);
  assert(raft.configurationIndex === expected.configurationIndex, "C3: in force is the newest");
  const { committedConfigurationIndex: committed } = expected;
  assert(raft.committedConfigurationIndex === committed, "C3: committed is the newest of these");
  const isInForce = isSame(raft.configuration, expected.configuration);
  assert(isInForce, "C3: the configuration in force is the log's");
  const isCommitted = isSame(raft.committedConfiguration, expected.committedConfiguration);
  assert(isCommitted, "C3: the committed configuration is the log's");
}

function isSame(x: Configuration, y: Configuration): boolean {
  return x === y || numberOf(encodeConfiguration(x)) === numberOf(encodeConfiguration(y));
}
