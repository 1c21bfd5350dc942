/**
 * The actions of all chapters on one world. Called by whoever explains or explores Raft by them.
 */
import * as configurations from "./configurations.ts";
import * as disk from "./disk.ts";
import * as elections from "./elections.ts";
import * as leases from "./leases.ts";
import * as network from "./network.ts";
import * as reads from "./reads.ts";
import * as replication from "./replication.ts";
import * as snapshots from "./snapshots.ts";
import type { Specification, SpecificationOptions } from "./specification.ts";
import * as transfer from "./transfer.ts";
import { addServer, createWorld } from "./world.ts";

/**
 * A cluster as the paper describes it, all members just started as followers.
 *
 * @throws Refusal when the options describe no cluster
 */
export function createSpecification(options: SpecificationOptions): Specification {
  const world = createWorld(options);
  return {
    members: world.members,
    firstConfiguration: world.firstConfiguration,
    startPreVote: (server) => elections.startPreVote(world, server),
    timeout: (server) => elections.timeout(world, server),
    stepDown: (server) => elections.stepDown(world, server),
    raiseTerm: (server) => elections.raiseTerm(world, server),
    advanceClock: (server, by) => leases.advanceClock(world, server, by),
    loseLink: (server, peer) => leases.loseLink(world, server, peer),
    promiseLease: (server, request) => leases.promiseLease(world, server, request),
    releaseLease: (server, request) => leases.releaseLease(world, server, request),
    leaseRead: (server, read) => leases.leaseRead(world, server, read),
    updateTerm: (server, message) => elections.updateTerm(world, server, message),
    grantVote: (server, request) => elections.grantVote(world, server, request),
    countVote: (server, response) => elections.countVote(world, server, response),
    countOwnVote: (server) => elections.countOwnVote(world, server),
    becomeLeader: (server) => elections.becomeLeader(world, server),
    changeConfiguration: (server, value, configuration) =>
      configurations.changeConfiguration(world, server, value, configuration),
    addServer: (start = { log: [], currentTerm: 0, commitIndex: 0 }) => addServer(world, start),
    configurationOf: (server) => configurations.configurationOf(world, server),
    committedConfigurationOf: (server) => configurations.committedConfigurationOf(world, server),
    startTransfer: (server, target) => transfer.startTransfer(world, server, target),
    endTransfer: (server) => transfer.endTransfer(world, server),
    timeoutNow: (server, request) => transfer.timeoutNow(world, server, request),
    clientRequest: (server, values) => replication.clientRequest(world, server, values),
    acceptEntries: (server, request, count) =>
      replication.acceptEntries(world, server, request, count),
    countAcknowledgement: (server, response) =>
      replication.countAcknowledgement(world, server, response),
    lowerMatch: (server, peer, matched) => replication.lowerMatch(world, server, peer, matched),
    advanceCommit: (server, index) => replication.advanceCommit(world, server, index),
    learnCommit: (server, index) => replication.learnCommit(world, server, index),
    apply: (server, index) => replication.apply(world, server, index),
    takeSnapshot: (server, snapshot) => snapshots.takeSnapshot(world, server, snapshot),
    compact: (server, index) => snapshots.compact(world, server, index),
    installSnapshot: (server, request) => snapshots.installSnapshot(world, server, request),
    followLeader: (server, request) => snapshots.followLeader(world, server, request),
    startRound: (server) => reads.startRound(world, server),
    registerRead: (server, read) => reads.registerRead(world, server, read),
    confirmRead: (server, read) => reads.confirmRead(world, server, read),
    write: (server) => disk.write(world, server),
    sync: (server) => disk.sync(world, server),
    restart: (server, kept, commitIndex, keptTerms) =>
      disk.restart(world, server, kept, commitIndex, keptTerms),
    loseEntries: (server, kept, restored) => disk.loseEntries(world, server, kept, restored),
    stopAbstaining: (server) => disk.stopAbstaining(world, server),
    send: (message) => network.send(world, message),
    hasLeft: (message) => network.hasLeft(world, message),
  };
}
