/**
 * What a sync costs by the way a log grows: a file that gets longer with each write, as ours; one
 * whose bytes were written before; and writes that sync themselves (`O_DSYNC`). Three writers at
 * once share the file system, as three members of a benchmark do. Prints milliseconds per write
 * and sync.
 *
 *   npx tsx bench/sync.ts [--bytes 70000] [--writes 2000]
 */
import { constants, fdatasync, fsyncSync, openSync, write, writeSync } from "node:fs";
import { numberOption, parseArguments } from "./arguments.ts";
import { withTemporaryFolder } from "./processes.ts";

type Way = "grows" | "written before" | "syncs itself";

const ways: readonly Way[] = ["grows", "written before", "syncs itself"];
const writers = 3;
const rounds = 3;

const given = parseArguments(["sync", ...process.argv.slice(2)]).options;
const bytes = numberOption(given, "bytes", 70_000);
const writes = numberOption(given, "writes", 2_000);
const chunk = Buffer.alloc(bytes, 7);

function openLog(path: string, way: Way): number {
  const { O_RDWR, O_CREAT, O_DSYNC } = constants;
  const file = openSync(path, O_RDWR | O_CREAT | (way === "syncs itself" ? O_DSYNC : 0));
  if (way === "written before") {
    for (let at = 0; at < writes; at++) writeSync(file, chunk, 0, bytes, at * bytes);
    fsyncSync(file);
  }
  return file;
}

function writeAll(file: number, way: Way): Promise<void> {
  return new Promise((resolve, reject) => {
    let done = 0;
    const next = (error: Error | null): void => {
      if (error !== null) reject(error);
      else if (done === writes) resolve();
      else write(file, chunk, 0, bytes, done++ * bytes, onWritten);
    };
    const onWritten = (error: Error | null): void => {
      if (error !== null || way === "syncs itself") next(error);
      else fdatasync(file, next);
    };
    next(null);
  });
}

for (let round = 0; round < rounds; round++) {
  for (const way of ways) {
    await withTemporaryFolder(async (folder) => {
      const files = Array.from({ length: writers }, (_, at) => openLog(`${folder}/${at}`, way));
      const startMs = performance.now();
      await Promise.all(files.map((file) => writeAll(file, way)));
      const eachMs = (performance.now() - startMs) / writes;
      process.stdout.write(`${way.padEnd(16)} ${eachMs.toFixed(3)} ms\n`);
    });
  }
}
