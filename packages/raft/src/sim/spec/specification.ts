/**
 * What the second Raft can do: the words in which every step of the real one must be explained.
 * Written from the paper alone, naive and slow on purpose: whole logs are copied, messages are a
 * set that only grows, nothing is batched. It shares no code with `core/`.
 *
 * Each method is one action of the specification. It throws `Refusal` when the paper (or the
 * dissertation) does not allow the action in the state of the world, and changes nothing then.
 * What is nondeterministic in the paper (when a timer fires, when a message comes, whether a
 * refusal is sent) is a choice of the caller.
 */

/** A member's place: 0, 1, 2 … A place is never used again; whose vote counts is in the logs. */
export type Server = number;

/**
 * Who decides. In force as soon as it is in a log, committed or not, until it is removed from there
 * or another follows. @paper §6; @thesis §4.1, §4.3
 *
 * @invariant The lists are sets: without repetitions, in any order.
 */
export interface SpecConfiguration {
  readonly voters: readonly Server[];
  /** Joint: the voters of before, of whom a majority is needed as well. Null: not joint. */
  readonly outgoing: readonly Server[] | null;
  /** They get entries and count for nothing. A voter that goes may be among them already. */
  readonly learners: readonly Server[];
  /** They left for good: none of them is ever a member again. Extension of this project. */
  readonly removed: readonly Server[];
}

/** @invariant `value` is opaque: equal values are equal contents. */
export interface SpecEntry {
  readonly term: number;
  readonly value: number;
  /** Left out: it changes no configuration. */
  readonly configuration?: SpecConfiguration;
}

/** Entry k is at k - 1, also when the first ones were dropped: see `compacted`. */
export type SpecLog = readonly SpecEntry[];

/** The state after the entry `index`: it takes the place of all entries up to there. @paper §7 */
export interface SpecSnapshot {
  readonly index: number;
  /** Of that entry. */
  readonly term: number;
  /** In force there. */
  readonly configuration: SpecConfiguration;
}

export type SpecRole = "follower" | "pre-candidate" | "candidate" | "leader";

/** What a loss of power would leave. */
export interface SpecDisk {
  readonly currentTerm: number;
  readonly votedFor: Server | null;
  readonly log: SpecLog;
  /** The newest; null: none. */
  readonly snapshot: SpecSnapshot | null;
  /** So many entries were dropped from the beginning of the log. */
  readonly compacted: number;
  /** The log may lack what was acknowledged: neither votes nor stands until it has caught up. */
  readonly abstains: boolean;
  /** After a start, this long neither votes nor stands: it was promised. 0: nothing was. */
  readonly promised: number;
}

/** One member as the paper sees it. Figure 2, and what of it is on disk. */
export interface SpecMember {
  readonly role: SpecRole;
  readonly currentTerm: number;
  readonly votedFor: Server | null;
  /**
   * The paper's, which nothing is dropped from: what came with a snapshot is in it as well. What a
   * real member has of it begins after `compacted`.
   */
  readonly log: SpecLog;
  /** The newest; of an installed one perhaps not on disk yet. Null: none. */
  readonly snapshot: SpecSnapshot | null;
  /** So many entries were dropped: a snapshot has taken their place. */
  readonly compacted: number;
  readonly abstains: boolean;
  readonly commitIndex: number;
  /**
   * After every start that of the snapshot, 0 without: what else the machine has kept is not the
   * paper's.
   */
  readonly lastApplied: number;
  /** Of a candidate of `currentTerm`: who granted. The own vote counts once it is on disk. */
  readonly votesGranted: ReadonlySet<Server>;
  /** Of a pre-candidate for `currentTerm + 1`. The own counts from the start. */
  readonly preVotesGranted: ReadonlySet<Server>;
  /**
   * Of a leader: what each other server is known to have on disk. Its own disk counts for itself.
   * Of all servers that there are; who is unknown to a configuration counts for nothing.
   */
  readonly matchIndex: ReadonlyMap<Server, number>;
  /** Of a leader: to whom it hands its leadership. Null: to nobody. */
  readonly transferTo: Server | null;
  /** The own, monotonic: 0 at every start. In whatever unit the caller counts. */
  readonly clock: number;
  /** The longest promise since none ran; it may have run out. 0: none. @thesis §6.4.1 */
  readonly promised: number;
  /** By the own clock: until then it neither votes nor stands. */
  readonly promisedUntil: number;
  readonly disk: SpecDisk;
  /** Handed to the disk and not on it, oldest first. */
  readonly writes: readonly SpecDisk[];
}

export interface SpecRequestVote {
  readonly kind: "request-vote";
  readonly from: Server;
  readonly to: Server;
  /** With `pre`: the term that would be campaigned in, `currentTerm + 1` of the sender. */
  readonly term: number;
  readonly pre: boolean;
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** The leader of the term before ordered this campaign. Left out: nobody did. @thesis §3.10 */
  readonly transfer?: boolean;
}

export interface SpecRequestVoteResponse {
  readonly kind: "request-vote-response";
  readonly from: Server;
  readonly to: Server;
  /** The voter's own. */
  readonly term: number;
  readonly pre: boolean;
  /** The request's. */
  readonly campaignTerm: number;
  readonly granted: boolean;
}

export interface SpecAppendEntries {
  readonly kind: "append-entries";
  readonly from: Server;
  readonly to: Server;
  readonly term: number;
  readonly prevIndex: number;
  readonly prevTerm: number;
  readonly entries: SpecLog;
  readonly leaderCommit: number;
  /**
   * The leader's newest round of heartbeats; rounds confirm reads. Of each term the first is 1;
   * 0: none. @thesis §6.4
   */
  readonly round: number;
  /** Asks, with this round, for a promise of so long. Left out: for none. @thesis §6.4.1 */
  readonly lease?: number;
  /**
   * Gives back what was promised this leader for rounds up to this one. Left out: nothing. Not
   * together with `lease`.
   */
  readonly release?: boolean;
}

export interface SpecAppendEntriesResponse {
  readonly kind: "append-entries-response";
  readonly from: Server;
  readonly to: Server;
  readonly term: number;
  /**
   * The newest round of this leader, in this term, that the sender had heard when it made this
   * answer; 0: none, so always in an answer to a request of an older term.
   */
  readonly round: number;
  /**
   * `accepted`: the log up to `matched` equals the leader's and is on disk (a promise), up to
   * `verified` it equals the leader's, perhaps in memory only. `refused`: another log or an older
   * term; promises nothing.
   */
  readonly outcome:
    | { readonly kind: "accepted"; readonly matched: number; readonly verified: number }
    | { readonly kind: "refused" };
  /** In answer to `round`: promised for so long. Left out: nothing is. */
  readonly promise?: number;
}

/** The leader's snapshot, for one who needs entries that were dropped. @paper §7, Figure 13 */
export interface SpecInstallSnapshot {
  readonly kind: "install-snapshot";
  readonly from: Server;
  readonly to: Server;
  readonly term: number;
  readonly snapshot: SpecSnapshot;
}

/** The leader orders an election that `to` is to win. @thesis §3.10 */
export interface SpecTimeoutNow {
  readonly kind: "timeout-now";
  readonly from: Server;
  readonly to: Server;
  readonly term: number;
}

/** A member asks who it takes for the leader for an index to read at. @thesis §6.4 */
export interface SpecReadIndex {
  readonly kind: "read-index";
  readonly from: Server;
  readonly to: Server;
  readonly term: number;
  /** Unique over all reads that anybody asks by message. */
  readonly read: string;
}

export interface SpecReadIndexResponse {
  readonly kind: "read-index-response";
  readonly from: Server;
  readonly to: Server;
  readonly term: number;
  readonly read: string;
  /** Null: nothing is known. */
  readonly index: number | null;
}

export type SpecMessage =
  | SpecRequestVote
  | SpecRequestVoteResponse
  | SpecAppendEntries
  | SpecAppendEntriesResponse
  | SpecInstallSnapshot
  | SpecTimeoutNow
  | SpecReadIndex
  | SpecReadIndexResponse;

/** The action is not one that the paper allows here. The message says which rule forbids it. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}

export interface Specification {
  /** By place. Grows with `addServer`. */
  readonly members: readonly SpecMember[];
  /** In force where a log has no configuration. */
  readonly firstConfiguration: SpecConfiguration;

  // --- time --------------------------------------------------------------------------------------

  /**
   * Election timeout with PreVote: asks whether an election could be won. Allowed to whom `timeout`
   * is. @thesis §9.6
   */
  startPreVote(server: Server): void;
  /**
   * Election timeout: a new term, a vote for oneself, which counts once it is on disk. Allowed at
   * any time to who does not lead, does not abstain, has no promise running, and is a voter of the
   * configuration in force or of the committed one (of either half, if that is joint). @paper §5.2,
   * §6
   */
  timeout(server: Server): void;
  /** Any role to follower in the same term: CheckQuorum, a lost election. @thesis §6.2 */
  stepDown(server: Server): void;
  /**
   * A follower that abstains may raise its term by one, with no vote, so that the others elect a
   * leader without it. Extension of this project: safe, as any newer term is.
   */
  raiseTerm(server: Server): void;

  /** The own clock goes on. */
  advanceClock(server: Server, by: number): void;
  /**
   * The member sees that its link to `peer` is gone, which is nobody's word but its own. If that is
   * the leader, it may vote though it heard from it lately, until it hears from it again. Extension
   * of this project.
   */
  loseLink(server: Server, peer: Server): void;

  // --- elections ---------------------------------------------------------------------------------

  /**
   * A message of a higher term was delivered: adopt it, follow, forget the vote. Neither a request
   * nor a granted answer of a pre-vote does this: their term is nobody's yet. @paper §5.1
   */
  updateTerm(server: Server, message: SpecMessage): void;
  /**
   * Grants the delivered request, a vote or a pre-vote, whoever asks and whatever the voter takes
   * itself for: its log may lack the configuration that counts it. Refusing needs no action.
   * Not while a promise runs. Nor, if `stickyFor` is set, in less than that after the leader of
   * this term was heard, unless `loseLink` said that it is gone, or the request is marked
   * `transfer`; such a request's term is not adopted, either. @paper §5.2, §5.4.1, §6; @thesis
   * §4.2.3
   */
  grantVote(server: Server, request: SpecRequestVote): void;
  /** Counts a delivered granted answer to the campaign that is under way. */
  countVote(server: Server, response: SpecRequestVoteResponse): void;
  /** Counts the own vote, which is on disk. */
  countOwnVote(server: Server): void;
  /**
   * A majority granted, if the configuration in force is joint, of each half. What the leader
   * appends first is a `clientRequest`. @paper §5.2, §6
   */
  becomeLeader(server: Server): void;

  // --- membership --------------------------------------------------------------------------------

  /**
   * The leader appends a configuration, which is in force from then on. What is in force must be
   * committed. If that is not joint, an entry of the leader's term must be committed, and:
   * - a change of the voters is a joint configuration: `outgoing` are the voters of now;
   * - or the voters stay, not joint, and learners or removed (or only the value) change.
   * If it is joint, the new half alone follows, from any leader, and adds nobody.
   * Always: who is no member any more is `removed`, and stays so. @paper §6; @thesis §4.3
   */
  changeConfiguration(server: Server, value: number, configuration: SpecConfiguration): void;
  /** A machine appears, and counts for nothing until a configuration says so. Its place. */
  addServer(start?: SpecStart): Server;
  /** In force: the newest in the log. */
  configurationOf(server: Server): SpecConfiguration;
  /**
   * The newest in the part of the log that the member knows to be committed; one that another
   * follows is, whatever the commit index says.
   */
  committedConfigurationOf(server: Server): SpecConfiguration;

  // --- transfer ----------------------------------------------------------------------------------

  /**
   * The leader hands its leadership to another voter. Until this ends it takes no requests and
   * begins no change; it may leave a joint configuration. Once the target has the whole log on
   * disk, the order `timeout-now` may leave. It ends with this leadership at the latest.
   * @thesis §3.10
   */
  startTransfer(server: Server, target: Server): void;
  /** The leader gives it up: the deadline has passed, or nobody wants it any more. */
  endTransfer(server: Server): void;
  /**
   * A follower takes a delivered order of its term, from the leader that it heard in this term: it
   * stands at once, as in `timeout`, without a pre-vote, and its requests say so by `transfer`.
   * @thesis §3.10
   */
  timeoutNow(server: Server, request: SpecTimeoutNow): void;

  // --- replication -------------------------------------------------------------------------------

  /**
   * The leader appends entries of its term. A leader that is no voter any more may until it knows
   * this to be committed. @paper §5.3, §6
   */
  clientRequest(server: Server, values: readonly number[]): void;
  /**
   * Takes a delivered request of the current term over: follows its sender; if the log holds
   * `prev`, removes what conflicts (and only if something conflicts) and appends what is new.
   * Remembers how far this log is known to equal the leader's (it never shrinks within a term and
   * a life; where the request reaches into what was dropped, it equals it up to the end of that,
   * for that was committed), the leader's commit index and round. Without `prev` it follows and
   * remembers the latter two, and leaves the log alone. Refused loudly: two leaders of one term.
   * `count`: it has no room for more than the first so many entries, and takes the request for a
   * shorter one; all unless given.
   * @paper §5.3, Figure 2
   */
  acceptEntries(server: Server, request: SpecAppendEntries, count?: number): void;
  /**
   * Believes a delivered answer of the current term: the match index grows if it was accepted, the
   * round counts for reads in either case.
   */
  countAcknowledgement(server: Server, response: SpecAppendEntriesResponse): void;
  /** The leader believes less of a peer than before: always safe. */
  lowerMatch(server: Server, peer: Server, matched: number): void;
  /**
   * The leader commits up to `index`, an entry of its own term that a majority has on disk, its own
   * disk counted for itself if it is a voter. A majority of each half, if the configuration in
   * force is joint, whatever was in force at `index`. @paper §5.3, §5.4.2, §6
   */
  advanceCommit(server: Server, index: number): void;
  /**
   * A follower learns that entries up to `index` are committed: not above what a leader of this
   * term said, nor above what is known to equal that leader's log. @paper Figure 2
   */
  learnCommit(server: Server, index: number): void;
  /** Applies committed entries up to `index`, in order. */
  apply(server: Server, index: number): void;

  // --- snapshots ---------------------------------------------------------------------------------

  /**
   * A snapshot of the member's own is on disk as a whole, from now on: said when it is, not when
   * it was begun. It is of entries that were applied and are on disk, newer than the last, with the
   * term and configuration that the log has there. @paper §7
   */
  takeSnapshot(server: Server, snapshot: SpecSnapshot): void;
  /**
   * Drops entries up to `index` from the log, which a snapshot on disk covers. To the disk it comes
   * with the next write. @paper §7
   */
  compact(server: Server, index: number): void;
  /**
   * Takes over a delivered snapshot that is complete, of the current term and of entries above the
   * commit index: follows its sender; if the log holds the snapshot's last entry, what follows it
   * stays, else nothing of the log does. The entries up to there are dropped, committed and
   * applied. The next write brings log and snapshot to the disk together. The answer is one to
   * append entries: the log is known to equal the leader's up to the snapshot's index. Refused for
   * an index that is known to be committed: then `followLeader`. One of an older term is taken over
   * as well, by a follower, who does not follow its sender: what was committed then, every leader
   * since has (leader completeness). @paper §7, Figure 13, Figure 3
   */
  installSnapshot(server: Server, request: SpecInstallSnapshot): void;
  /**
   * Follows the sender of a delivered request of the current term, and leaves the log alone: what
   * only part of a snapshot came of, what is not needed, or what reaches back into what was
   * dropped. Remembers the leader's commit index and round; of a snapshot, that the log equals the
   * leader's up to there, if it holds the snapshot's last entry.
   */
  followLeader(server: Server, request: SpecAppendEntries | SpecInstallSnapshot): void;

  // --- reads -------------------------------------------------------------------------------------

  /** The leader opens a new round of heartbeats. */
  startRound(server: Server): void;
  /**
   * The leader notes an index for a read: its commit index, and not before the first entry of its
   * own term, which its log must hold. What was committed before lies up to there: by older terms
   * before that entry, by this term up to the commit index. Only rounds opened from now on confirm
   * it; so `startRound` follows. The read is served when the noted index is applied; that it waits
   * there for an entry of this term to be committed is the wait of the dissertation. @thesis §6.4
   */
  registerRead(server: Server, read: string): void;
  /**
   * A majority by the configuration in force now (of each half, if it is joint), the leader
   * included if it is a voter, has answered a round that was opened after the read was registered,
   * in this term: the read may be served at the noted index (returned) or later. The read is
   * forgotten. A cluster of one needs no round.
   */
  confirmRead(server: Server, read: string): number;

  // --- leases ------------------------------------------------------------------------------------

  /**
   * Promises the sender of a delivered request with a `lease`, which was taken over or followed in
   * this life, not to vote, not even in pre-votes, and not to stand, for that long by the own
   * clock from now on: said when the request comes. It is on disk with the next write, and counts
   * from the start after a restart. @thesis §6.4.1
   */
  promiseLease(server: Server, request: SpecAppendEntries): void;
  /**
   * A delivered request with `release`, taken over or followed in this life: what was promised in
   * this life ends, unless something was promised for a later round; nothing more is promised for
   * this round or older ones. What was promised before the start stays. Not in the dissertation.
   */
  releaseLease(server: Server, request: SpecAppendEntries): void;
  /**
   * The leader reads at once, at the index returned, which must be applied: `registerRead` and
   * `confirmRead` in one. Allowed while the promises of a majority (of each half, if joint; the
   * leader counts itself) have not run out: each counts from when the round that it answers was
   * opened, by the leader's clock, less `clockDrift`. Not while the leadership is to be handed
   * over, and after that by promises to later rounds only. @thesis §6.4.1
   */
  leaseRead(server: Server, read: string): number;

  // --- disk --------------------------------------------------------------------------------------

  /** Hands the persistent state as it is now to the disk, as one write. */
  write(server: Server): void;
  /** The oldest write is on disk, as a whole. */
  sync(server: Server): void;
  /**
   * The process ends and starts again; of the writes under way the first `kept` are on disk. All
   * volatile state is lost. `commitIndex` is what the disk happens to know of it: it was committed,
   * but may be older than what was known before the end; that of the snapshot, if it is older than
   * that. The persistent variables may be stored
   * apart: then term, vote and abstinence of the first `keptTerms` writes are on disk, the log of
   * the first `kept` only, and the snapshot with it. Left out: `kept`; never less.
   */
  restart(server: Server, kept: number, commitIndex: number, keptTerms?: number): void;
  /**
   * While the member is down, its disk loses all after the first `kept` entries: a declared fault.
   * From now on the member abstains, on disk, too. A snapshot is not lost so: `kept` is not below
   * its index. Said right after `restart`, before the member
   * does anything; a commit index above `kept` falls to it. `restored`: entries behind those, which
   * an earlier write had removed: the fault took what removed them.
   */
  loseEntries(server: Server, kept: number, restored?: SpecLog): void;
  /**
   * Ends the abstinence. Allowed when the member is known to have caught up: it heard from a leader
   * of its term, which is above the one that its disk had at the (last) loss, and has on disk an
   * entry of this leader's term that this leader said to be committed. Then every entry that was
   * committed with the help of what was lost is on the disk again.
   */
  stopAbstaining(server: Server): void;

  // --- network -----------------------------------------------------------------------------------

  /**
   * The message leaves the member and is in the set of messages from now on. Everything that it
   * promises must be true and on disk. It may leave late, when the member has moved on to newer
   * terms, but within the life (from start to start) in which it was made. What belongs to a term
   * is also safe on disk if a newer term is: nothing of the older one can be done anew then (writes
   * may skip a term, when several steps are written as one).
   * - its term was this member's in this life, and it or a newer one is on disk (a pre-vote
   *   request: the term before it);
   * - a vote request: this member opened that campaign with that last entry, and its vote for
   *   itself is on disk, or a newer term, with `transfer` only if it was ordered to; a pre-vote
   *   request: it opened that pre-vote with that last entry;
   * - a granted vote: it was granted in that term, and is on disk, or a newer term; a granted
   *   pre-vote: it was granted in that term;
   * - append entries: the member leads or led that term, `prev` and `entries` are of its log as
   *   that term's leader, its commit index and its round (as that leader) are not below the
   *   message's; with `release` the leader began to hand over, and counts no promise for that round
   *   or an older one any more;
   * - an order to stand: the member leads or led that term and meant to hand it to `to`, which then
   *   had its whole log on disk;
   * - a snapshot: the member leads or led that term, committed its last entry by then, and had it
   *   on disk at some time;
   * - an accepted answer: in that term the log was known to equal the leader's up to `verified`,
   *   and up to `matched` that very prefix has been on this member's disk at a time when its disk's
   *   term was that term or newer;
   * - a promise: it was given to `to` for that `round` and is on disk;
   * - any answer to append entries: it had heard `round` from that leader in that term, or it is 0;
   * - a question for a read index: nobody else asked, nor was it registered before it was asked;
   * - an answer to a read: it was asked, the index is the one that `confirmRead` returned for that
   *   read, or a later one that the member knows to be committed.
   * What left may be delivered any number of times, at any time, or never.
   */
  send(message: SpecMessage): void;
  /** Whether an equal message has left. Actions that name a message need it to have left. */
  hasLeft(message: SpecMessage): boolean;
}

/** What a member has on disk before its first action. */
export interface SpecStart {
  /** The first log or the beginning of it. */
  readonly log: SpecLog;
  readonly currentTerm: number;
  readonly commitIndex: number;
  /** Of the beginning of that log, which is dropped. Left out: none. */
  readonly snapshot?: SpecSnapshot;
}

export interface SpecificationOptions {
  readonly servers: number;
  /** The log that all start with, on disk and committed: the first configuration. */
  readonly log: SpecLog;
  readonly currentTerm: number;
  readonly commitIndex: number;
  /**
   * In force before any in a log. Left out: all `servers` are voters; nobody, if `log` has a
   * configuration of its own.
   */
  readonly configuration?: SpecConfiguration;
  /** All start with it, and without what it covers: a restored cluster. Left out: none. */
  readonly snapshot?: SpecSnapshot;
  /** How long who heard from a leader gives no vote. Left out: it is not looked at. */
  readonly stickyFor?: number;
  /** By so much clocks may differ in what they count while a promise runs. Left out: 0. */
  readonly clockDrift?: number;
  /** Who starts with something else: those that are to join later have an empty log. */
  readonly starts?: ReadonlyMap<Server, SpecStart>;
}
