/**
 * Interprets the commands of the stories: real cores in a lab whose network, disks and timers do
 * what the story says and nothing else. Each command answers with the messages that left, what slow
 * disks have to write, reads that were answered, and the members that changed, in this order; with
 * `quietly` messages are not printed.
 *
 *     nodes n1,n2 leader=n1 last=1/12 pre-vote=off    a cluster; every setting under its name in
 *     kebab-case member n1 log=1x3,4x2 term=5 voted=n2 commit=3  one with a log of its own, as if
 *     recovered elapse n1,n2 election-timeouts=1 | heartbeats=1 | ticks=3
 *     deliver | drop | network | settle | repeat [from= to= kind= round=]   of the messages under
 *     way propose n1 text | count=5 bytes=100 [together]; read n1 ids=1,2
 *     disk n1 slow | fast; persist n1 [units=1]; crash n1; restart n1 [must-catch-up] [lose-from=3]
 *     request-vote, request-vote-response, append: a message made by hand; partition n1 n2,n3; cut
 *     n1 n2; heal run ticks=10: everybody who is up ticks, and all is delivered
 *     leader-gone n2,n3 peer=n1: their hosts saw it; wake n2: the time it asked for has passed
 *     lease-read n1 id=1 [after-ms=50]; pass n1 ms=500: its clock goes on, and it does nothing
 *     transfer n1 [to=n2]; disk-health n1 bad | good; timeout-now: a message made by hand
 *     request-vote, request-vote-response, append: a message made by hand; partition n1 n2,n3; heal
 *     snapshot n1; compact n1 [index=5]; fetch n2 [from=n3] [report=lost | failed | moving]
 *     (what n2 was offered arrives whole there; `failed` and `moving`: only the leader hears that)
 *     give n2 from=n3   n2 gets n3's snapshot unasked
 *     join n4; change n1 add=n4 add-learner=n5 promote= demote= remove=n1,n2; members [n1,n2]
 *     status; log n1; progress n1
 */
import { term } from "../../src/base/index.ts";
import {
  type ChangeRefusal,
  describeConfiguration,
  describeEffect,
  describeMember,
  describeMessage,
  describePosition,
  describeProgress,
  type Effect,
  type MemberChange,
  type Message,
  type RequestVoteResponse,
  type Settings,
} from "../../src/core/index.ts";
import {
  add,
  append,
  type Choice,
  changeAt,
  compact,
  crash,
  createLab,
  cutLink,
  deliver,
  demote,
  drop,
  elect,
  giveSnapshot,
  heal,
  joinMember,
  type Lab,
  type LabMember,
  labSettings,
  leaseReadAt,
  memberOf,
  partition,
  pass,
  persist,
  placeMember,
  promote,
  proposeAt,
  readAt,
  receive,
  receiveSnapshot,
  remove,
  report,
  requestVote,
  restart,
  seeGone,
  setDisk,
  setDiskHealth,
  settle,
  sourceOf,
  takeOffer,
  takeSnapshot,
  termsOf,
  tick,
  timeOut,
  timeoutNow,
  transferAt,
  wake,
} from "../lab/index.ts";
import { parseCommand, type StoryCommand } from "./story-file.ts";

interface World {
  lab: Lab;
  /** What the current command has printed. */
  lines: string[];
  /** How each member was last printed. */
  readonly told: Map<string, string>;
}

type Handler = (world: World, command: StoryCommand) => void;

const handlers: Readonly<Record<string, Handler>> = {
  nodes: onNodes,
  member: onMember,
  elapse: onElapse,
  deliver: (world, command) => {
    const count = command.named.get("times");
    for (let i = 0; i < Number(count ?? 1); i++) deliver(world.lab, choiceOf(command));
  },
  settle: (world, command) => quietly(world, () => settle(world.lab, choiceOf(command))),
  drop: (world, command) => printMessages(world, drop(world.lab, choiceOf(command)), " (lost)"),
  network: (world, command) =>
    printMessages(world, world.lab.network.filter(choiceOf(command)), ""),
  repeat: (world, command) => {
    for (const message of world.lab.network.filter(choiceOf(command))) receive(world.lab, message);
  },
  run: (world, command) =>
    quietly(world, () => {
      const up = [...world.lab.members.values()].filter(({ isUp }) => isUp);
      for (let i = 0; i < numberOf(command, "ticks"); i++) {
        for (const { id } of up) tick(world.lab, id);
        settle(world.lab);
      }
    }),
  propose: onPropose,
  join: (world, command) => joinMember(world.lab, nodeOf(command)),
  change: onChange,
  members: (world, command) => {
    const names = command.positional[0]?.split(",") ?? [...world.lab.members.keys()];
    for (const name of names) world.lines.push(describeMembers(world, name));
  },
  snapshot: (world, command) => {
    const { position } = takeSnapshot(world.lab, nodeOf(command));
    world.lines.push(`${nodeOf(command)} takes a snapshot at ${describePosition(position)}`);
  },
  compact: (world, command) => {
    const index = command.named.get("index");
    compact(world.lab, nodeOf(command), index === undefined ? undefined : Number(index));
  },
  fetch: onFetch,
  give: (world, command) => {
    const { snapshot, hardState } = memberOf(world.lab, required(command, "from")).image;
    if (snapshot === null) throw new Error("who gives a snapshot has one");
    giveSnapshot(world.lab, nodeOf(command), snapshot, hardState.term);
  },
  read: (world, command) => {
    const ids = namedOr(command, "ids", "1").split(",").map(Number);
    readAt(world.lab, nodeOf(command), ...ids);
  },
  "lease-read": (world, command) => {
    const afterMs = Number(namedOr(command, "after-ms", "0"));
    leaseReadAt(world.lab, nodeOf(command), numberOf(command, "id"), afterMs);
  },
  pass: (world, command) => void pass(world.lab, nodeOf(command), numberOf(command, "ms")),
  disk: (world, command) => {
    const speed = command.positional[1];
    if (speed !== "slow" && speed !== "fast") throw new Error(`a disk is slow or fast: ${speed}`);
    setDisk(world.lab, nodeOf(command), speed);
  },
  persist: (world, command) => {
    const units = command.named.get("units");
    persist(world.lab, nodeOf(command), units === undefined ? undefined : Number(units));
  },
  "request-vote": (world, command) => {
    const { from, to } = endsOf(command);
    const last = positionOf(required(command, "last"));
    const isPre = command.positional.includes("pre");
    receive(world.lab, requestVote(from, to, numberOf(command, "term"), last, isPre));
  },
  "request-vote-response": onRequestVoteResponse,
  append: onAppend,
  crash: (world, command) => {
    crash(world.lab, nodeOf(command));
    world.lines.push(`${nodeOf(command)} is down`);
  },
  restart: onRestart,
  transfer: (world, command) => {
    const at = world.lines.length;
    const result = transferAt(world.lab, nodeOf(command), command.named.get("to") ?? null);
    const said = result.kind === "started" ? `to ${result.to}` : `refused (${result.why})`;
    world.lines.splice(at, 0, said);
  },
  "timeout-now": (world, command) => {
    const { from, to } = endsOf(command);
    const round = numberOf(command, "round");
    receive(world.lab, timeoutNow(from, to, numberOf(command, "term"), round));
  },
  "leader-gone": (world, command) => {
    for (const name of nodeOf(command).split(",")) {
      seeGone(world.lab, name, required(command, "peer"));
    }
  },
  wake: (world, command) => wake(world.lab, nodeOf(command)),
  "disk-health": (world, command) =>
    setDiskHealth(world.lab, nodeOf(command), command.positional[1] === "good"),
  partition: (world, command) =>
    partition(world.lab, ...command.positional.map((group) => group.split(","))),
  cut: (world, command) => cutLink(world.lab, nodeOf(command), command.positional[1] ?? ""),
  heal: (world) => heal(world.lab),
  status: (world, command) => {
    const chosen = command.positional;
    for (const member of world.lab.members.values()) {
      if (chosen.length === 0 || chosen.includes(member.id)) world.lines.push(describe(member));
    }
  },
  log: (world, command) => world.lines.push(describeLog(world, nodeOf(command))),
  progress: onProgress,
};

/** A world without members, until the story says `nodes`. */
export function createStoryWorld(): { run(command: string): string } {
  const world: World = { lab: createLab([]), lines: [], told: new Map() };
  return {
    run: (line) => {
      const command = parseCommand(line);
      const handler = handlers[command.name];
      if (handler === undefined) throw new Error(`there is no command ${command.name}`);
      world.lines = [];
      handler(world, command);
      if (command.positional.includes("quietly")) {
        world.lines = world.lines.filter((line) => !line.includes(" -> "));
      }
      printChanges(world);
      return world.lines.length === 0 ? "ok" : world.lines.join("\n");
    },
  };
}

// --- commands with more to say -------------------------------------------------------------------

function onNodes(world: World, command: StoryCommand): void {
  const names = (command.positional[0] ?? "").split(",");
  const [lastTerm, lastIndex] = positionOf(namedOr(command, "last", "1/1"));
  const terms = Array.from({ length: lastIndex }, () => lastTerm);
  const own = prioritiesOf(command);
  world.lab = createLab(names, { settings: settingsOf(command), own, terms });
  const leader = command.named.get("leader");
  if (leader !== undefined) elect(world.lab, leader);
  world.lab.onLeave = (message) => world.lines.push(describeMessage(message));
  world.lab.onEffect = (member, effect) => printEffect(world, member, effect);
  for (const member of world.lab.members.values()) world.told.set(member.id, describe(member));
}

/**
 * `member n1 log=1x3,4x2 term=8 voted=n2 commit=3`: a member with a log of its own, as if
 * recovered.
 */
function onMember(world: World, command: StoryCommand): void {
  const name = nodeOf(command);
  const terms = required(command, "log").split(",").flatMap(termsOfRun);
  placeMember(world.lab, name, [...world.lab.members.keys()], {
    terms,
    commit: Number(namedOr(command, "commit", "1")),
    term: Number(namedOr(command, "term", String(terms.at(-1)))),
    votedFor: command.named.get("voted") ?? null,
  });
}

function termsOfRun(run: string): number[] {
  const [value, count] = run.split("x");
  return Array.from({ length: Number(count ?? 1) }, () => Number(value));
}

function onElapse(world: World, command: StoryCommand): void {
  const { lab } = world;
  for (const name of (command.positional[0] ?? "").split(",")) {
    for (let i = 0; i < Number(namedOr(command, "election-timeouts", "0")); i++) timeOut(lab, name);
    const heartbeats = Number(namedOr(command, "heartbeats", "0"));
    tick(lab, name, heartbeats * lab.settings.heartbeatTicks);
    tick(lab, name, Number(namedOr(command, "ticks", "0")));
  }
}

function onPropose(world: World, command: StoryCommand): void {
  const count = Number(namedOr(command, "count", "1"));
  const words = command.positional.slice(1).filter((word) => word !== "together");
  const text = words[0] ?? "x".repeat(Number(namedOr(command, "bytes", "1")));
  const isBatch = command.positional.includes("together");
  const batches = isBatch
    ? [Array.from({ length: count }, () => text)]
    : Array.from({ length: count }, () => [text]);
  for (const commands of batches) {
    const at = world.lines.length;
    const result = proposeAt(world.lab, nodeOf(command), ...commands);
    const said =
      result.kind === "refused"
        ? `refused (${result.why})`
        : `appended ${describePosition({ term: result.term, index: result.first })}`;
    world.lines.splice(at, 0, said);
  }
}

/** `transfer n2 report=moving`: the offer stands; else it is done with. */
function onFetch(world: World, command: StoryCommand): void {
  const { lab } = world;
  const peer = nodeOf(command);
  const said = command.named.get("report") ?? "sent";
  if (said === "moving") {
    const offer = lab.offers.find((one) => one.peer === peer);
    if (offer === undefined) throw new Error(`${peer} was offered nothing`);
    report(lab, offer, "snapshot-moving");
    return;
  }
  const offer = takeOffer(lab, peer);
  if (said === "failed") {
    report(lab, offer, "snapshot-failed");
    return;
  }
  receiveSnapshot(lab, offer, sourceOf(lab, offer, command.named.get("from")));
  if (said === "sent") report(lab, offer, "snapshot-sent");
}

/** `change n1 remove=n2,n3 add=n4`: one change of all that is named, in this order. */
function onChange(world: World, command: StoryCommand): void {
  const changes: MemberChange[] = [];
  for (const [what, names] of command.named) {
    const make = changesByName[what];
    if (make === undefined) throw new Error(`there is no change ${what}`);
    changes.push(...names.split(",").map((name) => make(name)));
  }
  const at = world.lines.length;
  const result = changeAt(world.lab, nodeOf(command), ...changes);
  const said =
    result.kind === "refused"
      ? `refused (${describeRefusal(result)})`
      : `appended ${describePosition(result)}`;
  world.lines.splice(at, 0, said);
}

const changesByName: Readonly<Record<string, (name: string) => MemberChange>> = {
  add: (name) => add(name),
  "add-learner": (name) => add(name, "learner"),
  promote,
  demote,
  remove,
};

function describeRefusal(refusal: ChangeRefusal): string {
  if (refusal.why !== "would-lose-quorum") return refusal.why;
  const { half, voters, needed, ready, unready } = refusal.loss;
  const names = unready.map(({ id, why }) => `${id} ${why}`).join(", ");
  const has = `${ready} of ${voters} ${half} voters ready`;
  return `would-lose-quorum: ${has}, ${needed} needed; ${names}`;
}

function onRequestVoteResponse(world: World, command: StoryCommand): void {
  const { from, to } = endsOf(command);
  const refused = command.named.get("refused") ?? null;
  const request = requestVote(from, to, numberOf(command, "term"), [0, 0]);
  receive(world.lab, {
    ...request,
    kind: "request-vote-response",
    pre: command.positional.includes("pre"),
    campaignTerm: term(numberOf(command, "for")),
    // The story says one of the reasons; the core does not look at which.
    refused: refused as RequestVoteResponse["refused"],
  });
}

function onAppend(world: World, command: StoryCommand): void {
  const { from, to } = endsOf(command);
  const terms = command.named.get("terms");
  const message = append(from, to, numberOf(command, "term"), {
    prev: positionOf(required(command, "prev")),
    terms: terms === undefined ? [] : terms.split(",").flatMap(termsOfRun),
    commit: Number(namedOr(command, "commit", "0")),
    round: Number(namedOr(command, "round", "1")),
    sequence: Number(namedOr(command, "sequence", "1")),
  });
  receive(world.lab, message);
}

function onRestart(world: World, command: StoryCommand): void {
  const loseFrom = command.named.get("lose-from");
  restart(world.lab, nodeOf(command), {
    mustCatchUp: command.positional.includes("must-catch-up"),
    ...(loseFrom === undefined ? {} : { loseFrom: Number(loseFrom) }),
  });
}

function onProgress(world: World, command: StoryCommand): void {
  const peers = memberOf(world.lab, nodeOf(command)).raft.leadership?.peers ?? new Map();
  for (const [peer, progress] of peers) world.lines.push(`${peer} ${describeProgress(progress)}`);
}

// --- printing ------------------------------------------------------------------------------------

const news: ReadonlySet<Effect["kind"]> = new Set([
  ...(["read-answered", "configuration-changed", "transfer-ended", "wake-in"] as const),
  ...(["install-snapshot", "snapshot-refused", "snapshot-needed"] as const),
]);

function printEffect(world: World, member: LabMember, effect: Effect): void {
  const isSlowWrite = effect.kind === "persist" && member.disk === "slow";
  if (!isSlowWrite && !news.has(effect.kind)) return;
  world.lines.push(`${member.id} ${describeEffect(effect)}`);
}

function printMessages(world: World, messages: readonly Message[], suffix: string): void {
  for (const message of messages) world.lines.push(`${describeMessage(message)}${suffix}`);
}

/** Messages come and go without being printed; answers to reads stay. */
function quietly(world: World, run: () => void): void {
  const { onLeave } = world.lab;
  world.lab.onLeave = () => {};
  run();
  world.lab.onLeave = onLeave;
}

function printChanges(world: World): void {
  for (const member of world.lab.members.values()) {
    const now = describe(member);
    if (world.told.get(member.id) === now || !member.isUp) continue;
    world.told.set(member.id, now);
    if (!world.lines.includes(now)) world.lines.push(now);
  }
}

function describe(member: LabMember): string {
  return member.isUp ? describeMember(member.raft) : `${member.id} is down`;
}

/** Runs of terms: `n1 log=1x3,4x2 durable=5`. */
function describeLog(world: World, name: string): string {
  const runs: { of: number; count: number }[] = [];
  for (const of of termsOf(world.lab, name)) {
    const run = runs.at(-1);
    if (run?.of === of) run.count++;
    else runs.push({ of, count: 1 });
  }
  const text = runs.map(({ of, count }) => (count === 1 ? `${of}` : `${of}x${count}`)).join(",");
  return `${name} log=${text} durable=${memberOf(world.lab, name).raft.durableIndex}`;
}

/** What is in force, such as `n1 3 voters=n1,n2 outgoing=n1 committed=1`. */
function describeMembers(world: World, name: string): string {
  const { raft } = memberOf(world.lab, name);
  const what = `${raft.configurationIndex} ${describeConfiguration(raft.configuration)}`;
  return `${name} ${what} committed=${raft.committedConfigurationIndex}`;
}

// --- arguments -----------------------------------------------------------------------------------

function nodeOf(command: StoryCommand): string {
  const name = command.positional[0];
  if (name === undefined) throw new Error(`${command.name} needs a member's name`);
  return name;
}

function required(command: StoryCommand, name: string): string {
  const value = command.named.get(name);
  if (value === undefined) throw new Error(`${command.name} needs ${name}=`);
  return value;
}

function namedOr(command: StoryCommand, name: string, otherwise: string): string {
  return command.named.get(name) ?? otherwise;
}

function numberOf(command: StoryCommand, name: string): number {
  return Number(required(command, name));
}

function endsOf(command: StoryCommand): { from: string; to: string } {
  return { from: required(command, "from"), to: required(command, "to") };
}

function positionOf(text: string): [term: number, index: number] {
  const [ofTerm, index] = text.split("/").map(Number);
  if (ofTerm === undefined || index === undefined) throw new Error(`${text} is not term/index`);
  return [ofTerm, index];
}

function choiceOf(command: StoryCommand): Choice {
  const { named } = command;
  const isOneOf = (key: string, value: string): boolean =>
    named.get(key)?.split(",").includes(value) ?? true;
  const round = named.get("round");
  return (message) =>
    isOneOf("from", message.from) &&
    isOneOf("to", message.to) &&
    isOneOf("kind", message.kind) &&
    (round === undefined || ("round" in message && message.round === Number(round)));
}

/**
 * `pre-vote=off check-quorum=off append-bytes=100 …`: every setting under its name in kebab-case.
 */
function settingsOf(command: StoryCommand): Partial<Settings> {
  const settings: Record<string, number | boolean> = {};
  for (const [key, value] of Object.entries(labSettings)) {
    const given = command.named.get(key.replaceAll(/[A-Z]/g, (c) => `-${c.toLowerCase()}`));
    if (given === undefined) continue;
    settings[key] = typeof value === "boolean" ? given === "on" : Number(given);
  }
  return settings;
}

/** `priorities=n1:2,n3:0`: of those that have another than the usual one. */
function prioritiesOf(command: StoryCommand): Record<string, Partial<Settings>> {
  const own: Record<string, Partial<Settings>> = {};
  for (const pair of command.named.get("priorities")?.split(",") ?? []) {
    const [name, priority] = pair.split(":");
    if (name !== undefined) own[name] = { priority: Number(priority) };
  }
  return own;
}
