/**
 * The numbers and names of the algorithm as distinct types, made only by the constructors here.
 * Plain numbers, not bigints: 2^53 lasts 285 years at a million entries a second.
 */
import { assert } from "./assert.ts";

declare const brand: unique symbol;
type Brand<Base, Name extends string> = Base & { readonly [brand]: Name };

/** A term: consecutive numbers, at most one leader in each. 0 before the first. @paper §5.1 */
export type Term = Brand<number, "Term">;

/** A position in the log; the first entry is 1, and 0 is "before the first". @paper §5.3 */
export type LogIndex = Brand<number, "LogIndex">;

/** A count of clock ticks, the core's only unit of time. */
export type Ticks = Brand<number, "Ticks">;

/** A member's name, such as `a`: 1 to 64 characters of `[A-Za-z0-9._-]`. */
export type NodeId = Brand<string, "NodeId">;

/** The number of a unit of persistence: 1, 2, 3 … since the start of the process; 0 is none. */
export type PersistUnit = Brand<number, "PersistUnit">;

export function term(value: number): Term {
  assert(Number.isSafeInteger(value) && value >= 0, "a term is a safe integer from 0");
  return value as Term; // the constructor is where the brand comes from
}

export function logIndex(value: number): LogIndex {
  assert(Number.isSafeInteger(value) && value >= 0, "a log index is a safe integer from 0");
  return value as LogIndex; // as above
}

export function ticks(value: number): Ticks {
  assert(Number.isSafeInteger(value) && value >= 0, "ticks are a safe integer from 0");
  return value as Ticks; // as above
}

export function persistUnit(value: number): PersistUnit {
  assert(Number.isSafeInteger(value) && value >= 0, "a unit is a safe integer from 0");
  return value as PersistUnit; // as above
}

const nodeIdPattern = /^[A-Za-z0-9._-]{1,64}$/;

/** Whether `value` may name a member. */
export function isNodeId(value: string): value is NodeId {
  return nodeIdPattern.test(value);
}

export function nodeId(value: string): NodeId {
  assert(isNodeId(value), "a member's name is 1 to 64 characters of [A-Za-z0-9._-]", () => value);
  return value;
}

export const noTerm: Term = term(0);
export const noIndex: LogIndex = logIndex(0);
