/** Resident memory of another process, as Linux tells it, and what the whole machine was up to. */
import { readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";

export const mebibyte: number = 1024 * 1024;

/** Bytes of a line of `/proc/<pid>/status`. */
function statusBytes(pid: number, name: "VmRSS" | "VmHWM"): number {
  const text = readFileSync(`/proc/${pid}/status`, "utf8");
  const match = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text);
  if (match === null) throw new Error(`/proc/${pid}/status has no ${name}`);
  return Number(match[1]) * 1024;
}

/** How far resident memory grows above what it is when this is made. */
export class MemoryWatch {
  readonly #pid: number;
  readonly beforeBytes: number;

  constructor(pid: number) {
    this.#pid = pid;
    // The system's own peak begins anew: nothing between two looks is missed.
    writeFileSync(`/proc/${pid}/clear_refs`, "5");
    this.beforeBytes = statusBytes(pid, "VmRSS");
  }

  get growthBytes(): number {
    return Math.max(0, statusBytes(this.#pid, "VmHWM") - this.beforeBytes);
  }
}

/** What else the machine did meanwhile: to judge a stall by. */
export class HostWatch {
  readonly #before = cpuTicks();

  /** `load 1.5, processors 80 % busy, 0.1 % stolen`. */
  describe(): string {
    const [now, before] = [cpuTicks(), this.#before];
    const part = (name: "busy" | "stolen") =>
      ((100 * (now[name] - before[name])) / Math.max(1, now.all - before.all)).toFixed(1);
    const load = (loadavg()[0] ?? 0).toFixed(1);
    return `load ${load}, processors ${part("busy")} % busy, ${part("stolen")} % stolen`;
  }
}

function cpuTicks(): { readonly all: number; readonly busy: number; readonly stolen: number } {
  const [line = ""] = readFileSync("/proc/stat", "utf8").split("\n");
  const ticks = line.trim().split(/\s+/).slice(1).map(Number);
  const [user = 0, nice = 0, system = 0, idle = 0, waiting = 0, hard = 0, soft = 0, stolen = 0] =
    ticks;
  const busy = user + nice + system + hard + soft;
  return { all: busy + idle + waiting + stolen, busy, stolen };
}
