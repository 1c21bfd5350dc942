import { describe, expect, it } from "vitest";
import { splitWords } from "./words.ts";

describe("splitWords", () => {
  it.each<[string, string[]]>([
    ["put a b", ["put", "a", "b"]],
    ["  put\ta  'b c'  ", ["put", "a", "b c"]],
    ['put "a b" ""', ["put", "a b", ""]],
    ['"say \\"hi\\"\\n\\x41\\\\"', ['say "hi"\nA\\']],
    ["pre'mid'post", ["premidpost"]],
    ["'no \\n escape'", ["no \\n escape"]],
    ["", []],
  ])("splits %j", (line, words) => {
    expect(splitWords(line)).toEqual(words);
  });

  it.each(['put "a', "put 'a", 'a"b'])("knows that a quote does not end: %j", (line) => {
    expect(splitWords(line)).toBeNull();
  });
});
