/**
 * The dissertation's chapters on the algorithm, 3 to 6, section by section: the rules of `rules.ts`
 * that stand for it, or why there is none. `matrix.test.ts` fails on a section without either, and
 * on a rule of these chapters that is in no section.
 */
import type { RuleId } from "./rules.ts";

export interface Section {
  readonly title: string;
  readonly rules: readonly RuleId[];
  /** What is left of the section, or why it has no rule. */
  readonly note: string;
}

function section(title: string, rules: readonly RuleId[], note = ""): Section {
  return { title, rules, note };
}

/** By number. Section 3.x is the paper's 5 to 8 at greater length: their rules have its numbers. */
export const sections: Readonly<Record<string, Section>> = {
  "3.1": section("Designing for understandability", [], "No rule for a member."),
  "3.2": section("Overview", [], "The properties of its figure 3.2 are rules of 3.4 to 3.6."),
  "3.3": section("Basics: terms, roles, messages", [
    "5.1-start-follower",
    "5.1-stale-request",
    "5.1-adopt-term",
    "5.1-step-down",
    "5.1-term-monotone",
    "5.1-calm",
    "5.3-retry",
    "5.5-idempotent",
  ]),
  "3.4": section("Leader election", [
    "5.2-timer",
    "5.2-campaign",
    "5.2-majority",
    "5.2-announce",
    "5.2-one-vote",
    "5.2-yield",
    "5.2-no-yield",
    "5.2-split-vote",
    "5.2-random-timer",
    "5.2-heartbeat",
    "5.2-grant-resets",
    "5.2-one-leader",
    "5.2-old-votes",
  ]),
  "3.5": section("Log replication", [
    "5.3-append-first",
    "5.3-append-only",
    "5.3-majority-commit",
    "5.3-followers-learn",
    "5.3-consistency",
    "5.3-conflict",
    "5.3-match-stays",
    "5.3-commit-bound",
    "5.3-back-up",
    "5.3-hints",
    "5.3-log-matching",
    "F2-apply",
  ]),
  "3.6.1": section("Election restriction", ["5.4.1-up-to-date", "5.4.1-completeness"]),
  "3.6.2": section("Entries of earlier terms", ["5.4.2-own-term", "8-no-op"]),
  "3.6.3": section(
    "Safety argument",
    ["5.4.3-state-machine"],
    "Leader completeness is in 3.6.1; the simulator and the explorer check both after each step.",
  ),
  "3.7": section("Crashes of followers and candidates", ["5.5-crash", "5.5-idempotent"]),
  "3.8": section("Persisted state and restarts", [
    "F2-durable-first",
    "F2-survives",
    "3.8-persist-batch",
    "3.8-commit-hint",
  ]),
  "3.9": section("Timing and availability", ["5.6-timing"]),
  "3.10": section("Leadership transfer", [
    "3.10-stops",
    "3.10-up-to-date",
    "3.10-at-once",
    "3.10-deadline",
  ]),
  "4.1": section("Safety of changes", [
    "4.1-append",
    "4.1-rollback",
    "4.1-any-sender",
    "4.1-one-at-a-time",
    "4.1-own-term",
  ]),
  "4.2.1": section(
    "Catching up new servers",
    ["4.2.1-learner", "4.2.1-new-server", "4.2.1-catch-up"],
    "Rounds are not counted: who lacks little and answers is ready (divergences).",
  ),
  "4.2.2": section("Removing the leader", [
    "4.2.2-steps-down",
    "4.2.2-not-counted",
    "4.2.2-campaigns",
  ]),
  "4.2.3": section("Disruptive servers", [
    "4.2.3-live-leader",
    "4.2.3-transfer",
    "4.2.3-removed",
    "9.6-no-term",
    "9.6-same-question",
    "9.6-returns",
  ]),
  "4.2.4": section("Availability argument", ["4.2.4-available"]),
  "4.3": section("Joint consensus", [
    "4.3-both-logs",
    "4.3-both-leaders",
    "4.3-both-majorities",
    "4.3-two-entries",
    "4.3-any-change",
  ]),
  "4.4": section(
    "System integration",
    ["4.4-replace"],
    "Nobody removes a member but an operator: see docs/membership.md.",
  ),
  "5.1": section("Snapshots of machines in memory", [
    "7-independent",
    "7-consistency",
    "7-lagging",
    "7-heartbeats",
    "7-replace",
    "7-retain",
    "7-old",
    "7-durable",
    "7-restore",
    "7-restart",
    "5.1-configuration",
    "5.1-joint",
    "5.1-base-configuration",
    "5.1-up-to-date",
    "5.1-learner",
    "5.1-term",
  ]),
  "5.1.1": section("Snapshots while commands go on", ["5.1.1-concurrently"]),
  "5.1.2": section("When to take a snapshot", ["5.1.2-when"]),
  "5.1.3": section(
    "Saving, loading, sending",
    ["7-durable", "7-restore"],
    "How they are stored and sent: decisions 0015 and 0025, and the tests of those rooms.",
  ),
  "5.2": section("Machines on disk", [], "A machine on disk is a later feature; ours snapshot."),
  "5.3": section("Incremental cleaning", [], "An alternative to snapshots that we do not take."),
  "5.4": section(
    "Snapshots by the leader alone",
    [],
    "An alternative that we do not take: each member takes its own (7-independent).",
  ),
  "6.1": section("Finding the cluster", ["6.1-find"], "By addresses; no directory service."),
  "6.2": section("Routing requests to the leader", [
    "6.2-check-quorum",
    "6.2-leader-known",
    "6.2-forward",
  ]),
  "6.3": section("Linearizable semantics", [
    "6.3-once",
    "6.3-discard",
    "6.3-concurrent",
    "6.3-expiry",
    "6.3-no-session",
    "6.3-in-snapshot",
  ]),
  "6.4": section("Read-only queries", [
    "8-reads",
    "6.4-read-index",
    "6.4-own-term",
    "6.4-fresh-round",
    "6.4-applied",
    "6.4-batch",
    "6.4-follower",
    "6.4-settles",
  ]),
  "6.4.1": section("Clocks for fewer messages", [
    "6.4.1-lease",
    "6.4.1-sending-time",
    "6.4.1-drift",
    "6.4.1-promise",
    "6.4.1-transfer",
  ]),
};
