/**
 * What operators do to the members in the first phase, besides what befalls them: they ask for the
 * leadership to go to another one, and stop members that hand over first.
 */
import { type NodeId, QuorateError } from "../../base/index.ts";
import type { Random } from "../random.ts";
import { expect } from "./invariants.ts";
import { electionMaxMs } from "./options.ts";
import type { OpenRequest, SimMember } from "./sim-member.ts";
import type { World } from "./world.ts";

export class Operator {
  readonly #world: World;
  readonly #random: Random;
  #isOver = false;

  constructor(world: World, random: Random) {
    this.#world = world;
    this.#random = random;
  }

  run(): void {
    const { transfers } = this.#world.options.features;
    if (transfers !== null) this.#arm(transfers.rate, () => this.#handOver(transfers.stopShare));
  }

  /** Asks for nothing any more. */
  end(): void {
    this.#isOver = true;
  }

  /** `rate`: times per longest election timeout. */
  #arm(rate: number, act: () => void): void {
    const delayMs = (electionMaxMs(this.#world.options) / rate) * 2 * this.#random.unit();
    this.#world.hosts.timeline.after(delayMs, () => {
      if (this.#isOver) return;
      act();
      this.#arm(rate, act);
    });
  }

  /** Mostly of the leader; others refuse it. */
  #handOver(stopShare: number): void {
    const { members } = this.#world;
    const random = this.#random;
    const leader = members.find(({ raft }) => raft?.role === "leader");
    const other = members[random.below(members.length)];
    const target = members[random.below(members.length)];
    const asked = leader === undefined || random.chance(0.1) ? other : leader;
    const to = random.chance(0.5) ? null : (target?.id ?? null);
    const stops = random.chance(stopShare);
    if (asked === undefined || asked.state !== "up") return;
    const { timeoutMs } = this.#world.options.clients;
    this.#world.note(stops ? "hand-over" : "transfer", asked.id, to);
    asked.life?.enter(() => {
      const mayStop = () => stops && !this.#isOver;
      new TransferCall(this.#world, asked, mayStop).send(to, timeoutMs);
    });
  }
}

/** One request to hand over, until it is answered. */
class TransferCall implements OpenRequest {
  deadlineMs: number = Number.POSITIVE_INFINITY;
  isSettled = false;
  readonly #world: World;
  readonly #member: SimMember;
  /** Whether it stops once it has the answer. */
  readonly #mayStop: () => boolean;

  constructor(world: World, member: SimMember, mayStop: () => boolean) {
    this.#world = world;
    this.#member = member;
    this.#mayStop = mayStop;
  }

  /** Inside the member's process. */
  send(to: NodeId | null, timeoutMs: number): void {
    const { opened, life } = this.#member;
    if (opened === null || life === null) return;
    this.deadlineMs = life.ports.clock.nowMs() + timeoutMs;
    this.#member.requests.push(this);
    const request = opened.member.transferLeadership(to, timeoutMs, (error, leader) =>
      this.#onAnswer(error, leader ?? null, to),
    );
    if (request instanceof QuorateError) this.#onAnswer(request, null, to);
  }

  abandon(): void {
    this.isSettled = true;
  }

  #onAnswer(error: QuorateError | null, leader: NodeId | null, to: NodeId | null): void {
    const { evaluations, hosts } = this.#world;
    const { id } = this.#member;
    const isFirst = !this.isSettled;
    this.isSettled = true;
    this.#world.guard(() => {
      expect(evaluations, "R", isFirst, () => `${id} answers twice who leads now`);
      if (error !== null) return;
      const isIt = leader !== null && (to === null || leader === to);
      expect(evaluations, "T", isIt, () => `${id} was to hand over to ${to}: ${leader} leads`);
    });
    const what = error === null ? "done" : error.outcome;
    hosts.faults.add(`transfers.${what}`);
    if (!this.#mayStop()) return;
    hosts.faults.add("transfers.then-stopped");
    this.#member.stop();
  }
}
