/**
 * How a member finds the cluster that it joins: it asks each of the addresses that it was given,
 * again and again until one answers, and believes them only if they agree. Called by
 * `open-member.ts`.
 */
import type { ErrorDetails, NodeId, QuorateError } from "../../base/index.ts";
import { type Configuration, decodeConfiguration } from "../../core/index.ts";
import type { Ports } from "../../ports/index.ts";
import { askToJoin, type JoinOutcome, type TransportLimits } from "../../transport/index.ts";
import { wrongCluster } from "../errors.ts";
import type { Logger } from "../logger.ts";
import { cannotJoin, selfRemoved } from "./membership-errors.ts";

export interface JoinOptions {
  readonly ports: Ports;
  readonly logger: Logger;
  readonly id: NodeId;
  /** `host:port` where this member will be reached. */
  readonly address: string;
  /** `host:port` of running members. */
  readonly seeds: readonly string[];
  /** Milliseconds for all rounds together. */
  readonly timeoutMs: number;
  readonly transportLimits: Partial<TransportLimits>;
}

/** The cluster as a member of it knows it. */
export interface FoundCluster {
  readonly clusterId: string;
  readonly configuration: Configuration;
}

/** Milliseconds between two rounds of questions. */
const roundMs = 500;

/** `done` runs once, never inside the call. */
export function findCluster(
  options: JoinOptions,
  done: (error: QuorateError | null, found?: FoundCluster) => void,
): void {
  const { clock } = options.ports;
  const endMs = clock.nowMs() + options.timeoutMs;
  const round = (): void => {
    askAll(options, (outcomes) => {
      const verdict = judge(options, outcomes);
      if (verdict.kind === "found") done(null, verdict.cluster);
      else if (verdict.kind === "final" || clock.nowMs() >= endMs) done(verdict.error);
      else clock.after(roundMs, round);
    });
  };
  round();
}

function askAll(
  { ports, seeds, id, address: own, transportLimits }: JoinOptions,
  done: (outcomes: readonly JoinOutcome[]) => void,
): void {
  const { network, clock, crc32 } = ports;
  const outcomes: JoinOutcome[] = [];
  let open = seeds.length;
  for (const [at, address] of seeds.entries()) {
    const question = { network, clock, crc32, limits: transportLimits, address };
    askToJoin({ ...question, request: { id, address: own } }, (outcome) => {
      outcomes[at] = outcome;
      open--;
      if (open === 0) done(outcomes);
    });
  }
}

type JoinVerdict =
  | { readonly kind: "found"; readonly cluster: FoundCluster }
  /** `final`: asking again changes nothing. */
  | { readonly kind: "again" | "final"; readonly error: QuorateError };

function judge({ id, seeds }: JoinOptions, outcomes: readonly JoinOutcome[]): JoinVerdict {
  const attempts: ErrorDetails["CANNOT_JOIN"]["attempts"][number][] = [];
  const found = new Map<string, Configuration>();
  for (const [at, outcome] of outcomes.entries()) {
    const address = seeds[at] ?? "";
    if (outcome.kind === "answered") {
      found.set(outcome.clusterId, decodeConfiguration(outcome.configuration));
      continue;
    }
    if (outcome.kind === "refused" && outcome.why === "removed-member") {
      return { kind: "final", error: selfRemoved(id) };
    }
    if (outcome.kind === "refused" && outcome.why === "other-incarnation") {
      const hint = "Choose a name that was never used, or start the member's own directory.";
      const refused = [{ address, reason: outcome.text }];
      return { kind: "final", error: cannotJoin(`the name ${id} is taken`, refused, hint) };
    }
    attempts.push({ address, reason: outcome.text });
  }
  const [first, second] = [...found];
  if (first !== undefined && second !== undefined) {
    const text = `Cannot join: the addresses are of two clusters, ${first[0]} and ${second[0]}`;
    return { kind: "final", error: wrongCluster(text, first[0], second[0]) };
  }
  if (first !== undefined) {
    return { kind: "found", cluster: { clusterId: first[0], configuration: first[1] } };
  }
  const hint = "Start one of them, correct the addresses, or see why they cannot be reached.";
  return { kind: "again", error: cannotJoin("nobody answers", attempts, hint) };
}
