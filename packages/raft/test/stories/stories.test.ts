/**
 * Every story file is told anew and must tell the same; `npm run stories -- --rewrite` writes what
 * is told now.
 */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createStoryWorld } from "./raft-story.ts";
import { describeMismatch, parseStory, runStory } from "./story-file.ts";

const folder = new URL("./", import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith(".txt"));

describe("stories", () => {
  it("are there", () => {
    expect(names.length).toBeGreaterThanOrEqual(25);
  });

  it.each(names)("%s", (name) => {
    const story = parseStory(readFileSync(new URL(name, folder), "utf8"));
    const world = createStoryWorld();
    const mismatches = runStory(story, (command) => world.run(command));
    expect(mismatches.map((mismatch) => describeMismatch(name, mismatch))).toEqual([]);
    expect(story.steps.filter((step) => step.expected.includes("error:"))).toEqual([]);
  });
});
