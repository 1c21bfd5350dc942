/** What the tools for stopped members print and read alike. */
import { wrapLines } from "../output/wrap.ts";
import type { Terminal } from "../terminal.ts";

/** `name  text` lines, the names in a column; texts that are too long go on under themselves. */
export function formatFacts(
  facts: readonly (readonly [name: string, text: string])[],
  width: number,
): string {
  const wide = Math.max(...facts.map(([name]) => name.length)) + 2;
  const lines = facts.map(([name, text]) => {
    const body = wrapLines(text, width - wide, "").split("\n");
    return body.map((line, at) => `${(at === 0 ? name : "").padEnd(wide)}${line}`).join("\n");
  });
  return `${lines.join("\n")}\n`;
}

/** Sentences as a list. */
export function formatList(sentences: readonly string[], width: number): string {
  return sentences
    .map((text) => {
      const [first = "", ...rest] = wrapLines(text, width - 4, "").split("\n");
      return [`  - ${first}`, ...rest.map((line) => `    ${line}`)].join("\n");
    })
    .map((text) => `${text}\n`)
    .join("");
}

/** A line that a person types, or nothing. */
export async function askLine(terminal: Terminal, question: string): Promise<string> {
  terminal.say(question);
  let answer = "";
  await terminal.readLines((line) => {
    answer = line.trim();
    return false;
  });
  return answer;
}

/** How a member is started on a directory whose cluster has these members and this token. */
export function startCommand(
  name: string,
  directory: string,
  members: readonly { readonly id: string; readonly address: string }[],
  token: string,
): string {
  const own = members.find(({ id }) => id === name)?.address ?? "";
  const cluster = members.map(({ id, address }) => `${id}=http://${address}`).join(",");
  return [
    `  quorate server --name ${name} --data-dir ${directory}`,
    `    --listen-peer-urls http://${own} --initial-advertise-peer-urls http://${own}`,
    `    --initial-cluster ${cluster}`,
    `    --initial-cluster-token ${token} --initial-cluster-state existing`,
  ].join(" \\\n");
}
