/**
 * What a member counts and measures, for whatever collects it: names, units and labels in one
 * table, and the hook that hears the values. The library brings no collector.
 */

/** Of a value: a counter grows, a gauge is what it is now, an observation is one of many. */
export type MetricKind = "counter" | "gauge" | "observation";

interface MetricDescription {
  readonly kind: MetricKind;
  /** One sentence, for people. */
  readonly help: string;
  /** The names of its labels. */
  readonly labels: readonly string[];
}

/** The names of one kind. */
export type MetricName<Kind extends MetricKind> = Kind extends "counter"
  ? CounterName
  : Kind extends "gauge"
    ? GaugeName
    : ObservationName;

type CounterName =
  | "elections-count"
  | "campaigns-count"
  | "commands-count"
  | "reads-count"
  | "applied-entries-count"
  | "messages-sent-count"
  | "messages-received-count"
  | "disconnections-count"
  | "refusals-count"
  | "storage-units-count"
  | "storage-bytes"
  | "stalls-count"
  | "disk-damages-count"
  | "snapshots-taken-count"
  | "snapshots-failed-count"
  | "snapshots-installed-count";

type GaugeName =
  | "term"
  | "is-leader"
  | "has-leader"
  | "must-catch-up"
  | "files-aside-count"
  | "commit-index"
  | "applied-index"
  | "last-index"
  | "durable-index"
  | "log-entries-count"
  | "log-base-index"
  | "snapshot-index"
  | "uncommitted-bytes"
  | "backlog-bytes"
  | "storage-under-way-count"
  | "peers-connected-count"
  | "voters-count"
  | "learners-count"
  | "membership-changing"
  | "peer-behind-count"
  | "peer-inflight-bytes";

type ObservationName =
  | "election-ms"
  | "command-ms"
  | "read-ms"
  | "apply-ms"
  | "storage-unit-ms"
  | "snapshot-ms";

type Described<Kind extends MetricKind> = Readonly<
  Record<MetricName<Kind>, MetricDescription & { readonly kind: Kind }>
>;

/** Every metric of a member. Names end in their unit; `count` is a number of things. */
export const metricTable: Described<"counter"> & Described<"gauge"> & Described<"observation"> = {
  "elections-count": counter("Elections that ended with a leader known here.", "why"),
  "election-ms": observation("Time without a known leader, for each election."),
  "campaigns-count": counter("Own campaigns and PreVotes, by how they ended.", "outcome"),
  "commands-count": counter("Commands given to this member, by how they settled.", "outcome"),
  "command-ms": observation("From the call to the result of a command that was applied."),
  "reads-count": counter(
    "Linearizable reads asked of this member, by how they settled.",
    "outcome",
  ),
  "read-ms": observation("From the call to the answer of a read that succeeded."),
  "applied-entries-count": counter("Entries handed to the machines."),
  "apply-ms": observation("Time that the machines took for one batch of entries."),
  "messages-sent-count": counter("Messages of the core handed to the transport.", "message"),
  "messages-received-count": counter("Messages that came from peers.", "message"),
  "disconnections-count": counter("Connections to a peer that broke.", "peer"),
  "refusals-count": counter("Handshakes that were refused, by peer; `-`: of no member.", "peer"),
  "storage-units-count": counter("Units given to the disk."),
  "storage-bytes": counter("Bytes of entries given to the disk."),
  "storage-unit-ms": observation("From handing a unit to the disk to its being durable."),
  "disk-damages-count": counter("Damages that a start has found and set aside."),
  "stalls-count": counter("Times that commitment stood still for `stallMs`."),
  "snapshots-taken-count": counter("Snapshots that this member has written."),
  "snapshot-ms": observation("From freezing the machines to their snapshot's being durable."),
  "snapshots-failed-count": counter("Snapshots that could not be written: the disk was full."),
  "snapshots-installed-count": counter("Snapshots of other members in place of the own log."),
  term: gauge("The own term."),
  "is-leader": gauge("1 at the leader, else 0."),
  "has-leader": gauge("1 if a leader is known, else 0."),
  "files-aside-count": gauge("Damaged files that recoveries set aside and nobody has removed."),
  "must-catch-up": gauge("1 while this member abstains after damage, else 0."),
  "commit-index": gauge("The last entry known to be committed."),
  "applied-index": gauge("The last entry that the machines have applied."),
  "last-index": gauge("The last entry in the log."),
  "durable-index": gauge("The last entry on this member's disk."),
  "log-entries-count": gauge("Entries of the log in memory."),
  "log-base-index": gauge("The last entry that the log has let go of; 0: it is whole."),
  "snapshot-index": gauge("Of the newest snapshot on this member's disk; 0: there is none."),
  "backlog-bytes": gauge("Bytes of entries that wait for this member's disk or machines."),
  "uncommitted-bytes": gauge("At the leader: bytes of entries appended and not committed."),
  "storage-under-way-count": gauge("Units that the disk has not finished."),
  "peers-connected-count": gauge("Voters, oneself included, to which a connection stands."),
  "voters-count": gauge("Voters of the configuration; of both halves while it changes."),
  "learners-count": gauge("Learners of the configuration."),
  "membership-changing": gauge("1 while a change of the members is under way, else 0."),
  "peer-behind-count": gauge("At the leader: entries that a peer lacks.", "peer"),
  "peer-inflight-bytes": gauge("At the leader: bytes sent to a peer and not answered.", "peer"),
};

function counter(help: string, ...labels: string[]): MetricDescription & { kind: "counter" } {
  return { kind: "counter", help, labels };
}

function gauge(help: string, ...labels: string[]): MetricDescription & { kind: "gauge" } {
  return { kind: "gauge", help, labels };
}

function observation(
  help: string,
  ...labels: string[]
): MetricDescription & { kind: "observation" } {
  return { kind: "observation", help, labels };
}

export type MetricLabels = Readonly<Record<string, string>>;

/**
 * Hears what a member counts and measures: the option `metrics` of `start`. Called in the member's
 * turns, so it must be quick; one that throws is told in the log and not called again. Without it
 * nothing is measured.
 */
export interface MetricsHook {
  /** A counter grows by `increase`, 1 or more. */
  count(name: MetricName<"counter">, increase: number, labels: MetricLabels): void;
  /** A gauge is `value` now. All are told each heartbeat interval. */
  gauge(name: MetricName<"gauge">, value: number, labels: MetricLabels): void;
  /** Something took or was `value`. */
  observe(name: MetricName<"observation">, value: number, labels: MetricLabels): void;
}
