/**
 * The rules of Raft that the core must keep, each with where it is written and its sentence in our
 * words. `paper.ts` ties a test to a rule, `matrix.test.ts` fails on a rule without one,
 * `docs/paper-matrix.md` is the table.
 */

export interface Rule {
  /** Section of the paper (extended version), or of the dissertation after `thesis`. */
  readonly source: string;
  readonly sentence: string;
}

const paperRules = {
  "5.1-start-follower": ["5.2", "All members start as followers."],
  "5.1-stale-request": [
    "5.1, Figure 2",
    "A request of an older term is refused, and the answer carries the newer term.",
  ],
  "5.1-adopt-term": [
    "5.1, Figure 2",
    "Who sees a newer term in a request or an answer adopts it and has no vote in it yet.",
  ],
  "5.1-step-down": ["5.1", "A candidate or leader that sees a newer term becomes a follower."],
  "5.1-term-monotone": ["5.1", "The term of a member never decreases."],
  "5.1-calm": ["5.1", "While the leader's heartbeats arrive, term and roles stay."],
  "F2-durable-first": [
    "Figure 2",
    "Term, vote and entries are on disk before the answer that rests on them leaves.",
  ],
  "F2-survives": ["Figure 2", "Term, vote and log survive a restart; roles and leaders do not."],
  "F2-apply": ["Figure 2", "What is committed is applied in order, each entry once."],
  "5.2-timer": [
    "5.2",
    "A follower that hears nothing for an election timeout stands for election.",
  ],
  "5.2-campaign": [
    "5.2, Figure 2",
    "A candidate raises its term, votes for itself and asks every other member.",
  ],
  "5.2-majority": ["5.2", "Votes of n/2+1 members win, of fewer they do not."],
  "5.2-announce": ["5.2", "A new leader sends to everybody at once."],
  "5.2-one-vote": ["5.2", "One vote a member and term, first come first served."],
  "5.2-yield": [
    "5.2",
    "A candidate that hears a leader of its own term or a newer one becomes its follower.",
  ],
  "5.2-no-yield": ["5.2", "A candidate refuses a leader of an older term and goes on."],
  "5.2-split-vote": ["5.2", "An election without a winner ends by timeout in a newer term."],
  "5.2-random-timer": [
    "5.2, 9.3",
    "Election timeouts are drawn anew each time from [T, 2T), differently by each member.",
  ],
  "5.2-heartbeat": ["5.2", "A leader sends heartbeats in idle times; they stop elections."],
  "5.2-grant-resets": [
    "Figure 2",
    "A granted vote or a leader's message starts the election timer again; nothing else does.",
  ],
  "5.2-one-leader": ["5.2 (Election Safety)", "At most one leader in a term; two are fatal."],
  "5.2-old-votes": ["5.2", "A vote counts only in the campaign that it was asked for."],
  "5.3-append-first": ["5.3", "The leader appends a command to its own log and sends it to all."],
  "5.3-append-only": ["5.3 (Leader Append-Only)", "A leader never changes or removes its entries."],
  "5.3-majority-commit": ["5.3", "An entry is committed once a majority has stored it."],
  "5.3-followers-learn": ["5.3", "Followers learn the commit index and apply up to it."],
  "5.3-consistency": [
    "5.3, Figure 2",
    "An append is refused where the entry before it is missing or of another term.",
  ],
  "5.3-conflict": [
    "5.3, Figure 2",
    "An entry that differs from the leader's is removed with all that follow it.",
  ],
  "5.3-match-stays": [
    "Figure 2",
    "Entries that match stay, even if an old append ends before the log does.",
  ],
  "5.3-commit-bound": [
    "Figure 2",
    "A follower commits no further than the last entry this append has verified.",
  ],
  "5.3-back-up": ["5.3", "After a refusal the leader goes back and tries again until it matches."],
  "5.3-hints": ["5.3", "A refusal tells enough to skip all entries of a conflicting term at once."],
  "5.3-retry": ["5.3", "A leader goes on sending what was lost, as long as it takes."],
  "5.3-log-matching": [
    "5.3 (Log Matching)",
    "Equal index and term mean equal entries and equal logs before them.",
  ],
  "5.4.1-up-to-date": [
    "5.4.1",
    "A vote goes only to a log at least as complete: last term first, then last index.",
  ],
  "5.4.1-completeness": [
    "5.4 (Leader Completeness)",
    "Who lacks a committed entry cannot win an election.",
  ],
  "5.4.2-own-term": [
    "5.4.2",
    "Only entries of the leader's own term are committed by counting; older ones with them.",
  ],
  "5.4.3-state-machine": [
    "5.4.3 (State Machine Safety)",
    "What is committed is never removed or replaced; who is told to stops.",
  ],
  "5.5-idempotent": ["5.5", "Repeated and late messages do no harm."],
  "5.5-crash": ["5.5", "A crashed follower is sent to until it is back, and catches up."],
  "5.6-timing": [
    "5.6",
    "The election timeout must exceed the heartbeat interval well, or settings are refused.",
  ],
  "7-independent": [
    "7",
    "Each member takes snapshots by itself, of what it has applied, and drops no more than that.",
  ],
  "7-consistency": [
    "7",
    "The last position that was dropped is kept: the entry after it can still be checked.",
  ],
  "7-lagging": [
    "7",
    "A leader that no longer has what a follower needs gives it a snapshot, and entries after it.",
  ],
  "7-heartbeats": [
    "7, 5.2",
    "Who waits for a snapshot still hears its leader, and its answers still count as contact.",
  ],
  "7-replace": [
    "7",
    "A snapshot of what is not in the log takes the place of all of it, conflicting entries too.",
  ],
  "7-retain": [
    "7",
    "If the log has the snapshot's last entry, what follows it stays, and stays acknowledged.",
  ],
  "7-old": ["7", "A snapshot of what is committed already changes nothing."],
  "7-durable": ["7", "A snapshot is acknowledged when it is on disk, and not before."],
  "7-restore": [
    "7",
    "The machine's state becomes the snapshot's; what is in it is not applied, what follows is.",
  ],
  "7-restart": ["7", "A member starts from its newest snapshot and the log behind it."],
  "8-no-op": ["8", "A leader opens its term with a no-op, which commits what it inherited."],
  "8-reads": ["8", "A read is answered only after a majority confirmed the leader anew."],
} as const satisfies Record<string, readonly [string, string]>;

const thesisRules = {
  "3.10-stops": ["thesis 3.10", "A leader that hands over takes no more commands."],
  "3.10-up-to-date": [
    "thesis 3.10",
    "Before it tells the target to stand it brings the target's log up to date.",
  ],
  "3.10-at-once": [
    "thesis 3.10",
    "The target stands at once, in a new term, as if its election timer had run out.",
  ],
  "3.10-deadline": [
    "thesis 3.10",
    "A transfer that is not done within an election timeout ends, and the leader goes on.",
  ],
  "3.8-persist-batch": [
    "thesis 3.8",
    "What one answer promises may reach the disk together, as one unit, never later.",
  ],
  "3.8-commit-hint": [
    "thesis 3.8",
    "The commit index need not be durable: a restart finds it again.",
  ],
  "4.1-append": [
    "thesis 4.1",
    "A configuration is in force at a member as soon as it is in its log, committed or not.",
  ],
  "4.1-rollback": [
    "thesis 4.1",
    "A member whose newest configuration is removed from its log goes back to the one before.",
  ],
  "4.1-any-sender": [
    "thesis 4.1",
    "Votes and appends are taken from candidates and leaders that the own configuration lacks.",
  ],
  "4.1-one-at-a-time": [
    "thesis 4.1",
    "A leader begins no change before the configuration in force is committed.",
  ],
  "4.1-own-term": [
    "thesis 4.1, corrected 2015",
    "A leader begins no change before an entry of its own term is committed.",
  ],
  "4.2.1-learner": [
    "thesis 4.2.1",
    "A non-voting member is replicated to, and counts neither for votes nor for commitment.",
  ],
  "4.2.1-new-server": [
    "thesis 4.2.1",
    "A new server with an empty log is brought up to date, and votes whoever it takes itself for.",
  ],
  "4.2.1-catch-up": [
    "thesis 4.2.1",
    "A new server becomes a voter when it has caught up; one that is silent or too slow does not.",
  ],
  "4.2.2-steps-down": [
    "thesis 4.2.2",
    "A leader that is removed leads until the configuration without it is committed, then stops.",
  ],
  "4.2.2-not-counted": ["thesis 4.2.2", "Such a leader does not count itself in majorities."],
  "4.2.2-campaigns": [
    "thesis 4.2.2",
    "A server that its newest configuration lacks may have to be elected, until it is committed.",
  ],
  "4.2.3-live-leader": [
    "thesis 4.2.3",
    "Who heard a leader within the shortest election timeout ignores requests for votes.",
  ],
  "4.2.3-transfer": [
    "thesis 4.2.3",
    "A request of a candidate that was told to stand is answered in spite of a live leader.",
  ],
  "4.2.3-removed": ["thesis 4.2.3", "A removed server that does not know of it deposes nobody."],
  "4.2.4-available": [
    "thesis 4.2.4",
    "While majorities of old and new members are up, there is a leader and the change ends.",
  ],
  "4.3-both-logs": [
    "thesis 4.3",
    "While a configuration is joint, entries are replicated to the members of both halves.",
  ],
  "4.3-both-leaders": ["thesis 4.3", "Any voter of either half may be elected."],
  "4.3-both-majorities": [
    "thesis 4.3",
    "Elections and commitment need a majority of each half, separately.",
  ],
  "4.3-two-entries": [
    "thesis 4.3",
    "A change of the voters is a joint configuration and, once that is committed, the new one.",
  ],
  "4.3-any-change": ["thesis 4.3", "Any set of voters can follow any other, in one change."],
  "4.4-replace": [
    "thesis 4.4",
    "A dead server is replaced without fewer voters on the way: the new one catches up first.",
  ],
  "5.1-configuration": [
    "thesis 5.1",
    "A snapshot brings the configuration of its position, with the index of that one's entry.",
  ],
  "5.1-joint": [
    "thesis 5.1, 4.3",
    "Who gets a snapshot in the middle of a change counts both halves, and sees the change end.",
  ],
  "5.1-base-configuration": [
    "thesis 5.1, 4.1",
    "A configuration that was dropped with the log is in force again when a newer one is removed.",
  ],
  "5.1-up-to-date": [
    "thesis 5.1, 3.6",
    "Votes compare the base where there is no entry behind it.",
  ],
  "5.1-learner": ["thesis 5.1, 4.2.1", "A new server begins with a snapshot where there is one."],
  "5.1-term": [
    "thesis 5.1, 3.3",
    "Who is given a snapshot adopts the leader's term first: no older leader is heard then.",
  ],
  "5.1.1-concurrently": [
    "thesis 5.1.1",
    "A snapshot is of its moment, whatever is applied while it is written.",
  ],
  "5.1.2-when": [
    "thesis 5.1.2",
    "A snapshot is due when the log has grown enough in comparison with the last snapshot.",
  ],
  "6.1-find": ["thesis 6.1", "Any member that is there tells a new one of the cluster."],
  "6.2-forward": [
    "thesis 6.2",
    "A command that is given to a follower gets to the leader, and is applied once.",
  ],
  "6.2-check-quorum": [
    "thesis 6.2",
    "A leader that reaches no majority for an election timeout steps down.",
  ],
  "6.2-leader-known": [
    "thesis 6.2",
    "Followers can say who leads; who does not lead refuses commands.",
  ],
  "6.3-once": [
    "thesis 6.3",
    "A command that a client sends again is applied once, and answered with the first reply.",
  ],
  "6.3-discard": [
    "thesis 6.3",
    "Replies below the lowest that the client waits for are dropped, and never made again.",
  ],
  "6.3-concurrent": [
    "thesis 6.3",
    "A client may have several commands under way, applied in the order in which they come.",
  ],
  "6.3-expiry": [
    "thesis 6.3",
    "All members end the same sessions at the same entry, by the time that leaders write there.",
  ],
  "6.3-no-session": [
    "thesis 6.3",
    "A command of a session that has ended is not applied, and its client is told.",
  ],
  "6.3-in-snapshot": [
    "thesis 6.3, 5.1",
    "Sessions and their replies are part of a snapshot: who starts from it applies nothing twice.",
  ],
  "6.4-read-index": ["thesis 6.4", "A read waits for the commit index of when it was registered."],
  "6.4-own-term": ["thesis 6.4", "Before the no-op is committed, reads wait for the no-op."],
  "6.4-fresh-round": ["thesis 6.4", "Only answers to a round that started after the read count."],
  "6.4-applied": [
    "thesis 6.4",
    "A read is served when the own machine has applied up to its index, and not before.",
  ],
  "6.4-batch": ["thesis 6.4", "Any number of reads share one round."],
  "6.4-follower": [
    "thesis 6.4",
    "A follower asks its leader for the index and serves the read itself.",
  ],
  "6.4.1-lease": [
    "thesis 6.4.1",
    "A leader that a quorum has promised to elect nobody answers reads without a round.",
  ],
  "6.4.1-sending-time": [
    "thesis 6.4.1",
    "The lease counts from when the round was sent, not from when it was answered.",
  ],
  "6.4.1-drift": [
    "thesis 6.4.1",
    "The lease is shorter than the promise by what clocks may drift apart.",
  ],
  "6.4.1-promise": [
    "thesis 6.4.1",
    "Who promised gives no vote until its own clock says that the time is over.",
  ],
  "6.4.1-transfer": ["thesis 6.4.1", "A leader that hands over has no lease any more."],
  "6.4-settles": ["thesis 6.4", "A read of a leader that lost its office fails at once."],
  "9.6-no-term": ["thesis 9.6", "A pre-candidate raises no term and casts no vote."],
  "9.6-same-question": [
    "thesis 9.6",
    "A pre-vote is granted exactly where the vote would be, and changes nothing.",
  ],
  "9.6-returns": ["thesis 9.6", "A member that was cut off returns without deposing a leader."],
  "10.2.1-parallel-disk": ["thesis 10.2.1", "A leader sends while it writes its own disk."],
  "10.2.1-own-disk": [
    "thesis 10.2.1",
    "A leader counts itself by its own disk; a majority of others is enough.",
  ],
  "10.2.2-batch": ["thesis 10.2.2", "All that waits for a peer leaves as one message."],
  "10.2.2-pipeline": [
    "thesis 10.2.2",
    "Appends leave before earlier ones are answered, up to a bounded window.",
  ],
} as const satisfies Record<string, readonly [string, string]>;

export type RuleId = keyof typeof paperRules | keyof typeof thesisRules;

/** All rules by id, in the order of the sources. */
export const rules: ReadonlyMap<string, Rule> = new Map(
  Object.entries({ ...paperRules, ...thesisRules }).map(([id, [source, sentence]]) => [
    id,
    { source, sentence },
  ]),
);
