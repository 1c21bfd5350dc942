/** What a test and its member processes say to each other over the channel of `child_process`. */
import type { NodeLimits, NodeStatus } from "../../src/index.ts";
import type { TransportLimits } from "../../src/transport/index.ts";

/** How a member process starts its member: its only argument, as JSON. */
export interface MemberStart {
  readonly id: string;
  readonly members: Readonly<Record<string, string>>;
  /** Null: in memory. */
  readonly dir: string | null;
  readonly listen?: string;
  readonly token?: string;
  /** False: it refuses a damaged log. */
  readonly repair?: boolean;
  readonly limits: Partial<NodeLimits>;
  readonly transportLimits?: Partial<TransportLimits>;
  /** Declares a second machine, `extra`, that the other members may not know. */
  readonly hasExtraMachine?: boolean;
  /** Sets the values of this process apart from those of its earlier lives. */
  readonly life: number;
}

/** A continuous load: each client writes one value after the other. */
export interface Load {
  readonly clients: number;
  /** Bytes of padding in each command. */
  readonly paddingBytes: number;
  readonly timeoutMs: number;
}

export type Ask =
  | { readonly kind: "write"; readonly value: string; readonly timeoutMs?: number }
  /** A command of this many bytes for the machine. */
  | { readonly kind: "write-bytes"; readonly bytes: number }
  | { readonly kind: "write-extra" }
  | { readonly kind: "read"; readonly isStale?: boolean; readonly timeoutMs?: number }
  | { readonly kind: "status" }
  | { readonly kind: "load"; readonly load: Load }
  /** Answered when the last write has settled. */
  | { readonly kind: "unload" }
  | { readonly kind: "stop" };

/** What each ask is answered with. */
export interface Answers {
  /** The value's place in the ledger, from 1. */
  readonly write: number;
  readonly "write-bytes": number;
  readonly "write-extra": null;
  /** All values of the ledger, in order. */
  readonly read: readonly string[];
  readonly status: NodeStatus;
  readonly load: null;
  readonly unload: null;
  readonly stop: null;
}

/** An error of the member, as plain data. */
export interface ToldError {
  readonly name: string;
  readonly message: string;
  /** Null for errors that are no `QuorateError`. */
  readonly code: string | null;
  readonly outcome: "applied" | "not-applied" | "unknown";
  readonly hint: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** To the member. */
export interface Question {
  readonly id: number;
  readonly ask: Ask;
}

/** From the member. */
export type Told =
  | { readonly kind: "started"; readonly pid: number }
  | { readonly kind: "refused"; readonly error: ToldError }
  | { readonly kind: "answer"; readonly id: number; readonly value: unknown }
  | { readonly kind: "failure"; readonly id: number; readonly error: ToldError }
  /** How a write of the load ended; null: applied. */
  | { readonly kind: "outcome"; readonly value: string; readonly error: ToldError | null }
  | { readonly kind: "leader"; readonly leader: string | null; readonly term: number }
  | { readonly kind: "log"; readonly level: string; readonly text: string }
  | { readonly kind: "stopped"; readonly error: ToldError | null };
