/** The form of stories, with a toy world: a counter. */
import { describe, expect, it } from "vitest";
import {
  describeMismatch,
  parseCommand,
  parseStory,
  rewriteStory,
  runStory,
} from "./story-file.ts";

function createCounter(): (line: string) => string {
  let count = 0;
  return (line) => {
    const { name, named } = parseCommand(line);
    if (name === "add") count += Number(named.get("by") ?? 1);
    else if (name === "quiet") return "";
    else if (name !== "show") throw new Error(`there is no command ${name}`);
    return `count ${count}\n`;
  };
}

const story = `# Counting works, because everything counts on it.
# A second line.

add by=2
----
count 2

# Two commands, one answer.
add
show
----
count 3
count 3

quiet
----

jump
----
error: there is no command jump
`;

describe("parseStory", () => {
  it("reads why, commands and answers", () => {
    const { why, steps } = parseStory(story);
    expect(why).toBe("Counting works, because everything counts on it.\nA second line.");
    expect(steps).toEqual([
      { line: 4, commands: ["add by=2"], expected: "count 2" },
      { line: 9, commands: ["add", "show"], expected: "count 3\ncount 3" },
      { line: 15, commands: ["quiet"], expected: "" },
      { line: 18, commands: ["jump"], expected: "error: there is no command jump" },
    ]);
  });

  it.each([
    ["", /first line must be a comment/],
    ["add\n----\ncount 1\n", /first line must be a comment/],
    ["#\nadd\n----\n", /first line must be a comment/],
    ["# Why.\n", /no step/],
    ["# Why.\nadd\n", /line 2: .*not followed by "----"/],
    ["# Why.\nadd\n\nshow\n----\n", /line 2: .*not followed by "----"/],
    ["# Why.\n----\ncount\n", /line 2: .*not followed by "----"/],
  ])("refuses %j", (text, message) => {
    expect(() => parseStory(text)).toThrow(message);
  });
});

describe("parseCommand", () => {
  it("takes a line apart", () => {
    expect(parseCommand('put n1  n2 at=1/2 text="a = b" flag=')).toEqual({
      name: "put",
      positional: ["n1", "n2"],
      named: new Map([
        ["at", "1/2"],
        ["text", "a = b"],
        ["flag", ""],
      ]),
    });
  });

  it.each([
    ["", /empty command/],
    ["put a=1 a=2", /a is given twice/],
    ['put text="a', /not closed/],
  ])("refuses %j", (line, message) => {
    expect(() => parseCommand(line)).toThrow(message);
  });
});

describe("runStory and rewriteStory", () => {
  const changed = story.replace("count 2", "count 7\nand more").replace("error: there", "there");

  it("finds nothing in a true story, and rewriting keeps it byte for byte", () => {
    expect(runStory(parseStory(story), createCounter())).toEqual([]);
    expect(rewriteStory(story, createCounter())).toBe(story);
  });

  it("finds each answer that differs", () => {
    const found = runStory(parseStory(changed), createCounter());
    expect(found.map(({ step, actual }) => [step.line, actual])).toEqual([
      [4, "count 2"],
      [19, "error: there is no command jump"],
    ]);
    expect(found.slice(0, 1).map((each) => describeMismatch("a.txt", each))).toEqual([
      "a.txt:4\n  add by=2\n  ----\n  - count 7\n  - and more\n  + count 2",
    ]);
  });

  it("rewrites the answers and nothing else", () => {
    expect(rewriteStory(changed, createCounter())).toBe(story);
    const unanswered = "# Why.\nadd\n----\n\nquiet\n----\ngone\n\n# The end.\n";
    expect(rewriteStory(unanswered, createCounter())).toBe(
      "# Why.\nadd\n----\ncount 1\n\nquiet\n----\n\n# The end.\n",
    );
  });

  it("does not hide an answer behind an empty line", () => {
    const parsed = parseStory("# Why.\nadd\n----\na\n");
    expect(() => runStory(parsed, () => "a\n\nb")).toThrow(/line 2: its answer has an empty line/);
  });
});
