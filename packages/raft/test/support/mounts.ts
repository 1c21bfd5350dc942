/** File systems of a test's own, for those who may mount: a small one that fills up, one to cut. */
import { spawnSync } from "node:child_process";
import { closeSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requireProgram } from "../../../../tools/debian-programs.ts";

/** Whether this process may do what a test needs, and if not, why. */
export type Facility = { readonly kind: "found" } | { readonly kind: "missing"; reason: string };

/** @throws Error with the program's words if it fails */
function run(program: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: "utf8" });
  if (status === 0) return;
  throw new Error(`Cannot run ${program} ${args.join(" ")}: ${error?.message ?? stderr}`);
}

function attempt(what: string, act: () => void): Facility {
  try {
    act();
    return { kind: "found" };
  } catch (error) {
    const reason = error instanceof Error ? error.message.trim() : String(error);
    console.log(`Left out: tests with ${what}: ${reason}`);
    return { kind: "missing", reason };
  }
}

/** Whether memory can be mounted as a disk of a limited size. Prints why not. */
export function requireSmallDisks(): Facility {
  return attempt("a disk that fills up", () => {
    const disk = new SmallDisk(64);
    disk.dispose();
  });
}

/** Whether a file can be mounted as a disk whose power is cut. Prints why not. */
export function requireCutDisks(): Facility {
  for (const name of ["mkfs.ext4", "python3"] as const) {
    const found = requireProgram(name);
    if (found.kind === "missing") return found;
  }
  return attempt("power cuts", () => {
    const disk = new CutDisk();
    try {
      disk.cut();
    } finally {
      disk.dispose();
    }
  });
}

/** A disk of memory that takes only so much. */
export class SmallDisk {
  readonly path: string = mkdtempSync(join(tmpdir(), "quorate-small-"));

  constructor(kibibytes: number) {
    try {
      run("mount", ["-t", "tmpfs", "-o", `size=${kibibytes}k`, "quorate-test", this.path]);
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  resize(kibibytes: number): void {
    run("mount", ["-o", `remount,size=${kibibytes}k`, this.path]);
  }

  dispose(): void {
    spawnSync("umount", ["-l", this.path]);
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** FS_IOC_SHUTDOWN with NOLOGFLUSH: what was not synced is gone, every later operation fails. */
const cutProgram = `
import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack("I", 2))
`;

/** An ext4 in a file, on which the power can be cut. */
export class CutDisk {
  readonly #folder = mkdtempSync(join(tmpdir(), "quorate-cut-"));
  readonly path: string = join(this.#folder, "disk");
  readonly #image = join(this.#folder, "image");

  constructor() {
    const image = openSync(this.#image, "w");
    ftruncateSync(image, 64 * 1024 * 1024);
    closeSync(image);
    mkdirSync(this.path);
    try {
      run("mkfs.ext4", ["-q", "-F", this.#image]);
      this.#mount();
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  #mount(): void {
    run("mount", ["-o", "loop", this.#image, this.path]);
  }

  cut(): void {
    run("python3", ["-c", cutProgram, this.path]);
  }

  /** Mounted again, with what was on stable storage. No process may have a file open. */
  restorePower(): void {
    run("umount", [this.path]);
    this.#mount();
  }

  dispose(): void {
    spawnSync("umount", ["-l", this.path]);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
