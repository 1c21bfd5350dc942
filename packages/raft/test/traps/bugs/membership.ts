/** Membership (F), and votes in times of change (A8 to A10, A13). */
import { bug, lines, patch, type TrapBug } from "./trap-bug.ts";

const notJoint = patch("core/membership-plan.ts", "return { ...next, outgoing };", "return next;");

const inAnyTerm = patch(
  "core/membership.ts",
  'if (raft.commit < leadership.termStart) return { kind: "refused", why: "term-not-started" };',
  "",
);

const newVotersOnly = "raft.configuration.voters.some((member) => member.id === raft.id)";

/** Lets others into the list that is counted, but not into the number that is needed. */
function countingOthers(others: string) {
  return [
    patch(
      "core/quorum.ts",
      "reached: (id: NodeId) => number): number {\n  const values",
      "reached: any, others: any = []): number {\n  const values",
    ),
    patch(
      "core/quorum.ts",
      "for (const member of voters) values.push(reached(member.id));",
      "for (const member of [...voters, ...others]) values.push(reached(member.id));",
    ),
    patch(
      "core/quorum.ts",
      "const value = majorityValue(configuration.voters, reached);",
      `const value = majorityValue(configuration.voters, reached, ${others});`,
    ),
    patch(
      "core/quorum.ts",
      "return values[majority(values.length) - 1] ?? 0;",
      "return values[majority(voters.length) - 1] ?? 0;",
    ),
  ];
}

const votes: readonly TrapBug[] = [
  bug(
    "A8",
    "A learner gives no vote.",
    patch(
      "core/election.ts",
      "if (refused === null && !request.pre) {",
      lines(
        "if (!isVoter(raft.configuration, raft.id)) return;",
        "  if (refused === null && !request.pre) {",
      ),
    ),
  ),
  bug(
    "A9",
    "A candidate's own vote counts only where it stays a voter.",
    patch(
      "core/election.ts",
      "(id) => current.grants.has(id))) return;",
      `(id) => current.grants.has(id) && (id !== raft.id || ${newVotersOnly}))) return;`,
    ),
  ),
  bug(
    "A9",
    "A leader's own answer to a read counts only where it stays a voter.",
    patch(
      "core/reads.ts",
      "if (id === raft.id) return leadership.round;",
      `if (id === raft.id) return ${newVotersOnly} ? leadership.round : 0;`,
    ),
  ),
  bug(
    "A9",
    "A leader's own disk counts only where it stays a voter.",
    patch(
      "core/commitment.ts",
      "if (id === raft.id) return raft.durableIndex;",
      `if (id === raft.id) return ${newVotersOnly} ? raft.durableIndex : noIndex;`,
    ),
  ),
  bug(
    "A10",
    "Only a voter of the newest configuration stands for election.",
    patch("core/state.ts", " || isVoter(raft.committedConfiguration, raft.id);", ";"),
  ),
  bug(
    "A10",
    "Learners stand for election.",
    patch(
      "core/state.ts",
      " || isVoter(raft.committedConfiguration, raft.id);",
      " || raft.configuration.voters.length > 0;",
    ),
    patch("core/check.ts", 'assert(mayCampaign(raft), "S16: only voters campaign");', ""),
  ),
  bug(
    "A13",
    "A removed member's id is given again.",
    patch(
      "core/membership-plan.ts",
      'if (removed.has(id)) return { why: "was-removed", id };',
      "removed.delete(id);",
    ),
  ),
];

const changes: readonly TrapBug[] = [
  bug("F1", "One member changes at a time without a joint configuration.", notJoint, inAnyTerm),
  bug("F1", "A change begins before an entry of the own term is committed.", inAnyTerm),
  bug(
    "F1",
    "A change begins while another one is under way.",
    patch("core/membership.ts", "if (isChangePending(raft)) {", "if (false as boolean) {"),
  ),
  bug(
    "F2",
    "A follower's members change when its machine applies the entry.",
    patch(
      "core/replication.ts",
      'if (added.some((entry) => entry.kind === "configuration")) refreshConfiguration(raft);',
      "",
    ),
    patch(
      "core/persistence.ts",
      "onWorkedOff(raft, index);",
      "onWorkedOff(raft, index);\n  refreshConfiguration(raft);",
    ),
    patch(
      "core/persistence.ts",
      "export function onApplied(",
      'import { refreshConfiguration } from "./membership.ts";\nexport function onApplied(',
    ),
  ),
  bug(
    "F3",
    "A configuration stays in force though its entry was removed.",
    patch(
      "core/replication.ts",
      "if (from <= raft.configurationIndex) refreshConfiguration(raft);",
      "",
    ),
  ),
  bug(
    "F3",
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
  bug(
    "F4",
    "A start puts the committed configuration in force.",
    patch(
      "core/state.ts",
      "const effective = configurationAt(log, last, known);",
      "const effective = configurationAt(log, Math.max(options.commit, 1), known);",
    ),
  ),
  bug(
    "F5",
    "A new leader goes back to the committed configuration.",
    patch(
      "core/roles.ts",
      'assert(raft.role === "candidate", "only a candidate becomes leader");',
      "raft.configuration = raft.committedConfiguration;",
    ),
    patch(
      "core/check.ts",
      "assert(id === raft.id || raft.leadership?.peers.has(id) === true,",
      "assert(id.length > 0,",
    ),
  ),
  bug(
    "F5",
    "A candidate asks and counts the committed members.",
    patch(
      "core/election.ts",
      "for (const member of allVoters(raft.configuration)) {",
      "for (const member of allVoters(raft.committedConfiguration)) {",
    ),
    patch(
      "core/election.ts",
      "if (!isQuorum(raft.configuration, (id) => current.grants.has(id))) return;",
      "if (!isQuorum(raft.committedConfiguration, (id) => current.grants.has(id))) return;",
    ),
  ),
  bug(
    "F6",
    "Only the leader that began a change ends it.",
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
  bug(
    "F6",
    "A change is ended twice.",
    patch(
      "core/membership.ts",
      "appendConfiguration(raft, leadership, withoutOutgoing(raft.configuration));",
      lines(
        "appendConfiguration(raft, leadership, withoutOutgoing(raft.configuration));",
        "  appendConfiguration(raft, leadership, withoutOutgoing(raft.configuration));",
      ),
    ),
  ),
  bug(
    "F7",
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
];

const quorums: readonly TrapBug[] = [
  bug(
    "F8",
    "A majority of the new half is enough.",
    patch("core/quorum.ts", "if (configuration.outgoing === null) return value;", "return value;"),
  ),
  bug(
    "F8",
    "A majority of the old half is enough.",
    patch(
      "core/quorum.ts",
      "return Math.min(value, majorityValue(configuration.outgoing, reached));",
      "return majorityValue(configuration.outgoing, reached);",
    ),
  ),
  bug(
    "F8",
    "Learners help towards a majority.",
    ...countingOthers("configuration.learners"),
    patch("core/election.ts", "if (!isVoter(raft.configuration, response.from)) return;", ""),
  ),
  bug(
    "F8",
    "A candidate in a joint configuration asks the new voters only.",
    patch(
      "core/election.ts",
      "for (const member of allVoters(raft.configuration)) {",
      "for (const member of raft.configuration.voters) {",
    ),
  ),
  bug(
    "F8",
    "CheckQuorum counts the members that answer, whoever they are.",
    patch(
      "core/timers.ts",
      "return isQuorum(raft.configuration, (id) => hasContact(raft, leadership, id));",
      lines(
        "const peers = [...leadership.peers.keys()];",
        "  const heard = peers.filter((id) => hasContact(raft, leadership, id));",
        "  return 2 * (heard.length + 1) > leadership.peers.size + 1;",
      ),
    ),
  ),
];

const operations: readonly TrapBug[] = [
  bug(
    "F10",
    "A start takes the members that the cluster was formed with.",
    patch(
      "core/state.ts",
      "const effective = configurationAt(log, last, known);",
      "const effective = configurationAt(log, 1, known);",
    ),
  ),
  bug(
    "F10",
    "A member shows the members as they were when that was last committed.",
    patch(
      "node/status.ts",
      "role: roleOf(raft.configuration, id),",
      "role: roleOf(raft.committedConfiguration, id),",
    ),
  ),
  bug(
    "F11",
    "Nobody asks whether the new voters are there.",
    patch(
      "core/membership-preflight.ts",
      'findLoss(raft, leadership, "new", next.voters);',
      "null;",
    ),
  ),
  bug(
    "F11",
    "A learner becomes a voter whatever it lacks.",
    patch(
      "core/membership-preflight.ts",
      'raft.commit - progress.matched > promotionLagMax ? "behind" : null;',
      "null;",
    ),
  ),
  bug(
    "F12",
    "A change begins that the old voters cannot decide any more.",
    patch(
      "core/membership-preflight.ts",
      'findLoss(raft, leadership, "old", next.outgoing) ??',
      "",
    ),
  ),
  bug(
    "F12",
    "A recovered directory keeps the members that are lost.",
    patch(
      "node/offline/recover.ts",
      "const entry = lastEntry(configuration, report.last.index, report.term);",
      lines(
        "const all = report.members.map(({ id, address: at }) => ({ id, address: at }));",
        "  const entry = lastEntry(",
        "    createConfiguration(all as never), report.last.index, report.term);",
      ),
    ),
  ),
  bug(
    "F13",
    "A leader that is no voter any more goes on leading.",
    patch("core/membership.ts", "if (isLeaving) becomeFollower(raft, null);", ""),
  ),
  bug(
    "F13",
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
  bug(
    "F14",
    "Who lives under a leader votes all the same.",
    patch("core/election.ts", '    if (voter.hasLiveLeader) return "leader-alive";\n', ""),
    patch("core/election.ts", "(!hasLiveLeader(raft) || isHandover(raft, request))", "true"),
  ),
  bug(
    "F14",
    "Who was removed is never told.",
    patch(
      "core/membership.ts",
      "if (hasLeft || isLeaving) sendHeartbeat(raft, leadership, peer, progress);",
      "",
    ),
  ),
  bug(
    "F14",
    "Who was removed is sent to as before.",
    patch("core/membership.ts", "if (hasLeft) leadership.peers.delete(peer);", ""),
  ),
  bug(
    "F15",
    "A demotion drops the learners that are there.",
    patch(
      "core/membership-plan.ts",
      "      members.set(id, { ...member, isVoter: false });",
      lines(
        "      for (const [other, { isVoter }] of members) if (!isVoter) members.delete(other);",
        "      members.set(id, { ...member, isVoter: false });",
      ),
    ),
  ),
  bug(
    "F15",
    "A voter that becomes a learner is none afterwards.",
    patch(
      "core/membership-plan.ts",
      "members.set(id, { ...member, isVoter: false });",
      "members.delete(id);\n      removed.add(id);",
    ),
  ),
];

export const membershipBugs: readonly TrapBug[] = [...votes, ...changes, ...quorums, ...operations];
