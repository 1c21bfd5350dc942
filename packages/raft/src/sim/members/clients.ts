/**
 * The clients of a world: each asks one member after another, waits for an answer or gives up, and
 * everything it saw goes into the history.
 */
import { assert, QuorateError } from "../../base/index.ts";
import type { Random } from "../random.ts";
import type { Ask } from "./load.ts";
import type { OpenRequest, SimMember } from "./sim-member.ts";
import type { World } from "./world.ts";

/** Client timeouts without an answer after which a client gives up by its own clock. */
const patience = 4;

export class Client {
  readonly number: number;
  /** Requests answered with a result. */
  completed = 0;
  /** Of them, writes. */
  written = 0;
  isStopped = false;
  readonly #world: World;
  readonly #random: Random;
  #member: SimMember | null = null;
  #underWay: ClientRequest[] = [];

  constructor(world: World, number: number, random: Random) {
    this.#world = world;
    this.number = number;
    this.#random = random;
  }

  get underWayCount(): number {
    return this.#underWay.length;
  }

  /** Begins to ask, and goes on for ever. */
  run(): void {
    const { thinkMs } = this.#world.options.clients;
    const delayMs = thinkMs * 2 * this.#random.unit();
    this.#world.hosts.timeline.after(delayMs, () => {
      this.#giveUp();
      const { pipeline } = this.#world.options.clients;
      if (!this.isStopped && this.#underWay.length < pipeline) this.askOnce();
      this.run();
    });
  }

  /** Asks its member, or another one; nothing if none is there. */
  askOnce(): void {
    const member = this.#choose();
    if (member === null) return;
    const { load } = this.#world;
    this.ask(member, load.next(this.#random, this.#world.nextRequestId()));
  }

  ask(member: SimMember, ask: Ask<unknown>): void {
    const request = new ClientRequest(this.#world, this, member, ask);
    this.#underWay.push(request);
    const { leases } = this.#world.options.features;
    const isLinearizable = leases !== null && ask.kind === "read";
    if (isLinearizable) request.byLease = this.#random.chance(leases.readShare);
    member.life?.enter(() => request.send());
  }

  #choose(): SimMember | null {
    const isGood = this.#member !== null && this.#world.takesRequests(this.#member);
    if (isGood && !this.#random.chance(0.05)) return this.#member;
    const { members } = this.#world;
    const start = this.#random.below(members.length);
    for (let offset = 0; offset < members.length; offset++) {
      const member = members[(start + offset) % members.length];
      if (member === undefined || !this.#world.takesRequests(member)) continue;
      this.#member = member;
      return member;
    }
    return null;
  }

  #giveUp(): void {
    const { nowMs, options } = this.#world;
    const limitMs = patience * options.clients.timeoutMs;
    for (const request of [...this.#underWay]) {
      if (nowMs - request.calledMs > limitMs) request.giveUp();
    }
  }

  /** @internal called by its requests */
  onDone(request: ClientRequest, isOk: boolean): void {
    const at = this.#underWay.indexOf(request);
    if (at >= 0) this.#underWay.splice(at, 1);
    if (isOk) this.completed++;
    if (isOk && request.isWrite) this.written++;
    if (isOk) return;
    if (this.#random.chance(0.5)) this.#member = null;
  }
}

/** One operation, from the call to the return. */
class ClientRequest implements OpenRequest {
  readonly calledMs: number;
  deadlineMs: number = Number.POSITIVE_INFINITY;
  /** The member has answered. */
  isSettled = false;
  /** Of a read: a lease of the leader is enough. */
  byLease = false;
  readonly #world: World;
  readonly #client: Client;
  readonly #member: SimMember;
  readonly #ask: Ask<unknown>;
  readonly #id: number;
  #isSent = false;
  /** The client has its answer, or waits no more. */
  #isOver = false;

  constructor(world: World, client: Client, member: SimMember, ask: Ask<unknown>) {
    this.#world = world;
    this.#client = client;
    this.#member = member;
    this.#ask = ask;
    this.calledMs = world.nowMs;
    this.#id = world.recorder.call(client.number, ask.kind, ask.input, world.nowMs);
    member.requests.push(this);
  }

  get isWrite(): boolean {
    return this.#ask.kind === "write";
  }

  /** Inside the member's process. */
  send(): void {
    const { opened, machines, life } = this.#member;
    if (opened === null || machines === null || life === null || this.#isOver) {
      this.isSettled = true;
      this.#fail("nobody there");
      return;
    }
    this.#isSent = true;
    const { timeoutMs } = this.#world.options.clients;
    this.deadlineMs = life.ports.clock.nowMs() + timeoutMs;
    if (this.#ask.kind === "write") this.#write(timeoutMs);
    else if (this.#ask.kind === "read") this.#read(timeoutMs);
    else {
      opened.member.snapshots.whenReadable(() => {
        this.isSettled = true;
        if (opened.member.isRunning) this.#answerRead();
        else this.#fail("stopped");
      });
    }
  }

  /** The process has ended. */
  abandon(): void {
    this.isSettled = true;
    if (this.#isSent) this.#info("the member's process ended");
    else this.#fail("the member's process ended before it was asked");
  }

  giveUp(): void {
    if (this.#isSent) this.#info("given up");
    else this.#fail("given up before it was asked");
  }

  #write(timeoutMs: number): void {
    const { opened, machines, life } = this.#member;
    assert(opened !== null && machines !== null && life !== null, "it was looked at just now");
    const data = this.#encode(life.ports.clock.wallMs());
    if (data === null) return;
    const request = opened.member.propose(data, timeoutMs, (error, raw) => {
      if (!this.#settle()) return;
      if (error !== null) this.#refused(error);
      else if (!(request instanceof QuorateError))
        this.#ok(machines.result(raw, this.#ask.input), request.index);
    });
    if (request instanceof QuorateError && this.#settle()) this.#refused(request);
  }

  #encode(wallMs: number): Uint8Array | null {
    try {
      return this.#member.machines?.encode(this.#ask.input, wallMs) ?? null;
    } catch (error) {
      this.#world.fail(error);
      return null;
    }
  }

  #read(timeoutMs: number): void {
    const { opened } = this.#member;
    assert(opened !== null, "it was looked at just now");
    const done = (error: QuorateError | null): void => {
      if (!this.#settle()) return;
      if (error !== null) this.#refused(error);
      else this.#answerRead();
    };
    const request = opened.member.read(timeoutMs, done, this.byLease);
    if (request instanceof QuorateError && this.#settle()) this.#refused(request);
  }

  #answerRead(): void {
    const { machines, applied } = this.#member;
    if (machines === null) this.#fail("nobody there");
    else this.#world.guard(() => this.#ok(machines.answer(this.#ask.input), applied));
  }

  /** False: an answer that comes a second time, which is noted as a failure. */
  #settle(): boolean {
    const { evaluations } = this.#world;
    evaluations.R++;
    if (this.isSettled) {
      this.#world.broken("R", `request ${this.#id} is answered twice`);
      return false;
    }
    this.isSettled = true;
    return true;
  }

  #refused(error: QuorateError): void {
    this.#world.countOutcome(error.code, error.outcome);
    if (error.outcome === "not-applied") this.#fail(error.code);
    else this.#info(error.code);
  }

  #ok(result: unknown, revision: number | null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#world.recorder.ok(this.#id, result, revision, this.#world.nowMs);
    this.#client.onDone(this, true);
  }

  #fail(why: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#world.recorder.fail(this.#id, why, this.#world.nowMs);
    this.#client.onDone(this, false);
  }

  #info(why: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#world.recorder.info(this.#id, why, this.#world.nowMs);
    this.#client.onDone(this, false);
  }
}
