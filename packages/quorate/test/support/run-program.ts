/** Runs a command line in this process, as at a terminal of 80 columns that is none. */
import { noColours } from "../../src/cli/output/colours.ts";
import { runProgram } from "../../src/cli/program.ts";

export interface ProgramResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export async function runHere(...args: readonly string[]): Promise<ProgramResult> {
  let out = "";
  let err = "";
  const code = await runProgram(args, {
    print: (data) => {
      out += String(data);
    },
    say: (text) => {
      err += text;
    },
    readInput: () => Promise.resolve(new Uint8Array()),
    readLines: () => Promise.resolve(),
    ...{ isInputPerson: false, isPrintPerson: false, isSayPerson: false, width: 80 },
    ...{ printColours: noColours, sayColours: noColours, environment: {} },
  });
  return { code, out, err };
}
