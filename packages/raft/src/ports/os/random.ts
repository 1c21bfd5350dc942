/** Chance of the host. */
import { randomBytes } from "node:crypto";
import type { Random } from "../random.ts";

export const osRandom: Random = {
  fraction: () => Math.random(),
  id64() {
    let id = "0".repeat(16);
    while (/^0+$/.test(id)) id = randomBytes(8).toString("hex");
    return id;
  },
};
