/**
 * Traps that production Raft libraries fell into, each in a sentence of our own: what went wrong,
 * not what is right. `catalogue.test.ts` ties them to the tests that carry their ids, `bugs.ts`
 * plants each of them, `docs/traps.md` is the table.
 */

export interface Trap {
  /** One sentence. */
  readonly sentence: string;
  /** How far the test goes; empty: all the way. */
  readonly note: string;
}

function tested(sentence: string, note = ""): Trap {
  return { sentence, note };
}

/** Terms, votes, and what is durable of them. */
const elections = {
  A1: tested("Term and vote are stored by two writes, and a crash between them loses one."),
  A2: tested("A vote, or a request for votes, leaves before it is on the own disk."),
  A3: tested("A failed write of term or vote goes unnoticed, and the member goes on."),
  A4: tested("A step-down within a term forgets the vote, and the member votes twice in it."),
  A5: tested("An answer of a higher term counts as a grant or an acknowledgement."),
  A6: tested("A vote is decided on a log that has changed since it was looked at."),
  A7: tested("Two logs are compared by term and index at once, and nobody is up to date."),
  A8: tested("A member refuses to vote because it does not know that it is a voter."),
  A9: tested("A voter on its way out no longer counts its own vote in the old half."),
  A10: tested(
    "An uncommitted change removes the only member with the newest log, and nobody can lead.",
  ),
  A11: tested(
    "A member whose disk was wiped votes and acknowledges as if it were whole.",
    "By a member that has met it, also after restarts of all.",
  ),
  A12: tested("A second leader in a term is noted down, and all go on."),
  A13: tested("Old votes and acknowledgements count for a new member under a used id."),
  A14: tested("A higher term in an answer is overlooked, and two members never agree on one."),
};

/** PreVote, CheckQuorum, stickiness. */
const prevote = {
  B1: tested("A member ahead in term can neither win nor be heard by the leader it follows."),
  B2: tested("The higher term of a refused pre-vote is dropped, and the asker stays behind."),
  B3: tested("Becoming a pre-candidate changes more than the role, or keeps the leader."),
  B4: tested("A candidate that was cut off and raised its term is ignored for ever."),
  B5: tested("A pre-vote is given more easily than the vote, and elections storm."),
  B6: tested("A peer that lacks a message is found out by the text of its error."),
  B7: tested("Pre-votes that arrive after the election start another campaign."),
  B8: tested("The one who is to take over asks for pre-votes, and is refused."),
  B9: tested("Any late answer counts as contact now, and a leader without majority stays."),
  B10: tested("Timers drift together, or are drawn once for all time."),
  B11: tested("Giving a pre-vote puts off the giver's own election."),
  B12: tested("A leader without a majority keeps one bridge quiet, and the majority leaderless."),
  B13: tested("Heartbeats from another thread hide that the member no longer works."),
  B14: tested("A follower that must refuse appends forgets that its leader lives."),
};

/** Log replication and commitment. */
const replication = {
  C1: tested("An entry of an earlier term is committed by counting its copies."),
  C2: tested("A follower commits up to its own last entry, which nobody has compared."),
  C3: tested("A follower acknowledges its last entry instead of the last that matched."),
  C4: tested("A repeated append removes entries that match, and a crash finds them gone."),
  C5: tested("An append that leaves a gap is taken over."),
  C6: tested("An old acknowledgement counts for a log that is another by now."),
  C7: tested("A faster way to count a majority disagrees with counting."),
  C8: tested("Stepping down or starting again removes what is committed."),
  C9: tested("A second path changes term or role while the leader is in the middle of its work."),
  C10: tested("The completion of an overwritten entry counts for the one that replaced it."),
  C11: tested("Completions arrive out of order, and the newer is undone by the older."),
  C12: tested("The log in memory and the log on disk differ after entries were removed."),
  C13: tested("A cluster of one applies before its own disk has the entry."),
  C14: tested("A leader whose own write failed goes on leading."),
  C15: tested("Refusal and next try go round in circles, with no entry won."),
  C16: tested("A long tail that differs is walked back one entry at a time."),
  C17: tested("A late refusal moves the next entry below what is known to match."),
  C18: tested(
    "A follower that lost acknowledged entries ends, at each start again.",
    "A whole old copy of a directory: A11.",
  ),
  C19: tested("A peer that hangs holds up the work for the others, or the end of the member."),
  C20: tested("A follower acknowledges from memory when an append is repeated or empty."),
  C21: tested("A conflict with what is committed is mended instead of ending the member."),
};

/** Reads and leases. */
const reads = {
  D1: tested("A new leader answers a read before it knows what is committed."),
  D2: tested("Late answers to one read confirm another, or its repetition."),
  D3: tested("A read is dropped without a word when the leader changes."),
  D4: tested("A read is served before its index is applied."),
  D5: tested("A lease is measured by a clock that people set."),
  D6: tested("A lease counts from when the answer came, not from when it was asked."),
  D7: tested("A leader that slept answers by what it was told before."),
  D8: tested("A lease outlives the handing over of the leadership."),
  D9: tested("A voter that starts again forgets the lease it promised."),
  D10: tested("A lease is counted over one half of a joint configuration."),
  D11: tested(
    "Reads after a restart go back behind what was read before.",
    "Stale reads may: what was committed since the last write is not on the disk yet.",
  ),
  D12: tested("A cluster of one never answers a read, or answers too early after its start."),
  D13: tested("The applied index moves though the state did not."),
};

/** Leadership transfer. */
const transfer = {
  E1: tested("A repeated order to take over deposes a later leader."),
  E2: tested("The chosen one stands before it has all of the log on its disk."),
  E3: tested("A handing over that nobody answers leaves the cluster frozen."),
  E4: tested("A handing over loses a membership change that is under way."),
};

/** Membership. */
const membership = {
  F1: tested("Two changes of one member each, by two leaders, split the majority."),
  F2: tested("An election is held under members that were replaced long ago."),
  F3: tested("Removed entries leave the change that they made in force."),
  F4: tested("A restart forgets a change that is in the log and not committed."),
  F5: tested("A new leader overlooks a change that is in its log."),
  F6: tested("Only the leader that began a joint change can end it."),
  F7: tested("A joint change is ended before its begin is committed."),
  F8: tested("A majority is counted over the wrong members."),
  F9: tested("A snapshot brings old members, and they are taken for new ones."),
  F10: tested("Members are kept in two places, and a crash parts them."),
  F11: tested("A member that cannot be reached is added, and the majority is lost."),
  F12: tested("Of two members one dies, and it can no longer be removed."),
  F13: tested("A leader that was removed leads on, or leaves too early."),
  F14: tested("A removed member disturbs the others with elections."),
  F15: tested("A change of one member drops others."),
};

/** Memory and flow control. */
const flow = {
  G1: tested("A leader without a majority takes proposals until its memory is full."),
  G2: tested("The limit on uncommitted bytes begins anew with each leader."),
  G3: tested("What a request took from a limit is not given back on every way."),
  G4: tested("The window to a peer stays shut after acknowledgements were lost."),
  G5: tested("One slow follower keeps the log from being cut, and the leader's memory grows."),
  G6: tested("The pause between dials stays long after the peer is back."),
  G7: tested("A follower that has too much has no way to say so."),
  G8: tested("Bringing one member up to date takes all the others' time, or days."),
};

/** Storage and snapshots. */
const storage = {
  H1: tested("A failed sync is tried again, succeeds, and has written nothing."),
  H2: tested("A write that was given up lands later, over newer ones."),
  H3: tested("Damage in the middle is taken for an unfinished end and cut off."),
  H4: tested("An unfinished end stays in the file, and later writes hide behind it."),
  H5: tested("A new file is synced, its name is not, and a crash takes it away."),
  H6: tested("Writes that were never synced are found missing only where power fails."),
  H7: tested("Entries are removed from several files, and a crash leaves a hole between them."),
  H8: tested("Snapshot and log say different things after a crash between them."),
  H9: tested("An installed snapshot throws away newer entries that match."),
  H10: tested("An installed snapshot keeps entries that do not match."),
  H11: tested("A snapshot that contradicts what is committed is installed."),
  H12: tested("A leader that lacks the entry before sends nothing at all."),
  H13: tested("The next snapshot is never due, for one was under way."),
  H14: tested("An installation runs beside an apply or another installation."),
  H15: tested("The log is cut past a snapshot that is being sent, again and again."),
  H16: tested(
    "A leader whose disk stands still keeps its office, for heartbeats need no disk.",
    "A disk that fails ends the leader: C14.",
  ),
  H17: tested("A storage adapter answers before its sync, and no test of it can tell."),
  H18: tested(
    "A wiped member comes back under its id, and what is committed is lost.",
    "By a member that has met it, also after restarts of all.",
  ),
  H19: tested("A log with a gap between its files is opened."),
  H20: tested("A member that hears nothing calls itself up to date."),
};

/** State machine and clients. */
const machine = {
  I1: tested("An exception in apply is swallowed, and the replica has a hole."),
  I2: tested("Calls wait for ever when the member they wait for has ended."),
  I3: tested(
    "A command that is sent again after a timeout is applied twice.",
    "That the outcome is unknown is said: I7.",
  ),
  I4: tested("Sessions end by each member's clock, and replicas differ."),
  I5: tested(
    "A command reaches a program that does not know it, and is skipped.",
    "What is new is enabled by a committed entry, once all can apply it.",
  ),
  I6: tested("A machine that is not deterministic parts the replicas unseen."),
  I7: tested("A command is called failed, and is applied later."),
};

const all = {
  ...elections,
  ...prevote,
  ...replication,
  ...reads,
  ...transfer,
  ...membership,
  ...flow,
  ...storage,
  ...machine,
};

export type TrapId = keyof typeof all;

/** All traps by id, in the order of the catalogue. */
export const traps: ReadonlyMap<string, Trap> = new Map(Object.entries(all));
