/** What a deep test and its member processes say to each other over `child_process`'s channel. */
import type { NodeLimits, NodeStatus } from "../../src/index.ts";

/** How a process starts its member: its only argument, as JSON. */
export interface DeepStart {
  readonly id: string;
  /** Either all members of a new cluster, or null and `join` with the own `address`. */
  readonly members: Readonly<Record<string, string>> | null;
  readonly join: readonly string[];
  readonly address: string;
  /** Where it listens, if something stands in front of it. */
  readonly listen: string;
  readonly dir: string;
  readonly limits: Partial<NodeLimits>;
  readonly pageCount: number;
}

/** Writes at fixed times, whether those before are done or not. */
export interface SteadyLoad {
  readonly writesPerSecond: number;
  readonly payloadBytes: number;
}

/** Since the report before. Milliseconds are from when a write was due to its acknowledgement. */
export interface LoadReport {
  readonly acknowledged: number;
  readonly failed: readonly string[];
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Wall clock: when that write was due. */
  readonly maxAtMs: number;
  /** The longest that the process did not come back to its event loop. */
  readonly loopDelayMs: number;
}

export type DeepAsk =
  | { readonly kind: "status" | "stop" | "unload" | "report" | "digest" }
  | { readonly kind: "load"; readonly load: SteadyLoad }
  | { readonly kind: "add"; readonly id: string; readonly address: string };

export interface DeepAnswers {
  readonly status: NodeStatus;
  readonly stop: null;
  readonly load: null;
  /** Answered when the last write has settled. */
  readonly unload: null;
  readonly report: LoadReport;
  /** Of the whole state of the machine. */
  readonly digest: string;
  /** Answered when it is a voter. */
  readonly add: null;
}

export interface DeepQuestion {
  readonly id: number;
  readonly ask: DeepAsk;
}

export type DeepTold =
  | { readonly kind: "started" }
  | { readonly kind: "answer"; readonly id: number; readonly value: unknown }
  | { readonly kind: "failure"; readonly id: number; readonly text: string }
  | { readonly kind: "leader"; readonly leader: string | null }
  | { readonly kind: "taken" | "installed"; readonly index: number; readonly forMs: number }
  | { readonly kind: "receiving"; readonly from: string | null; readonly doneBytes: number }
  | { readonly kind: "line"; readonly text: string };
