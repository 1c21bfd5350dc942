import * as zlib from "node:zlib";
import { type Crc32, crc32 } from "../../base/index.ts";
import type { Ports } from "../ports.ts";
import { osClock } from "./clock.ts";
import { osDisk } from "./disk.ts";
import { osNetwork } from "./network.ts";
import { osRandom } from "./random.ts";

export { osClock } from "./clock.ts";
export { osDisk } from "./disk.ts";
export { osNetwork } from "./network.ts";
export { osRandom } from "./random.ts";
export { watchGlobals } from "./watch-globals.ts";

/**
 * zlib's, where this Node has it (20.15, 22.2 and later): the same polynomial, many times faster.
 */
export const osCrc32: Crc32 = typeof zlib.crc32 === "function" ? zlib.crc32 : crc32;

/** The four doors to the operating system. */
export function createOsPorts(): Ports {
  return { clock: osClock, random: osRandom, disk: osDisk, network: osNetwork, crc32: osCrc32 };
}
export { osConsole } from "./console.ts";
