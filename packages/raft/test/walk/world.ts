/**
 * Several cores, their disks and the network between them. What can happen to them is in
 * `events.ts`, which of it happens next is decided in `actions.ts` and `liveness.ts`.
 */
import { type LogIndex, type NodeId, nodeId, persistUnit, term } from "../../src/base/index.ts";
import {
  createConfiguration,
  createRaft,
  type Entry,
  encodeConfiguration,
} from "../../src/core/index.ts";
import { createDisk } from "./disk.ts";
import { recall } from "./history.ts";
import { createLedger, type Ledger } from "./ledger.ts";
import { type Member, seenAtStart } from "./member.ts";
import { createNetwork, type Network } from "./network.ts";
import type { WalkOptions } from "./options.ts";
import { createRandom, type Random } from "./random.ts";
import { createTrace, type Trace } from "./trace.ts";

/** How often something happened that is worth a number in the summary. */
export interface Tally {
  elections: number;
  commits: number;
  writes: number;
  readsAnswered: number;
  readsFailed: number;
  crashes: number;
  losses: number;
  delivered: number;
}

export interface World {
  readonly options: WalkOptions;
  /** What happens next. */
  readonly actions: Random;
  /** What goes wrong. */
  readonly faults: Random;
  /** Jitter of timers, boots. */
  readonly hosts: Random;
  readonly members: readonly Member[];
  readonly byId: ReadonlyMap<NodeId, Member>;
  readonly network: Network;
  readonly ledger: Ledger;
  readonly trace: Trace;
  readonly tally: Tally;
  step: number;
  nextCommand: number;
  nextRead: number;
}

export function createWorld(seed: number, options: WalkOptions): World {
  const ledger = createLedger();
  const hosts = createRandom(seed, 4);
  const ids = Array.from({ length: options.memberCount }, (_, at) => nodeId(`n${at + 1}`));
  const members = createMembers(ledger, options, ids, hosts);
  return {
    options,
    actions: createRandom(seed, 2),
    faults: createRandom(seed, 3),
    hosts,
    members,
    byId: new Map(members.map((member) => [member.id, member])),
    network: createNetwork(options.memberCount, options.faults),
    ledger,
    trace: createTrace(),
    tally: {
      elections: 0,
      commits: 0,
      writes: 0,
      readsAnswered: 0,
      readsFailed: 0,
      crashes: 0,
      losses: 0,
      delivered: 0,
    },
    step: 0,
    nextCommand: 1,
    nextRead: 1,
  };
}

/** All with the same first entry, the configuration, committed in term 1 by bootstrap. */
function createMembers(
  ledger: Ledger,
  options: WalkOptions,
  ids: readonly NodeId[],
  hosts: Random,
): Member[] {
  const configuration = createConfiguration(ids.map((id) => ({ id, address: `${id}:1` })));
  const first: Entry = {
    index: 1 as LogIndex, // the first index
    term: term(1),
    kind: "configuration",
    data: encodeConfiguration(configuration),
  };
  const past = recall(ledger.history, ledger.evaluations, null, first, true);
  ledger.canon.push(past);
  ledger.commitTerms.push(1);
  return ids.map((id, at) => {
    const disk = createDisk({
      term: term(1),
      votedFor: null,
      mustCatchUp: false,
      commit: first.index,
      log: [past],
    });
    const hardState = { term: term(1), votedFor: null, mustCatchUp: false };
    const raft = createRaft({
      id,
      settings: options.settings,
      boot: hosts.below(2 ** 31),
      jitter: hosts.unit(),
      hardState,
      entries: [first],
      commit: first.index,
    });
    return {
      at,
      id,
      raft,
      disk,
      reported: persistUnit(0),
      held: [],
      applying: null,
      stalledUntil: 0,
      isDirty: false,
      seen: seenAtStart(raft, [past]),
      proposals: [],
      reads: new Map(),
      lost: [],
      lossTerm: 0,
    };
  });
}
