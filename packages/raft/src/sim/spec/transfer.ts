/** How a leader hands its leadership to another. @thesis §3.10 */
import { configurationOf, describeConfiguration } from "./configurations.ts";
import { checkMayStand, stand } from "./elections.ts";
import { checkDelivered } from "./network.ts";
import type { Server, SpecTimeoutNow } from "./specification.ts";
import {
  change,
  isVoter,
  ledNow,
  lifeOf,
  memberOf,
  noteCaughtUp,
  refuse,
  type World,
} from "./world.ts";

export function startTransfer(world: World, server: Server, target: Server): void {
  const led = ledNow(world, server, "§3.10, a leader hands its leadership over");
  const { transferTo } = memberOf(world, server);
  if (transferTo !== null) {
    refuse(`§3.10, one transfer at a time: server ${server} has one to ${transferTo}.`);
  }
  const configuration = configurationOf(world, server);
  if (!isVoter(configuration, target) || target === server) {
    refuse(
      `§3.10, another voter takes over, not ${target} from ${server} of ` +
        `${describeConfiguration(configuration)}.`,
    );
  }
  led.mayTakeOver.delete(target);
  led.promises.clear();
  led.leaseFromRound = Number.POSITIVE_INFINITY;
  change(world, server, { transferTo: target });
  noteCaughtUp(world, server, led);
}

export function endTransfer(world: World, server: Server): void {
  if (memberOf(world, server).transferTo === null) {
    refuse(`§3.10, server ${server} hands no leadership over.`);
  }
  const led = ledNow(world, server, "§3.10, a leader gives a transfer up");
  led.leaseFromRound = led.round + 1;
  change(world, server, { transferTo: null });
}

export function timeoutNow(world: World, server: Server, request: SpecTimeoutNow): void {
  checkDelivered(world, server, request);
  const { role, currentTerm } = memberOf(world, server);
  const { term, from } = request;
  if (term !== currentTerm) {
    refuse(`§3.10, an order of term ${term} to server ${server}, which is in term ${currentTerm}.`);
  }
  if (role !== "follower" || lifeOf(world, server).heard.get(term)?.leader !== from) {
    refuse(`§3.10, server ${server} is a ${role} of term ${term} and not led by ${from}.`);
  }
  checkMayStand(world, server, "§3.10, who is to take over stands");
  stand(world, server);
  lifeOf(world, server).ordered.add(term + 1);
}
