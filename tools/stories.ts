/**
 * `npm run stories`: tells every story of the library and compares; `-- --rewrite` writes the
 * answers of today into the files, to be read as a diff. `-- election` takes only files whose path
 * contains the word.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createStoryWorld } from "../packages/raft/test/stories/raft-story.ts";
import {
  describeMismatch,
  parseStory,
  rewriteStory,
  runStory,
} from "../packages/raft/test/stories/story-file.ts";

const folder = "packages/raft/test/stories";
const root = new URL("../", import.meta.url);

interface StoryFile {
  /** From the root of the workspace. */
  readonly path: string;
  readonly url: URL;
}

function listStories(words: readonly string[]): StoryFile[] {
  const names = readdirSync(fileURLToPath(new URL(folder, root)), {
    recursive: true,
    encoding: "utf8",
  });
  return names
    .filter((name) => name.endsWith(".txt"))
    .sort()
    .map((name) => `${folder}/${name.replaceAll("\\", "/")}`)
    .filter((path) => words.length === 0 || words.some((word) => path.includes(word)))
    .map((path) => ({ path, url: new URL(path, root) }));
}

/** Tells one story in a world of its own; false if it told something new. */
function tell({ path, url }: StoryFile, isRewrite: boolean): boolean {
  const text = readFileSync(url, "utf8");
  const world = createStoryWorld();
  const run = (command: string): string => world.run(command);
  try {
    if (!isRewrite) {
      const mismatches = runStory(parseStory(text), run);
      for (const each of mismatches) process.stdout.write(`${describeMismatch(path, each)}\n\n`);
      return mismatches.length === 0;
    }
    const rewritten = rewriteStory(text, run);
    if (rewritten !== text) {
      writeFileSync(url, rewritten);
      process.stdout.write(`Rewrote ${path}\n`);
    }
    return true;
  } catch (error) {
    process.stdout.write(`${path}: ${error instanceof Error ? error.message : String(error)}\n`);
    return false;
  }
}

const args = process.argv.slice(2);
const isRewrite = args.includes("--rewrite");
const unknown = args.find((arg) => arg.startsWith("-") && arg !== "--rewrite");
const stories = listStories(args.filter((arg) => !arg.startsWith("-")));
if (unknown !== undefined) {
  process.stderr.write(`Unknown option ${unknown}; the only one is --rewrite.\n`);
  process.exitCode = 2;
} else {
  const failedCount = stories.filter((story) => !tell(story, isRewrite)).length;
  process.stdout.write(`${stories.length - failedCount} passed, ${failedCount} failed\n`);
  if (failedCount > 0 || stories.length === 0) process.exitCode = 1;
}
