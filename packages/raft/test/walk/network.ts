/**
 * The wires between the members: a queue for each direction of each pair. Messages are lost,
 * doubled, overtaken, cut off and kept for ever; nothing tells the members.
 */
import type { Message } from "../../src/core/index.ts";
import type { Faults } from "./options.ts";
import type { Random } from "./random.ts";

export interface Network {
  readonly memberCount: number;
  readonly faults: Faults;
  /** From `a` to `b`: at `a * memberCount + b`. */
  readonly queues: Message[][];
  readonly isCut: boolean[];
  /** By member: its process is not running. */
  readonly isDown: boolean[];
  /** Messages that may come at any time, again and again. */
  readonly ancient: Message[];
  /** Links with something in their queue, in no order. */
  readonly busy: number[];
  isHealed: boolean;
}

/** Messages per link; more are dropped, oldest first. */
const queueMax = 64;
/** Messages; a new one takes a random place. */
const ancientMax = 64;

export function createNetwork(memberCount: number, faults: Faults): Network {
  const links = memberCount * memberCount;
  return {
    memberCount,
    faults,
    queues: Array.from({ length: links }, () => []),
    isCut: new Array<boolean>(links).fill(false),
    isDown: new Array<boolean>(memberCount).fill(false),
    ancient: [],
    busy: [],
    isHealed: false,
  };
}

export function send(network: Network, random: Random, link: number, message: Message): void {
  const queue = network.queues[link];
  if (queue === undefined) return;
  if (queue.length === 0) network.busy.push(link);
  queue.push(message);
  if (queue.length > queueMax && !network.isHealed) queue.shift();
  if (network.isHealed || !random.chance(network.faults.ancient)) return;
  if (network.ancient.length < ancientMax) network.ancient.push(message);
  else network.ancient[random.below(ancientMax)] = message;
}

/**
 * The next message of a random busy link that arrives, or null when this one got lost or there is
 * none.
 */
export function receive(network: Network, random: Random): Message | null {
  const slot = random.below(network.busy.length);
  const link = network.busy[slot];
  const queue = link === undefined ? undefined : network.queues[link];
  if (link === undefined || queue === undefined) return null;
  const { faults, isHealed } = network;
  const isDown = network.isDown[link % network.memberCount] ?? false;
  if ((network.isCut[link] || isDown) && faults.cutKeeps) return null;
  const overtakes = !isHealed && queue.length > 1 && random.chance(faults.reordering);
  const at = overtakes ? random.below(queue.length) : 0;
  const message = queue[at];
  const stays = !isHealed && random.chance(faults.duplication);
  if (at === 0) queue.shift();
  else queue.splice(at, 1);
  if (message === undefined) return null;
  if (stays) queue.push(message);
  if (queue.length === 0) {
    network.busy[slot] = network.busy.at(-1) ?? 0;
    network.busy.pop();
  }
  if (isDown || network.isCut[link] || (!isHealed && random.chance(faults.loss))) return null;
  return message;
}

/**
 * Cuts one direction, one pair, one group or the `leader` (a member's place, or null) off, or heals
 * everything.
 */
export function changePartition(network: Network, random: Random, leader: number | null): string {
  const count = network.memberCount;
  const dice = random.below(6);
  if (dice < 2) {
    network.isCut.fill(false);
    return "heal all";
  }
  const a = random.below(count);
  const b = random.below(count);
  if (dice === 2) {
    network.isCut[a * count + b] = true;
    return `cut n${a + 1} > n${b + 1}`;
  }
  if (dice === 3) {
    network.isCut[a * count + b] = true;
    network.isCut[b * count + a] = true;
    return `cut n${a + 1} <> n${b + 1}`;
  }
  const isAimed = dice === 5 && leader !== null;
  const group = isAimed ? 1 << (leader ?? 0) : random.below(1 << count);
  const bothWays = random.chance(0.7);
  cutGroup(network, group, bothWays);
  return `cut group ${group.toString(2)}${bothWays ? "" : " one way"}`;
}

function cutGroup(network: Network, group: number, bothWays: boolean): void {
  const count = network.memberCount;
  for (let from = 0; from < count; from++) {
    for (let to = 0; to < count; to++) {
      const leaves = ((group >> from) & 1) === 1 && ((group >> to) & 1) === 0;
      if (!leaves) continue;
      network.isCut[from * count + to] = true;
      if (bothWays) network.isCut[to * count + from] = true;
    }
  }
}

/** From now on the network is perfect; what is in the queues arrives. */
export function healNetwork(network: Network): void {
  network.isHealed = true;
  network.isCut.fill(false);
  network.ancient.length = 0;
}
