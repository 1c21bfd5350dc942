import { columnsOf } from "./wrap.ts";

/** Tables for people: columns two blanks apart; where they do not fit, one block of lines a row. */

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
  readonly align?: "left" | "right";
}

const gap = "  ";

/**
 * A table with its line ends.
 *
 * @param width Columns of the terminal: a wider table becomes blocks
 */
export function formatTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  width: number,
): string {
  const cells = rows.map((row) => columns.map(({ cell }) => cell(row)));
  const titles = columns.map(({ title }) => title);
  const widths = titles.map((title, at) =>
    Math.max(columnsOf(title), ...cells.map((line) => columnsOf(line[at] ?? ""))),
  );
  const total = widths.reduce((sum, each) => sum + each, 0) + gap.length * (columns.length - 1);
  if (total > width) return formatBlocks(titles, cells);
  const lines = [titles, ...cells].map((line) =>
    line
      .map((text, at) => pad(text, widths[at] ?? 0, columns[at]?.align ?? "left"))
      .join(gap)
      .trimEnd(),
  );
  return `${lines.join("\n")}\n`;
}

function formatBlocks(titles: readonly string[], cells: readonly (readonly string[])[]): string {
  const wide = Math.max(...titles.map(columnsOf));
  const blocks = cells.map((line) =>
    line.map((text, at) => `${pad(titles[at] ?? "", wide, "left")}${gap}${text}`).join("\n"),
  );
  return `${blocks.join("\n\n")}\n`;
}

/** Fills a text up with blanks. */
export function pad(text: string, width: number, align: "left" | "right"): string {
  const blanks = " ".repeat(Math.max(0, width - columnsOf(text)));
  return align === "left" ? text + blanks : blanks + text;
}
