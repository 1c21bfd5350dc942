#!/usr/bin/env node
/** The command `quorate`. */
import { runProgram } from "./program.ts";
import { createProcessTerminal } from "./terminal.ts";

const terminal = createProcessTerminal();
const exitCode = await runProgram(process.argv.slice(2), terminal);
process.exitCode = exitCode;
