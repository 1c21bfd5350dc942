import { describe, expect, it } from "vitest";
import { type Column, formatTable } from "./table.ts";

interface Row {
  readonly name: string;
  readonly count: number;
}

const columns: readonly Column<Row>[] = [
  { title: "NAME", cell: ({ name }) => name },
  { title: "COUNT", cell: ({ count }) => String(count), align: "right" },
];

const rows: readonly Row[] = [
  { name: "a", count: 7 },
  { name: "longer", count: 12_345_678 },
];

describe("formatTable", () => {
  it("aligns columns without blanks at the ends of lines", () => {
    expect(formatTable(columns, rows, 80)).toBe(
      ["NAME       COUNT", "a              7", "longer  12345678", ""].join("\n"),
    );
  });

  it("becomes blocks where it does not fit", () => {
    expect(formatTable(columns, rows, 15)).toBe(
      ["NAME   a", "COUNT  7", "", "NAME   longer", "COUNT  12345678", ""].join("\n"),
    );
  });
});
