/** Which change of the members is tried next. */
import type { NodeId } from "../../base/index.ts";
import { type Configuration, type MemberChange, planChange } from "../../core/index.ts";
import { pick, type Random } from "../random.ts";
import type { Host, World } from "./world.ts";

type Draw = (world: World, now: Configuration, random: Random) => MemberChange[];

const draws: readonly [Draw, ...Draw[]] = [
  (world, _, random) => [drawAdd(world, random)],
  (world, _, random) => [drawAdd(world, random)],
  (_, now, random) => drawStep(now, random),
  (_, now, random) => drawStep(now, random),
  (_, now, random) => drawStep(now, random),
  (world, now, random) => [drawAdd(world, random), ...drawStep(now, random)],
  (world, now, random) => [
    ...drawStep(now, random),
    ...drawStep(now, random),
    drawAdd(world, random),
  ],
  (_, now, random) => [...drawStep(now, random), ...drawStep(now, random)],
];

/**
 * Steps of a change for `leader`, which may refuse them; null: not one that leaves enough members
 * that vote. What a cluster loses by damaged disks it could not get back by any change.
 */
export function drawChanges(world: World, leader: Host, random: Random): MemberChange[] | null {
  const now = leader.raft?.configuration;
  if (now === undefined) return null;
  const changes = pick(random, draws)(world, now, random);
  return isSafe(world, now, changes) ? changes : null;
}

/** Also one that was removed, and is refused for that. */
function drawAdd({ hosts }: World, random: Random): MemberChange {
  const id = hosts[random.below(hosts.length)]?.id ?? ("n1" as NodeId); // there are members
  return { kind: "add", id, address: `${id}:1`, as: random.chance(0.6) ? "voter" : "learner" };
}

/** Something that happens to a member; nothing if there is none. */
function drawStep({ voters, learners }: Configuration, random: Random): MemberChange[] {
  const places = random.chance(0.5) && learners.length > 0 ? learners : voters;
  const member = places[random.below(places.length)];
  if (member === undefined) return [];
  const { id, address } = member;
  const dice = random.below(8);
  if (dice === 0) return [{ kind: "update-address", id, address: `${address}+` }];
  if (dice < 6) return [{ kind: places === learners ? "promote" : "demote", id }];
  return [{ kind: "remove", id }];
}

/** A change that is refused is safe. */
function isSafe(world: World, now: Configuration, changes: readonly MemberChange[]): boolean {
  const plan = planChange(now, changes);
  if (plan.kind === "refused") return true;
  const { voters, outgoing } = plan.configuration;
  return [voters, outgoing ?? voters].every((half) => {
    const sound = half.filter(({ id }) => {
      const at = world.byId.get(id)?.at;
      return at !== undefined && !world.checker.image(at).mustCatchUp;
    });
    return 2 * sound.length > half.length;
  });
}
