/** What tests of backups share: the command line, and starting what it prints. */
import { expect } from "vitest";
import { runCli } from "./cli.ts";
import { range, ServerCluster, type ServerProcess, textOf } from "./server-cluster.ts";

/** What `quorate …` prints; it must end with 0. */
export async function cli(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCli(args);
  if (code !== 0) throw new Error(`quorate ${args.join(" ")} ended with ${code}: ${stderr}`);
  return stdout;
}

/** The flags of `quorate server …` in what a command prints, over several lines. */
export function printedServerFlags(text: string): string[] {
  const [, command = ""] = /^ +quorate server ((?:.*\\\n)*.*)$/m.exec(text) ?? [];
  return command.replaceAll("\\\n", " ").trim().split(/\s+/);
}

/** The clusters are started anew of `file`, and answer; the caller disposes of it. */
export async function startRestored(file: string): Promise<ServerCluster> {
  const restored = await ServerCluster.prepared();
  try {
    for (const name of ["a", "b", "c"]) {
      const text = await cli(
        ...["snapshot", "restore", file, "--name", name],
        ...["--data-dir", `${restored.folder}/${name}`],
        ...["--initial-advertise-peer-urls", restored.peerUrl(name)],
        ...["--initial-cluster", restored.initialCluster],
      );
      restored.launchWith(name, printedServerFlags(text));
    }
    await restored.ready();
    return restored;
  } catch (error) {
    await restored.dispose();
    throw error;
  }
}

/** Keys to revisions of what is there, by a linearizable read. */
export async function revisionsOf({ endpoint }: ServerProcess): Promise<Map<string, number>> {
  const { kvs } = await range(endpoint, "k");
  return new Map(kvs.map((kv) => [textOf(kv.key), kv.modRevision]));
}

/** All of `acknowledged` is there, with the revision that was answered. */
export function expectAll(
  found: ReadonlyMap<string, number>,
  acknowledged: ReadonlyMap<string, number>,
): void {
  const wrong = [...acknowledged].filter(([key, revision]) => found.get(key) !== revision);
  expect(wrong).toEqual([]);
}
