/**
 * The leadership is passed on twice while a member is cut off that still takes the first of the
 * leaders for alive. The first that it hears of all that is the last candidate's request.
 */
import {
  cutOff,
  deliver,
  elect,
  followersOf,
  heal,
  leaderOf,
  linkOf,
  type Plan,
  type Stage,
  wait,
} from "./plan-steps.ts";
import type { Host } from "./world.ts";

export function* passOn(stage: Stage): Plan {
  const { world, random } = stage;
  const first = leaderOf(world, world.hosts);
  if (first === null) return;
  const [deaf, ...rest] = followersOf(stage, first);
  if (deaf === undefined) return;
  const others = [first, ...rest];
  const isHeard = (): boolean => deaf.raft?.leader === first.id;
  if (!(yield* wait(stage, [first, deaf], [first], isHeard))) return;
  yield cutOff(world, [deaf]);
  let leader: Host | null = first;
  for (let rest = 2; rest > 0 && leader !== null; rest--) {
    const targets: readonly Host[] = others.filter((host) => host !== leader);
    const to: Host | undefined = targets[random.below(targets.length)];
    if (to === undefined) break;
    leader = yield* handOver(stage, leader, to, others);
  }
  yield heal;
  if (leader !== null) yield* ask(stage, leader, deaf);
}

function* handOver(stage: Stage, from: Host, to: Host, others: readonly Host[]): Plan<Host | null> {
  const term = from.raft?.hardState.term ?? 0;
  yield { kind: "hand-over", at: from.at, to: to.at, takes: true };
  if (from.raft?.leadership?.transfer == null) return null;
  return yield* elect(stage, others, term);
}

/** Its request for a vote, before anything else that it sent. */
function* ask(stage: Stage, candidate: Host, host: Host): Plan {
  const { hosts, network } = stage.world;
  const link = linkOf(hosts, candidate, host);
  const place = (network.queues[link] ?? []).findLastIndex(({ kind }) => kind === "request-vote");
  if (place >= 0) yield deliver(stage, link, place);
}
