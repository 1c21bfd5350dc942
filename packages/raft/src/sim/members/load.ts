/**
 * What runs on the members of a world and what its clients ask. The world knows nothing more of it:
 * its own store (`store-load.ts`) and a user's machines (`../simulate.ts`) are loads alike.
 */
import type { AppliedMachines } from "../../node/index.ts";
import type { History, OperationKind } from "../histories/index.ts";
import type { Random } from "../random.ts";

/** The next thing that a client asks. */
export interface Ask<Input> {
  readonly kind: OperationKind;
  readonly input: Input;
}

/** The machines of one process of a member. */
export interface LoadMachines<Input, Result> extends AppliedMachines {
  /** The entry data of a write; `wallMs` is the wall clock of the member that proposes it. */
  encode(input: Input, wallMs: number): Uint8Array;
  /** What a client gets for its write, from what `apply` returned. */
  result(raw: unknown, input: Input): Result;
  /** A read, between two applies. Changes nothing. */
  answer(input: Input): Result;
  /** 32 bits of the whole state; equal states have equal ones. Asked for after every apply. */
  hash(): number;
  /** @throws Violation when the state is one that must never be */
  check(): void;
  /** After `hash`: how the state differs from the one that another member had at this index. */
  describeDifference?(): string;
}

export interface Load<Input, Result> {
  /** As a process starts: in their initial state. */
  createMachines(at: number): LoadMachines<Input, Result>;
  /** What a client asks next; `id` is another one each time. */
  next(random: Random, id: number): Ask<Input>;
  /** The input of a write, from its entry. */
  decode(data: Uint8Array, index: number, term: number): Input;
  /** One line; equal lines are equal inputs. */
  describeInput(input: Input): string;
  describeResult(result: Result): string;
  /** After the end, when all machines agree: what is wrong with the whole, or null. */
  judge(history: LoadHistory<Input, Result>): LoadVerdict | null;
}

/** What the world knows in the end. */
export interface LoadHistory<Input, Result> {
  readonly history: History<Input, Result>;
  /** Counts that a check was made. */
  readonly count: (invariant: "H" | "L3") => void;
  /** All commands of the committed log, by index. */
  readonly committed: readonly { readonly index: number; readonly command: Input }[];
}

/** An invariant that does not hold, and why. */
export interface LoadVerdict {
  readonly invariant: string;
  readonly message: string;
}
