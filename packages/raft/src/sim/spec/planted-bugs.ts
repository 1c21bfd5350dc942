/** Bugs for the guards of the paper's first chapters. Called by the test that plants them. */

/** One guard of the specification, weakened. */
export interface PlantedBug {
  readonly name: string;
  readonly file: string;
  readonly search: string;
  readonly replace: string;
  readonly servers?: number;
  /** In worlds whose members come and go. */
  readonly membership?: boolean;
  /** In worlds whose logs are dropped from the beginning. */
  readonly snapshots?: boolean;
  /** In worlds whose leaders hand their leadership over. */
  readonly transfers?: boolean;
  /** In worlds whose leaders read by leases. */
  readonly leases?: boolean;
  /** Where the search begins: the bug was found there before. */
  readonly seed?: number;
}

export const plantedBugs: readonly PlantedBug[] = [
  {
    name: "a vote for everybody who asks",
    file: "elections.ts",
    search: "if (term === currentTerm && votedFor !== null && votedFor !== from)",
    replace: "if (false)",
  },
  {
    name: "a vote for an older log",
    file: "elections.ts",
    search: "if (lastTerm < own.term || (lastTerm === own.term && lastIndex < own.index))",
    replace: "if (false)",
  },
  {
    name: "a longer log of an older term wins",
    file: "elections.ts",
    search: "if (lastTerm < own.term || (lastTerm === own.term && lastIndex < own.index))",
    replace: "if (lastIndex < own.index)",
  },
  {
    name: "a vote in another term than its own",
    file: "elections.ts",
    search: "if (pre ? term < currentTerm : term !== currentTerm)",
    replace: "if (pre && term < currentTerm)",
    seed: 615,
  },
  {
    name: "an older term is adopted",
    file: "elections.ts",
    search: "if (message.term <= currentTerm)",
    replace: "if (message.term === currentTerm)",
  },
  {
    name: "the own term is adopted, and the vote forgotten",
    file: "elections.ts",
    search: "if (message.term <= currentTerm)",
    replace: "if (message.term < currentTerm)",
  },
  {
    name: "half elects",
    file: "elections.ts",
    search: "!isQuorum(configuration, votesGranted)",
    replace: "votesGranted.size < Math.floor(configuration.voters.length / 2)",
  },
  {
    name: "a vote for another term counts",
    file: "elections.ts",
    search: "if (campaignTerm !== term)",
    replace: "if (campaignTerm > term)",
  },
  {
    name: "a refused vote counts",
    file: "elections.ts",
    search: "if (!granted)",
    replace: "if (false)",
  },
  {
    name: "a pre-vote counts as a vote",
    file: "elections.ts",
    search: "const { pre, granted, from, campaignTerm } = response;",
    replace: "const { granted, from, campaignTerm } = response; const pre = false;",
  },
  {
    name: "the own vote counts before it is on disk",
    file: "elections.ts",
    search: "if (disk.currentTerm !== currentTerm || disk.votedFor !== server)",
    replace: "if (false)",
    servers: 1,
  },
  {
    name: "who abstains stands",
    file: "elections.ts",
    search: "  if (abstains) {\n",
    replace: "  if (false) {\n",
    seed: 65,
  },
  {
    name: "who abstains votes",
    file: "elections.ts",
    search: "  if (abstains) refuse(`Who abstains does not vote",
    replace: "  if (false) refuse(`Who abstains does not vote",
  },
  {
    name: "half commits",
    file: "replication.ts",
    search: "!isQuorum(configuration, stored)",
    replace: "stored.size < Math.floor(configuration.voters.length / 2)",
  },
  {
    name: "the leader's disk counts before the entry is on it",
    file: "replication.ts",
    search: "if (isSameEntry(disk.log[index - 1], entry)) stored.add(server);",
    replace: "stored.add(server);",
  },
  {
    name: "a leader counts entries of older terms",
    file: "replication.ts",
    search: "if (entry.term !== currentTerm)",
    replace: "if (false)",
    seed: 117,
  },
  {
    name: "a leader replaces its last entry",
    file: "replication.ts",
    search: "const longer = [...log, ",
    replace: "const longer = [...log.slice(0, -1), ",
  },
  {
    name: "an answer of another term counts",
    file: "replication.ts",
    search: "if (term !== led.term)",
    replace: "if (false)",
    seed: 326,
  },
  {
    name: "a request of an older term is taken over",
    file: "replication.ts",
    search: "if (term !== currentTerm)",
    replace: "if (false)",
  },
  {
    name: "entries are taken over where the log differs before",
    file: "replication.ts",
    search: "if (termAt(log, prevIndex) !== prevTerm) return;",
    replace: "",
  },
  {
    name: "what conflicts stays",
    file: "replication.ts",
    search: "if (own === undefined || !isSameEntry(own, entry))",
    replace: "if (own === undefined)",
  },
  {
    name: "a follower commits what it has not compared",
    file: "replication.ts",
    search: "if (index > heard.verified)",
    replace: "if (index > log.length)",
  },
  {
    name: "a follower commits all that it compared",
    file: "replication.ts",
    search: "if (index > heard.leaderCommit)",
    replace: "if (false)",
  },
  {
    name: "what is not committed is applied",
    file: "replication.ts",
    search: "if (index > commitIndex)",
    replace: "if (false)",
  },
  {
    name: "a read needs no entry of the leader's term",
    file: "reads.ts",
    search: "if (first > 0) return",
    replace: "return",
  },
  {
    name: "a read does not wait for an entry of the leader's term",
    file: "reads.ts",
    search: "Math.max(commitIndex, first)",
    replace: "commitIndex",
  },
  {
    name: "a round from before the read confirms it",
    file: "reads.ts",
    search: "round > pending.round",
    replace: "round >= pending.round",
    seed: 145,
  },
  {
    name: "half confirms a read",
    file: "reads.ts",
    search: "!isQuorum(configuration, answered)",
    replace: "answered.size < Math.floor(configuration.voters.length / 2)",
    seed: 81,
  },
  {
    name: "the disk's commit index is believed",
    file: "disk.ts",
    search: "if (common < commitIndex)",
    replace: "if (disk.log.length < commitIndex)",
  },
  {
    name: "who caught up in the term of its loss votes again",
    file: "disk.ts",
    search: "if (currentTerm <= termOfLoss)",
    replace: "if (false)",
    seed: 292,
  },
  {
    name: "who heard from a newer leader votes again",
    file: "disk.ts",
    search: "if (termAt(log, caughtUp) !== currentTerm)",
    replace: "if (false)",
    seed: 170,
  },
  {
    name: "entries come back that never were",
    file: "disk.ts",
    search: "if (known?.value !== value || known.prevTerm !== (log[kept + at - 1]?.term ?? 0))",
    replace: "if (false)",
    seed: 123,
  },
  {
    name: "a leader lies about the entry before",
    file: "network.ts",
    search: "if (!(prevIndex >= 0) || termAt(led.log, prevIndex) !== prevTerm)",
    replace: "if (!(prevIndex >= 0))",
    seed: 62,
  },
  {
    name: "a vote leaves before it is on disk",
    file: "network.ts",
    search:
      "if (disk.currentTerm < term || (disk.currentTerm === term && disk.votedFor !== candidate))",
    replace: "if (false)",
    seed: 131,
  },
  {
    name: "a vote leaves that was not given",
    file: "network.ts",
    search: "if (vote !== candidate)",
    replace: "if (false)",
    seed: 103,
  },
  {
    name: "an acknowledgement leaves before the entries are on disk",
    file: "network.ts",
    search: "if (outcome.matched > known.onDisk)",
    replace: "if (outcome.matched > known.verified)",
  },
  {
    name: "an acknowledgement of entries that the leader has not",
    file: "network.ts",
    search: "if (outcome.matched > known.onDisk)",
    replace: "if (outcome.matched > memberOf(world, from).disk.log.length)",
    seed: 21,
  },
  {
    name: "a round is answered that was not heard",
    file: "network.ts",
    search: "if (round > (known?.round ?? 0))",
    replace: "if (false)",
    seed: 3565,
  },
  {
    name: "a leader says more is committed than is",
    file: "network.ts",
    search: "if (leaderCommit > led.commitIndex)",
    replace: "if (false)",
  },
  {
    name: "a candidate names another log than its own",
    file: "network.ts",
    search: "if (last === undefined || last.index !== lastIndex || last.term !== lastTerm)",
    replace: "if (last === undefined)",
  },
];
