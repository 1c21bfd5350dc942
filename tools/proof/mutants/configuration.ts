/** Changes of the members: joint configurations, learners, who has left. */
import { lines, type Mutant, type Patch, patch } from "./mutant.ts";

function mutant(name: string, bug: string, ...patches: readonly Patch[]): Mutant {
  return { name, bug, world: "cores", patches };
}

const nextIsCounted = patch(
  "core/quorum.ts",
  "for (const member of voters) values.push(reached(member.id));",
  "for (const member of [...voters, ...others]) values.push(reached(member.id));",
);

/** Lets others into the list that is counted, but not into the number that is needed. */
function countingOthers(others: string): readonly Patch[] {
  return [
    nextIsCounted,
    patch(
      "core/quorum.ts",
      "reached: (id: NodeId) => number): number {\n  const values",
      "reached: any, others: any = []): number {\n  const values",
    ),
    patch(
      "core/quorum.ts",
      "const value = majorityValue(configuration.voters, reached);",
      `const value = majorityValue(configuration.voters, reached, ${others});`,
    ),
    patch("core/quorum.ts", "return values[majority(values.length) - 1] ?? 0;", neededByVoters),
  ];
}

const neededByVoters = "return values[majority(voters.length) - 1] ?? 0;";

const orCommitted = " || isVoter(raft.committedConfiguration, raft.id);";

export const configurationMutants: readonly Mutant[] = [
  mutant(
    "two-changes-at-once",
    "A change begins while another one is not committed.",
    patch("core/membership.ts", "if (isChangePending(raft)) {", "if (false as boolean) {"),
  ),
  mutant(
    "change-before-own-term",
    "A change begins before an entry of the leader's own term is committed.",
    patch(
      "core/membership.ts",
      "if (raft.commit < leadership.termStart) return",
      "if ((false as boolean) === true) return",
    ),
  ),
  mutant(
    "change-not-joint",
    "Voters change at once, without a joint configuration.",
    patch("core/membership-plan.ts", "return { ...next, outgoing };", "return next;"),
  ),
  mutant(
    "joint-counts-new-half",
    "In a joint configuration a majority of the new voters is enough.",
    patch("core/quorum.ts", "if (configuration.outgoing === null) return value;", "return value;"),
  ),
  mutant(
    "joint-counts-old-half",
    "In a joint configuration a majority of the old voters is enough.",
    patch(
      "core/quorum.ts",
      "return Math.min(value, majorityValue(configuration.outgoing, reached));",
      "return majorityValue(configuration.outgoing, reached);",
    ),
  ),
  mutant(
    "joint-counts-all-together",
    "In a joint configuration a majority of all voters of both halves is enough.",
    patch(
      "core/quorum.ts",
      "return Math.min(value, majorityValue(configuration.outgoing, reached));",
      lines(
        "const all = new Map([...configuration.voters, ...configuration.outgoing]",
        "    .map((member) => [member.id, member]));",
        "  return majorityValue([...all.values()], reached);",
      ),
    ),
  ),
  mutant(
    "joint-left-before-commit",
    "A joint configuration is left as soon as anything is committed.",
    patch(
      "core/membership.ts",
      "if (leadership === null || raft.commit < raft.configurationIndex) return;",
      lines(
        "if (leadership === null) return;",
        "  const isJoint = raft.configuration.outgoing !== null;",
        "  if (!isJoint && raft.commit < raft.configurationIndex) return;",
      ),
    ),
    patch(
      "core/membership.ts",
      'raft.committedConfigurationIndex === raft.configurationIndex,\n    "a joint',
      'true,\n    "a joint',
    ),
  ),
  mutant(
    "joint-left-by-beginner-only",
    "Only the leader that began a change finishes it.",
    patch(
      "core/membership.ts",
      "if (raft.configuration.outgoing !== null) leaveJoint(raft, leadership);",
      lines(
        "if (raft.configuration.outgoing !== null) {",
        "    if (raft.configurationIndex >= leadership.termStart) leaveJoint(raft, leadership);",
        "  }",
      ),
    ),
  ),
  mutant(
    "removed-members-count",
    "Acknowledgements and votes of removed members help towards a majority.",
    ...countingOthers("configuration.removed.map((id) => ({ id }))"),
    patch("core/election.ts", "if (!isVoter(raft.configuration, response.from)) return;", ""),
    patch("core/membership.ts", "if (hasLeft) leadership.peers.delete(peer);", ""),
  ),
  mutant(
    "learners-count",
    "Acknowledgements and votes of learners help towards a majority.",
    ...countingOthers("configuration.learners"),
    patch("core/election.ts", "if (!isVoter(raft.configuration, response.from)) return;", ""),
  ),
  mutant(
    "learners-stand",
    "Learners stand for election.",
    patch("core/state.ts", orCommitted, " || raft.configuration.voters.length > 0;"),
    patch("core/check.ts", 'assert(mayCampaign(raft), "S16: only voters campaign");', ""),
  ),
  mutant(
    "configuration-not-restored",
    "A restart takes the committed configuration for the one in force.",
    patch(
      "core/state.ts",
      "const effective = configurationAt(log, last, known);",
      "const effective = configurationAt(log, Math.max(options.commit, 1), known);",
    ),
  ),
  mutant(
    "configuration-survives-truncation",
    "A configuration stays in force though its entry was removed.",
    patch(
      "core/replication.ts",
      "if (from <= raft.configurationIndex) refreshConfiguration(raft);",
      "",
    ),
  ),
  mutant(
    "truncation-falls-back-too-far",
    "A truncation puts the first configuration in force, not the newest that is left.",
    patch(
      "core/replication.ts",
      "if (from <= raft.configurationIndex) refreshConfiguration(raft);",
      lines(
        "if (from <= raft.configurationIndex) {",
        "    const first = configurationAt(raft.log, 1);",
        "    raft.configuration = first.configuration;",
        "    raft.configurationIndex = first.index;",
        "  }",
      ),
    ),
    patch("core/replication.ts", "  appendToLog,\n", "  appendToLog,\n  configurationAt,\n"),
  ),
  mutant(
    "configuration-when-committed",
    "A follower obeys a configuration only once it is committed.",
    patch(
      "core/replication.ts",
      'if (added.some((entry) => entry.kind === "configuration")) refreshConfiguration(raft);',
      "",
    ),
    patch(
      "core/membership.ts",
      "if (!isChangePending(raft)) return;\n  refreshCommitted(raft);",
      "if (raft.leadership === null) refreshConfiguration(raft);\n  refreshCommitted(raft);",
    ),
  ),
  mutant(
    "removed-leader-stays",
    "A leader that is no voter any more goes on leading.",
    patch("core/membership.ts", "if (isLeaving) becomeFollower(raft, null);", ""),
  ),
  mutant(
    "removed-leader-leaves-early",
    "A leader that is removed follows as soon as that is appended.",
    patch(
      "core/membership.ts",
      "appendConfiguration(raft, leadership, withoutOutgoing(raft.configuration));",
      lines(
        "appendConfiguration(raft, leadership, withoutOutgoing(raft.configuration));",
        "  if (!isVoter(raft.configuration, raft.id)) becomeFollower(raft, null);",
      ),
    ),
  ),
  mutant(
    "leader-counts-itself-always",
    "A leader that is no voter any more counts its own disk towards commitment.",
    ...countingOthers('[{ id: "self" }]'),
    patch(
      "core/commitment.ts",
      "if (id === raft.id) return raft.durableIndex;",
      lines(
        "if (id === raft.id) return raft.durableIndex;",
        '  if ((id as string) === "self") {',
        "    return isVoter(raft.configuration, raft.id) ? noIndex : raft.durableIndex;",
        "  }",
      ),
    ),
  ),
  mutant(
    "removed-id-returns",
    "Who was removed is forgotten, and the id is given again.",
    patch(
      "core/membership-plan.ts",
      'if (removed.has(id)) return { why: "was-removed", id };',
      "removed.delete(id);",
    ),
  ),
  mutant(
    "demoted-voter-lost",
    "A voter that becomes a learner is none afterwards.",
    patch(
      "core/membership-plan.ts",
      "members.set(id, { ...member, isVoter: false });",
      "members.delete(id);\n      removed.add(id);",
    ),
  ),
  mutant(
    "new-member-not-sent-to",
    "A leader sends nothing to a member that joins under it.",
    patch(
      "core/membership.ts",
      "if (id === raft.id || leadership.peers.has(id)) continue;",
      "if (id === raft.id || leadership.peers.has(id) || raft.log.entries.length > 0) continue;",
    ),
    patch(
      "core/check.ts",
      "assert(id === raft.id || raft.leadership?.peers.has(id) === true,",
      "assert(id.length > 0,",
    ),
  ),
  mutant(
    "candidate-forgets-old-half",
    "A candidate in a joint configuration asks the new voters only.",
    patch(
      "core/election.ts",
      "for (const member of allVoters(raft.configuration)) {",
      "for (const member of raft.configuration.voters) {",
    ),
  ),
  mutant(
    "committed-voter-does-not-stand",
    "Only a voter of the configuration in force stands for election.",
    patch("core/state.ts", orCommitted, ";"),
  ),
  mutant(
    "committed-by-index-only",
    "A start forgets that what another configuration follows is committed.",
    patch(
      "core/log.ts",
      "return configurationAt(log, effective.index - 1, committed);",
      "return committed;",
    ),
  ),
];
