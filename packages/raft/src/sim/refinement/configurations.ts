/** Explains changes of the members, and compares who decides. */
import {
  type ChangeResult,
  type Configuration,
  lastIndex,
  type MemberChange,
  type Raft,
} from "../../core/index.ts";
import type { Server, SpecConfiguration } from "../spec/index.ts";
import { announce, demand, type Explanation } from "./explanation.ts";
import { lastOf, type Mirror } from "./mirror.ts";
import { configurationWordOf, type Words, wordOf } from "./words.ts";

/** Asked for at the leader; nothing may change if it is refused. */
export function explainChange(
  explanation: Explanation,
  mirror: Mirror,
  raft: Raft,
  changes: readonly MemberChange[],
  result: ChangeResult,
): void {
  if (result.kind === "refused") return;
  const last = lastIndex(raft.log);
  const index = lastOf(mirror) + 1;
  demand(
    result.index === index && result.term === raft.hardState.term,
    () => `it says that it appended at ${result.term}/${result.index}`,
  );
  demand(last === index, () => `${last - index + 1} entries for one change`);
  explainOwnConfigurations(explanation, mirror, raft);
  demandAsked(explanation, mirror, changes);
}

/** What a leader appended besides commands: configurations, one after the other. */
export function explainOwnConfigurations(
  explanation: Explanation,
  mirror: Mirror,
  raft: Raft,
): void {
  const { spec, words } = explanation;
  for (const entry of raft.log.entries.slice(lastOf(mirror) - raft.log.base.index)) {
    const { value, configuration } = wordOf(words, entry);
    demand(configuration !== undefined, () => `it appends a ${entry.kind} for no reason`);
    if (configuration === undefined) return;
    announce(explanation, "changeConfiguration");
    spec.changeConfiguration(mirror.at, value, configuration);
  }
}

/** The members after it are those of before with the steps done, each by the last that names it. */
function demandAsked(
  { spec, words }: Explanation,
  mirror: Mirror,
  changes: readonly MemberChange[],
): void {
  const { voters, learners, removed } = spec.configurationOf(mirror.at);
  const last = new Map<Server, MemberChange>();
  for (const change of changes) {
    const at = words.places.get(change.id);
    if (at !== undefined && change.kind !== "update-address") last.set(at, change);
  }
  for (const [at, change] of last) {
    const isVoter = change.kind === "promote" || (change.kind === "add" && change.as === "voter");
    const is = change.kind === "remove" ? removed : isVoter ? voters : learners;
    demand(is.includes(at), () => `${change.kind} ${change.id} did something else`);
  }
}

/** Whether the places are a quorum of what is in force at the member. */
export function isQuorumAt(
  { spec }: Explanation,
  at: Server,
  places: ReadonlySet<Server>,
): boolean {
  const { voters, outgoing } = spec.configurationOf(at);
  return [voters, outgoing ?? voters].every((half) => {
    return 2 * half.filter((place) => places.has(place)).length > half.length;
  });
}

/** Whether the place votes by what is in force there. */
export function isVoterAt({ spec }: Explanation, at: Server): boolean {
  const { voters, outgoing } = spec.configurationOf(at);
  return voters.includes(at) || (outgoing?.includes(at) ?? false);
}

/** Looks at them when they or what they follow from has changed; `isAudit`: in any case. */
export function compareConfigurations(
  { spec, words }: Explanation,
  mirror: Mirror,
  raft: Raft,
  isAudit: boolean,
): void {
  const isQuiet =
    raft.configuration === mirror.configuration &&
    raft.committedConfiguration === mirror.committedConfiguration &&
    !mirror.hasNewConfiguration &&
    // While a change is under way, the commit index may complete it.
    (raft.commit === mirror.commit || mirror.configuration === mirror.committedConfiguration);
  if (isQuiet && !isAudit) return;
  mirror.hasNewConfiguration = false;
  mirror.configuration = raft.configuration;
  mirror.committedConfiguration = raft.committedConfiguration;
  const inForce = spec.configurationOf(mirror.at);
  demand(isSame(words, raft.configuration, inForce), () => `it obeys ${tell(words, raft)}`);
  const committed = spec.committedConfigurationOf(mirror.at);
  demand(
    isSame(words, raft.committedConfiguration, committed),
    () => `it takes the configuration at ${raft.committedConfigurationIndex} for committed`,
  );
}

function isSame(words: Words, real: Configuration, spec: SpecConfiguration): boolean {
  const word = configurationWordOf(words, real);
  return word === spec || describe(word) === describe(spec);
}

function tell(words: Words, raft: Raft): string {
  return `${describe(configurationWordOf(words, raft.configuration))}; its log's is another`;
}

function describe({ voters, outgoing, learners, removed }: SpecConfiguration): string {
  const lists = [voters, outgoing ?? [], learners, removed];
  return lists.map((list) => [...list].sort((a, b) => a - b).join(",")).join(" ");
}
