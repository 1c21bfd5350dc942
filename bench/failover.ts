/** `failover`: `kill -9` of the leader, and the time until a survivor acknowledges the next put. */
import { numberOption } from "./arguments.ts";
import { type Cluster, killed, startEtcd, startQuorate } from "./clusters.ts";
import { readRevision, tryPut } from "./etcd-calls.ts";
import { withTemporaryFolder } from "./processes.ts";

/**
 * Milliseconds for one attempt, so that an attempt at a deposed member does not hide the next
 * leader.
 */
const attemptMs = 3_000;

export async function benchFailover(given: ReadonlyMap<string, string>): Promise<object> {
  const rounds = numberOption(given, "rounds", 20);
  const isEtcd = given.has("etcd");
  return await withTemporaryFolder(async (folder) => {
    const cluster = await (isEtcd ? startEtcd : startQuorate)(folder);
    try {
      const timesMs: number[] = [];
      for (let round = 0; round < rounds; round++) {
        timesMs.push(await failOver(cluster, round));
      }
      const sorted = [...timesMs].sort((x, y) => x - y);
      return {
        bench: "failover",
        server: isEtcd ? "etcd" : "quorate",
        rounds,
        medianMs: sorted[Math.floor(sorted.length / 2)],
        minMs: sorted[0],
        maxMs: sorted.at(-1),
        timesMs,
      };
    } finally {
      await cluster.stop();
    }
  });
}

/** Milliseconds from the kill to the first acknowledged put that began after it. */
async function failOver(cluster: Cluster, round: number): Promise<number> {
  const leader = await cluster.leader();
  // All three are caught up before the kill: what is measured is the election.
  await Promise.all(cluster.endpoints.map(readRevision));
  const survivors = cluster.members.filter((member) => member !== leader);
  const startMs = performance.now();
  await killed(leader.process);
  const attempts = survivors.map(async (member) => {
    while (!(await tryPut(member.client, `failover-${round}`, attemptMs))) {
      // the next attempt begins when this one has failed
    }
    return performance.now();
  });
  const acknowledgedMs = await Promise.race(attempts);
  await Promise.all(attempts);
  leader.restart();
  await Promise.all(cluster.endpoints.map(readUntilUp));
  return Math.round(acknowledgedMs - startMs);
}

async function readUntilUp(endpoint: string): Promise<void> {
  for (;;) {
    try {
      await readRevision(endpoint);
      return;
    } catch {
      // not up yet
    }
  }
}
