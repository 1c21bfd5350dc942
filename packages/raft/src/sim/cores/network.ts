/**
 * The wires between the cores: a queue for each direction of each pair. Messages are lost, doubled,
 * overtaken, cut off and kept for ever; nothing tells the members.
 */
import type { Message } from "../../core/index.ts";

export interface Network {
  readonly memberCount: number;
  /** From `a` to `b`: at `a * memberCount + b`. */
  readonly queues: Message[][];
  readonly isCut: boolean[];
  /** By member: its process is not running. */
  readonly isDown: boolean[];
  /** Messages that may come at any time, again and again. */
  readonly ancient: Message[];
  /** Links with something in their queue, in no order. */
  readonly busy: number[];
  /** Messages per link; more are dropped, oldest first. Infinite once healed. */
  queueMax: number;
}

/** Messages per link while there are faults. */
const queueMax = 64;
/** Messages kept for ever. */
export const ancientMax = 64;

export function createNetwork(memberCount: number): Network {
  const links = memberCount * memberCount;
  return {
    memberCount,
    queues: Array.from({ length: links }, () => []),
    isCut: new Array<boolean>(links).fill(false),
    isDown: new Array<boolean>(memberCount).fill(false),
    ancient: [],
    busy: [],
    queueMax,
  };
}

export function send(network: Network, link: number, message: Message): void {
  const queue = network.queues[link];
  if (queue === undefined) return;
  if (queue.length === 0) network.busy.push(link);
  queue.push(message);
  if (queue.length > network.queueMax) queue.shift();
}

/** The message at `place` of the link, or null if there is none; it stays there. */
export function look(network: Network, link: number, place: number): Message | null {
  return network.queues[link]?.[place] ?? null;
}

/** Takes the message at `place` of the link out of its queue. */
export function remove(network: Network, link: number, place: number): void {
  const queue = network.queues[link];
  if (queue === undefined) return;
  if (place === 0) queue.shift();
  else queue.splice(place, 1);
  if (queue.length > 0) return;
  const slot = network.busy.indexOf(link);
  network.busy[slot] = network.busy.at(-1) ?? 0;
  network.busy.pop();
}

/** The message at `place` goes to the end of its queue. */
export function requeue(network: Network, link: number, place: number): void {
  const queue = network.queues[link];
  const [message] = queue?.splice(place, 1) ?? [];
  if (message !== undefined) queue?.push(message);
}

/** From now on the network is perfect among those that run; what is in the queues arrives. */
export function healNetwork(network: Network): void {
  network.queueMax = Number.POSITIVE_INFINITY;
  network.isCut.fill(false);
  network.ancient.length = 0;
}
