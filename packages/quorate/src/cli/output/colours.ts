/** Colours for a terminal that shows them; elsewhere, and where `NO_COLOR` is set, plain text. */

export type Paint = (text: string) => string;

export interface Colours {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly red: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
  readonly cyan: Paint;
}

const plain: Paint = (text) => text;

const paint =
  (code: number): Paint =>
  (text) =>
    `\u001b[${code}m${text}\u001b[0m`;

export const noColours: Colours = {
  bold: plain,
  dim: plain,
  red: plain,
  green: plain,
  yellow: plain,
  cyan: plain,
};

const terminalColours: Colours = {
  bold: paint(1),
  dim: paint(2),
  red: paint(31),
  green: paint(32),
  yellow: paint(33),
  cyan: paint(36),
};

/** Chooses by what is at the other end and by the person's wish (https://no-color.org). */
export function createColours(
  isTerminal: boolean,
  environment: Readonly<Record<string, string | undefined>>,
): Colours {
  const wish = environment["NO_COLOR"];
  const isRefused = (wish !== undefined && wish !== "") || environment["TERM"] === "dumb";
  return isTerminal && !isRefused ? terminalColours : noColours;
}
