/**
 * The machine of the world's own load: registers, lists, accounts and a counter, all numbers. Every
 * write carries a number that no other one has.
 */
import { assert, FormatError } from "../../base/index.ts";
import type { RawMachine, StateCapture, StateRestore } from "../../machine/index.ts";
import type { Random } from "../random.ts";

/** Keys of registers and lists, and accounts. Few, so that clients meet. */
export const storeKeys = 4;
/** What each account holds at first. */
export const accountStart = 100;

export const storeVerbs = [
  "put",
  "append",
  "add",
  "transfer",
  "get",
  "list",
  "counter",
  "balance",
] as const;

export type StoreVerb = (typeof storeVerbs)[number];

/** `id` is 0 for reads. */
export interface StoreInput {
  readonly verb: StoreVerb;
  readonly id: number;
  readonly key: number;
  /** A new value or an amount; of a transfer 256 times the account it goes to, plus the amount. */
  readonly value: number;
}

const commandBytes = 10;
/** Not zero: a sector of zeros is one that was never written. */
const paddingByte = 0x70;

/** `paddingBytes` follow that mean nothing. */
export function encodeStoreInput(
  { verb, id, key, value }: StoreInput,
  paddingBytes = 0,
): Uint8Array {
  const bytes = new Uint8Array(commandBytes + paddingBytes).fill(paddingByte);
  const view = new DataView(bytes.buffer);
  bytes[0] = storeVerbs.indexOf(verb);
  bytes[1] = key;
  view.setUint32(2, id);
  view.setUint32(6, value);
  return bytes;
}

/** @throws FormatError */
export function decodeStoreInput(bytes: Uint8Array): StoreInput {
  const verb = storeVerbs[bytes[0] ?? storeVerbs.length];
  if (verb === undefined || bytes.length < commandBytes) throw new FormatError("no command");
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return { verb, id: view.getUint32(2), key: bytes[1] ?? 0, value: view.getUint32(6) };
}

export function drawStoreWrite(random: Random, id: number): StoreInput {
  const key = random.below(storeKeys);
  const dice = random.below(10);
  if (dice < 4) return { verb: "put", id, key, value: id };
  if (dice < 7) return { verb: "append", id, key, value: id };
  if (dice < 8) return { verb: "add", id, key: 0, value: random.between(1, 9) };
  const to = random.below(storeKeys);
  return { verb: "transfer", id, key, value: to * 256 + random.between(1, 60) };
}

export function drawStoreRead(random: Random): StoreInput {
  const verb = storeVerbs[4 + random.below(4)] ?? "get";
  return { verb, id: 0, key: random.below(storeKeys), value: 0 };
}

/** Four numbers for each key, and the counter. */
const stateBytes = 4 * (4 * storeKeys + 1);

export class Store implements RawMachine<number> {
  readonly #registers = new Int32Array(storeKeys);
  /** Of each list: how long, and a number made of all its values in order. */
  readonly #lengths = new Int32Array(storeKeys);
  readonly #digests = new Int32Array(storeKeys);
  readonly #accounts = new Int32Array(storeKeys).fill(accountStart);
  #counter = 0;

  apply(bytes: Uint8Array): number {
    const verb = bytes[0] ?? 0;
    const key = bytes[1] ?? 0;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const value = view.getUint32(6);
    switch (storeVerbs[verb]) {
      case "put": {
        const before = this.#registers[key] ?? 0;
        this.#registers[key] = value;
        return before;
      }
      case "append":
        this.#digests[key] = digest(this.#digests[key] ?? 0, value);
        this.#lengths[key] = (this.#lengths[key] ?? 0) + 1;
        return this.#lengths[key] ?? 0;
      case "add":
        this.#counter += value;
        return this.#counter;
      case "transfer":
        return this.#transfer(key, value >>> 8, value & 255);
      default:
        throw new FormatError(`a command ${verb} that changes nothing`);
    }
  }

  #transfer(from: number, to: number, amount: number): number {
    const has = this.#accounts[from] ?? 0;
    if (has < amount) return 0;
    this.#accounts[from] = has - amount;
    this.#accounts[to] = (this.#accounts[to] ?? 0) + amount;
    return 1;
  }

  answer({ verb, key }: StoreInput): number {
    switch (verb) {
      case "get":
        return this.#registers[key] ?? 0;
      case "list":
        return this.#digests[key] ?? 0;
      case "counter":
        return this.#counter;
      case "balance":
        return this.#accounts[key] ?? 0;
      default:
        assert(false, "a read is asked", () => verb);
    }
  }

  capture(): StateCapture {
    const numbers = this.#all.flatMap((list) => [...list]);
    const bytes = new Uint8Array(Int32Array.of(...numbers, this.#counter).buffer);
    let at = 0;
    return {
      next: (maxBytes) => {
        if (at === bytes.length) return null;
        const piece = bytes.subarray(at, at + maxBytes);
        at += piece.length;
        return piece;
      },
      release: () => {},
    };
  }

  restore(): StateRestore {
    const bytes: number[] = [];
    return {
      write: (piece) => {
        bytes.push(...piece);
        if (bytes.length > stateBytes) throw new FormatError("more than a store");
      },
      finish: () => {
        if (bytes.length < stateBytes) throw new FormatError("less than a store");
        const numbers = new Int32Array(Uint8Array.from(bytes).buffer);
        for (const [i, list] of this.#all.entries()) {
          list.set(numbers.subarray(i * storeKeys, (i + 1) * storeKeys));
        }
        this.#counter = numbers[4 * storeKeys] ?? 0;
      },
    };
  }

  get #all(): readonly Int32Array[] {
    return [this.#registers, this.#lengths, this.#digests, this.#accounts];
  }

  /** Of the whole state. */
  hash(): number {
    let hash = this.#counter;
    for (let key = 0; key < storeKeys; key++) {
      hash = digest(hash, this.#registers[key] ?? 0);
      hash = digest(hash, this.#digests[key] ?? 0);
      hash = digest(hash, this.#lengths[key] ?? 0);
      hash = digest(hash, this.#accounts[key] ?? 0);
    }
    return hash;
  }

  get total(): number {
    return this.#accounts.reduce((sum, amount) => sum + amount, 0);
  }
}

/** A number made of those before and one more. */
export function digest(before: number, value: number): number {
  const mixed = Math.imul(before ^ value ^ 0x5bd1e995, 0x9e3779b1);
  return (mixed ^ (mixed >>> 15) ^ (before << 7)) | 0;
}
