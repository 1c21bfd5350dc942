/**
 * Appends to one follower are held up on their way, while the others commit, take a snapshot and
 * drop what it stands for. So the leader takes the follower for one that needs a snapshot; then the
 * appends come after all, and what answers them gets mixed up with answers to later questions.
 */
import type { NodeId } from "../../base/index.ts";
import type { Message, Progress } from "../../core/index.ts";
import { ancientMax } from "./network.ts";
import {
  advance,
  areMajority,
  compact,
  deliver,
  followersOf,
  leaderOf,
  leads,
  linkOf,
  type Plan,
  propose,
  type Stage,
  takesOf,
  tick,
  wait,
  work,
} from "./plan-steps.ts";
import type { Host } from "./world.ts";

export function* straggle(stage: Stage): Plan {
  const { world, random } = stage;
  const leader = leaderOf(world, world.hosts);
  if (leader === null) return;
  const followers = followersOf(stage, leader);
  const peer = followers.find(({ id }) => progressOf(leader, id)?.mode === "replicate");
  const others = [leader, ...followers.filter((host) => host !== peer)];
  if (peer === undefined || !areMajority(leader, others)) return;
  const late: Message[] = [];
  for (let count = random.between(2, 4); count > 0; count--) {
    yield propose(stage, leader);
    yield* holdUp(stage, leader, peer, late);
    yield* work(stage, others, random.below(12));
    yield* holdUp(stage, leader, peer, late);
  }
  yield* work(stage, others, 60);
  yield* compact(stage, others, endOf(late));
  yield* holdUp(stage, leader, peer, late);
  const isOffered = (): boolean => progressOf(leader, peer.id)?.offer != null;
  const isOver = (): boolean => isOffered() || !leads(leader);
  yield* wait(stage, [peer, ...others], [leader], isOver);
  if (isOffered()) yield* comeLate(stage, leader, peer, late);
}

function progressOf({ raft }: Host, peer: NodeId): Progress | undefined {
  return raft?.leadership?.peers.get(peer);
}

/** Where the first of those messages ends. */
function endOf([first]: readonly Message[]): number | null {
  return first?.kind === "append-entries" ? first.prev.index + first.entries.length : null;
}

/** What carries entries on this link is kept for later, and the link goes on without it. */
function* holdUp({ world }: Stage, leader: Host, peer: Host, late: Message[]): Plan {
  const { network, hosts } = world;
  const link = linkOf(hosts, leader, peer);
  const queue = network.queues[link] ?? [];
  for (;;) {
    const place = queue.findIndex(carriesEntries);
    const message = queue[place];
    if (message === undefined) return;
    const keep = network.ancient.length < ancientMax ? network.ancient.length : late.length;
    late.push(message);
    yield { kind: "deliver", link, place, fate: "lost", keep, takes: false };
  }
}

function carriesEntries(message: Message): boolean {
  return message.kind === "append-entries" && message.entries.length > 0;
}

function* comeLate(stage: Stage, leader: Host, peer: Host, late: readonly Message[]): Plan {
  const { world, random } = stage;
  const { network, hosts } = world;
  const isAsked = random.chance(0.6);
  const to = linkOf(hosts, leader, peer);
  const back = linkOf(hosts, peer, leader);
  for (const message of late) {
    const slot = network.ancient.indexOf(message);
    if (slot >= 0) yield { kind: "ancient", slot, takes: takesOf(stage) };
    if (isAsked) {
      yield tick(stage, leader);
      if ((network.queues[to]?.length ?? 0) > 0) yield deliver(stage, to, 0);
    }
    yield* work(stage, [peer], random.below(6));
  }
  yield* work(stage, [peer], 10);
  for (let count = network.queues[back]?.length ?? 0; count > 0; count--) {
    // The newest first, mostly.
    const length = network.queues[back]?.length ?? 0;
    const place = random.chance(0.6) ? length - 1 : random.below(length);
    if (length > 0) yield deliver(stage, back, place);
    if (random.chance(0.2)) yield* fail(stage, leader, peer);
  }
  yield* fail(stage, leader, peer);
  for (let steps = random.below(20); steps > 0; steps--) yield advance(stage, [leader, peer]);
}

/** The snapshot is lost, and the leader hears of it. */
function* fail({ world }: Stage, leader: Host, peer: Host): Plan {
  const slot = world.transfers.findIndex(({ from, to }) => from === leader.at && to === peer.at);
  if (slot >= 0) yield { kind: "transfer", slot, fate: "lost", tells: true, takes: true };
}
