/**
 * Breaks each line of a text at blanks so that it fits; a word that is longer stays whole, because
 * it is to be copied.
 *
 * @param width Columns
 * @param indent Begins the lines that follow a break
 */
export function wrapLines(text: string, width: number, indent: string): string {
  return text
    .split("\n")
    .map((line) => wrapLine(line, width, indent))
    .join("\n");
}

function wrapLine(line: string, width: number, indent: string): string {
  if (columnsOf(line) <= width) return line;
  const lead = /^ */.exec(line)?.[0] ?? "";
  const lines: string[] = [];
  let current = lead;
  let isEmpty = true;
  for (const [, gap = "", word = ""] of line.slice(lead.length).matchAll(/( *)([^ ]+)/g)) {
    if (!isEmpty && columnsOf(current) + gap.length + columnsOf(word) > width) {
      lines.push(current);
      current = `${lead}${lead === "" ? indent : ""}${word}`;
    } else {
      current += isEmpty ? word : gap + word;
    }
    isEmpty = false;
  }
  lines.push(current);
  return lines.join("\n");
}

/** Columns that a text takes on a terminal, colours left out. */
export function columnsOf(text: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with escape
  return [...text.replace(/\u001b\[[0-9;]*m/g, "")].length;
}
