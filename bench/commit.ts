/**
 * `commit`: proposals of a raw machine in the leader's process, three durable processes; and in the
 * same run the bare loop (no Raft), which says what the platform allows.
 */
import { freePorts } from "../packages/raft/test/support/free-ports.ts";
import { numberOption } from "./arguments.ts";
import type { LoopResult } from "./closed-loop.ts";
import { nextMessage, startProcess, stopProcess, withTemporaryFolder } from "./processes.ts";

export interface CommitOptions {
  readonly payload: number;
  readonly inflight: number;
  readonly seconds: number;
}

export async function benchCommit(given: ReadonlyMap<string, string>): Promise<object> {
  const options: CommitOptions = {
    payload: numberOption(given, "payload", 256),
    inflight: numberOption(given, "inflight", 256),
    seconds: numberOption(given, "seconds", 5),
  };
  const ceiling = await runThree("./bare-member.ts", options);
  const commits = await runThree("./commit-member.ts", options);
  return {
    bench: "commit",
    payload: options.payload,
    inflight: options.inflight,
    seconds: options.seconds,
    commitsPerSecond: commits.perSecond,
    ceilingPerSecond: ceiling.perSecond,
    ratio: Number((commits.perSecond / ceiling.perSecond).toFixed(3)),
    p50Ms: commits.p50Ms,
    p99Ms: commits.p99Ms,
    ceilingP50Ms: ceiling.p50Ms,
    ceilingP99Ms: ceiling.p99Ms,
    failed: commits.failed,
  };
}

/** Three processes of `file`; whichever leads runs the loop. */
async function runThree(file: string, options: CommitOptions): Promise<LoopResult> {
  return await withTemporaryFolder(async (folder) => {
    const ports = await freePorts(3);
    const names = ["a", "b", "c"];
    const members = Object.fromEntries(names.map((name, at) => [name, `127.0.0.1:${ports[at]}`]));
    const children = names.map((name) =>
      startProcess(file, [JSON.stringify({ name, members, folder, ...options })]),
    );
    try {
      const leader = await Promise.race(
        children.map(async (child) => {
          await nextMessage<boolean>(child, "leads");
          return child;
        }),
      );
      const result = nextMessage<LoopResult>(leader, "result");
      leader.send({ run: true });
      return await result;
    } finally {
      await Promise.all(children.map(stopProcess));
    }
  });
}
