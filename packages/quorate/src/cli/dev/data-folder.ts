/**
 * The folder of a development cluster: one folder a member, and `dev.json`, which says how it was
 * made.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CliError } from "../cli-error.ts";
import { exitCodes } from "../exit-codes.ts";
import {
  createLayout,
  formatLayout,
  isSameLayout,
  type Layout,
  nodesDefault,
  parseLayout,
} from "./layout.ts";

/** What the command line says of the layout; null where it says nothing. */
export interface WantedLayout {
  readonly nodes: number | null;
  readonly basePort: number | null;
}

const fileName = "dev.json";

/** Where nothing is known yet. */
export function chooseLayout({ nodes, basePort }: WantedLayout): Layout {
  return createLayout(nodes ?? nodesDefault, basePort);
}

/**
 * The layout of an existing folder, or a new one for `saveLayout`: members know each other by their
 * ports, so a cluster cannot come back under others.
 *
 * @throws CliError if the flags and the folder disagree, or the folder cannot be read
 */
export function planLayout(folder: string, wanted: WantedLayout): Layout {
  const known = readLayout(folder);
  if (known === null) return chooseLayout(wanted);
  if (!isSameLayout(known, chooseLike(known, wanted))) throw differs(folder, known);
  return known;
}

/** The layout that the flags describe, where what they leave open is as in the folder. */
function chooseLike(known: Layout, { nodes, basePort }: WantedLayout): Layout {
  if (basePort === null) return nodes === null || nodes === known.length ? known : [];
  return createLayout(nodes ?? known.length, basePort);
}

function differs(folder: string, known: Layout): CliError {
  const ports = known.map(({ clientPort }) => clientPort).join(", ");
  const message =
    `${folder} holds a cluster of ${known.length} with the client ports ${ports}; ` +
    "the flags ask for another one";
  return folderError(message, "Leave --nodes and --base-port out, or give another --data-dir.");
}

function readLayout(folder: string): Layout | null {
  const file = join(folder, fileName);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw cannotUse(folder, error);
  }
  const layout = parseLayout(text);
  if (layout === null) {
    throw folderError(`${file} is not what quorate dev writes`, "Give another --data-dir.");
  }
  return layout;
}

/**
 * In one step: a half-written file would be taken for a damaged folder.
 *
 * @throws CliError if the folder cannot be written
 */
export function saveLayout(folder: string, layout: Layout): void {
  const file = join(folder, fileName);
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${file}.new`, formatLayout(layout));
    renameSync(`${file}.new`, file);
  } catch (error) {
    throw cannotUse(folder, error);
  }
}

function cannotUse(folder: string, error: unknown): CliError {
  const reason = error instanceof Error ? error.message : String(error);
  return folderError(
    `cannot use the data folder ${folder}: ${reason}`,
    "Give another one with --data-dir, or use --memory.",
  );
}

function folderError(message: string, hint: string): CliError {
  return new CliError(message, { exitCode: exitCodes.failed, code: "BAD_CONFIG", lines: [hint] });
}
